/*
 * What is taken of a region's pools, one bit an object, under registry.lock.
 *
 * Who allocates may die before its records say what it has. So each pool has a second bitmap, of
 * what is new since the lock was taken: whoever finds a dead holder's lock takes that back. Objects
 * are freed before the references to them are dropped, and freeing them again does nothing, so what
 * a dead holder was freeing is freed by doing it once more.
 *
 * The bitmaps lie in the region's file, and whoever has that can write them: a word is read once, and a bit
 * leads to no object that there is not. Objects may then be handed out twice, to the region's own users.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "usernet/pool.h"
#include "usernet/region.h"

/* A pool with its bitmaps: what is constant of it as it was checked, what changes as others may have left it. */
struct bits {
    struct nmu_pool *record;
    uint32_t objtotal, objsize, words, reserved;
    uint64_t *taken, *fresh;
};

static bool find_bits(struct nmu_device *dev, uint32_t region, int which, struct bits *b)
{
    const struct nmu_map *map = nmu_region_mapping(dev, region);
    const struct nmu_pool *pool = map ? &map->layout->pool[which] : NULL;

    if (!pool)
        return false;
    b->record = &nmu_region_at(dev->reg, region)->pool[which];
    b->objtotal = pool->objtotal;
    b->objsize = pool->objsize;
    b->words = nmu_pool_words(pool);
    b->reserved = pool->reserved;
    b->taken = (uint64_t *)(map->base + pool->bitmap);
    b->fresh = b->taken + b->words;
    return true;
}

/* No object below it is free. */
static uint32_t hint(const struct bits *b)
{
    return nmu_below(b->record->hint, b->objtotal);
}

static inline uint64_t word_of(const uint64_t *bits, uint32_t word)
{
    return *(const volatile uint64_t *)&bits[word];
}

/* The bits of a word that stand for objects which can be handed out. */
static uint64_t objects_in(const struct bits *b, uint32_t word)
{
    uint64_t bits = ~(uint64_t)0;

    if (word == b->objtotal / 64)
        bits = ((uint64_t)1 << b->objtotal % 64) - 1;
    if (word == 0)
        bits &= ~(uint64_t)0 << b->reserved;
    return bits;
}

/* Says beforehand where bits of the second bitmap are going to be set. */
static void announce(struct nmu_device *dev, uint32_t region, struct nmu_pool *pool, uint32_t word)
{
    if (dev->reg->allocating != region) {
        nmu_pool_commit(dev);
        dev->reg->allocating = region;
    }
    if (pool->new_first == pool->new_end) {
        pool->new_first = word;
        NMU_IN_THIS_ORDER();
        pool->new_end = word + 1;
    }
    if (word < pool->new_first)
        pool->new_first = word;
    if (word >= pool->new_end)
        pool->new_end = word + 1;
    NMU_IN_THIS_ORDER();
}

/* Finds count free objects, lowest first, and marks them taken. */
static uint32_t take(struct nmu_device *dev, uint32_t region, const struct bits *b, uint32_t count, uint32_t *index)
{
    uint32_t found = 0, from = hint(b);

    for (uint32_t word = from / 64; found < count && word < b->words; word++) {
        uint64_t avail = ~word_of(b->taken, word) & objects_in(b, word), chosen = 0;

        if (word == from / 64)
            avail &= ~(uint64_t)0 << from % 64;
        if (!avail)
            continue;
        for (; avail && found < count; avail &= avail - 1) {
            index[found++] = word * 64 + (uint32_t)__builtin_ctzll(avail);
            chosen |= avail & -avail;
        }
        announce(dev, region, b->record, word);
        b->fresh[word] |= chosen;
        NMU_IN_THIS_ORDER();
        b->taken[word] |= chosen;
    }
    if (found)
        b->record->hint = index[found - 1] + 1;
    b->record->objfree -= found;
    return found;
}

int nmu_pool_alloc(struct nmu_device *dev, uint32_t region, int which, uint32_t count, uint32_t *index)
{
    const struct nmu_region *layout;
    struct bits b;
    uint32_t start = 0, found, left;
    size_t size;
    int fd, error = 0;

    if (!find_bits(dev, region, which, &b))
        return ENOMEM;
    left = nmu_at_most(b.record->objfree, b.objtotal);
    if (count > left)
        return nmu_fail(dev, ENOMEM, "memory region %u: %u %s wanted, %u free of %u", region, count,
                        which == NMU_POOL_IF ? "netmap_ifs" : which == NMU_POOL_RING ? "rings" : "buffers", left,
                        b.objtotal);
    if (!count)
        return 0;
    fd = nmu_region_open_file(dev, region, &size);
    if (fd < 0)
        return -fd;
    found = take(dev, region, &b, count, index);
    layout = nmu_region_layout(dev, region);
    if (found < count) { /* a count gone wrong: the bitmap is what holds */
        b.record->objfree = 0;
        error = nmu_fail(dev, ENOMEM, "memory region %u: its objects are used up", region);
    } else if (!layout) {
        error = ESTALE;
    }
    for (uint32_t i = 1; i <= count && !error; i++)
        if (i == count || index[i] != index[i - 1] + 1) {
            error = nmu_region_back(dev, fd, nmu_object(layout, which, index[start]), (uint64_t)(i - start) * b.objsize);
            start = i;
        }
    close(fd);
    for (uint32_t i = 0; i < found && error; i++)
        nmu_pool_free(dev, region, which, index[i]);
    return error;
}

bool nmu_pool_taken(struct nmu_device *dev, uint32_t region, int which, uint32_t index)
{
    struct bits b;

    return find_bits(dev, region, which, &b) && index < b.objtotal && (word_of(b.taken, index / 64) >> index % 64 & 1);
}

/* Frees one object. An index that is not taken is ignored: it comes from a slot or a list that
 * a client has written, or was freed before by who died of it. */
void nmu_pool_free(struct nmu_device *dev, uint32_t region, int which, uint32_t index)
{
    uint64_t bit = (uint64_t)1 << index % 64;
    struct bits b;

    if (!find_bits(dev, region, which, &b) || index < b.reserved || index >= b.objtotal ||
        !(word_of(b.taken, index / 64) & bit))
        return;
    b.taken[index / 64] &= ~bit;
    b.record->objfree++;
    if (index < b.record->hint)
        b.record->hint = index;
    NMU_IN_THIS_ORDER(); /* the caller drops its reference next */
}

/* Of the second bitmap the words that may not be 0: [*from, end). */
static uint32_t fresh_words(const struct bits *b, uint32_t *from)
{
    uint32_t end = nmu_at_most(b->record->new_end, b->words);

    *from = nmu_at_most(b->record->new_first, end);
    return end;
}

void nmu_pool_commit(struct nmu_device *dev)
{
    uint32_t region = nmu_below(dev->reg->allocating, NMU_REGIONS), from;
    struct bits b;

    for (int which = 0; region && which < NMU_POOLS; which++) {
        struct nmu_pool *pool = &nmu_region_at(dev->reg, region)->pool[which];

        if (pool->new_end && find_bits(dev, region, which, &b)) {
            uint32_t end = fresh_words(&b, &from);

            memset(b.fresh + from, 0, (end - from) * sizeof(*b.fresh));
        }
        NMU_IN_THIS_ORDER();
        pool->new_end = 0;
        NMU_IN_THIS_ORDER();
        pool->new_first = 0;
    }
    NMU_IN_THIS_ORDER();
    dev->reg->allocating = 0;
}

static void count_free(const struct bits *b)
{
    uint32_t left = b->objtotal - b->reserved;

    for (uint32_t word = 0; word < b->words; word++)
        left -= (uint32_t)__builtin_popcountll(word_of(b->taken, word) & objects_in(b, word));
    b->record->hint = b->reserved;
    b->record->objfree = left;
}

void nmu_pool_rollback(struct nmu_device *dev)
{
    struct nmu_registry *reg = dev->reg;
    uint32_t from;
    struct bits b;

    for (uint32_t region = 1; region < nmu_regions_high(reg); region++)
        for (int which = 0; which < NMU_POOLS && nmu_region_at(reg, region)->users; which++) {
            if (!find_bits(dev, region, which, &b))
                continue;
            if (region == reg->allocating)
                for (uint32_t end = fresh_words(&b, &from); from < end; from++)
                    b.taken[from] &= ~b.fresh[from];
            count_free(&b);
        }
    nmu_pool_commit(dev);
}
