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

static uint64_t *taken_bits(struct nmu_device *dev, uint32_t region, int pool)
{
    uint8_t *base = nmu_region_map(dev, region);

    return base ? (uint64_t *)(base + dev->reg->regions[region].pool[pool].bitmap) : NULL;
}

static uint64_t *new_bits(const struct nmu_pool *pool, uint64_t *taken)
{
    return taken + nmu_pool_words(pool);
}

static inline uint64_t word_of(const uint64_t *bits, uint32_t word)
{
    return *(const volatile uint64_t *)&bits[word];
}

/* The bits of a word that stand for objects which can be handed out. */
static uint64_t objects_in(const struct nmu_pool *pool, uint32_t word)
{
    uint64_t bits = ~(uint64_t)0;

    if (word == pool->objtotal / 64)
        bits = ((uint64_t)1 << pool->objtotal % 64) - 1;
    if (word == 0)
        bits &= ~(uint64_t)0 << pool->reserved;
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
static uint32_t take(struct nmu_device *dev, uint32_t region, struct nmu_pool *pool, uint64_t *taken, uint32_t count,
                 uint32_t *index)
{
    uint32_t found = 0;

    for (uint32_t word = pool->hint / 64; found < count && word < nmu_pool_words(pool); word++) {
        uint64_t avail = ~word_of(taken, word) & objects_in(pool, word), chosen = 0;

        if (word == pool->hint / 64)
            avail &= ~(uint64_t)0 << pool->hint % 64;
        if (!avail)
            continue;
        for (; avail && found < count; avail &= avail - 1) {
            index[found++] = word * 64 + (uint32_t)__builtin_ctzll(avail);
            chosen |= avail & -avail;
        }
        announce(dev, region, pool, word);
        new_bits(pool, taken)[word] |= chosen;
        NMU_IN_THIS_ORDER();
        taken[word] |= chosen;
    }
    if (found)
        pool->hint = index[found - 1] + 1;
    pool->objfree -= found;
    return found;
}

int nmu_pool_alloc(struct nmu_device *dev, uint32_t region, int which, uint32_t count, uint32_t *index)
{
    struct nmu_pool *pool = &dev->reg->regions[region].pool[which];
    uint64_t *taken = taken_bits(dev, region, which);
    uint32_t start = 0, found;
    size_t size;
    int fd, error = 0;

    if (!taken)
        return ENOMEM;
    if (count > pool->objfree)
        return nmu_fail(dev, ENOMEM, "memory region %u: %u %s wanted, %u free of %u", region, count,
                        which == NMU_POOL_IF ? "netmap_ifs" : which == NMU_POOL_RING ? "rings" : "buffers",
                        pool->objfree, pool->objtotal);
    if (!count)
        return 0;
    fd = nmu_region_open_file(dev, region, &size);
    if (fd < 0)
        return -fd;
    found = take(dev, region, pool, taken, count, index);
    if (found < count) { /* a count gone wrong: the bitmap is what holds */
        pool->objfree = 0;
        error = nmu_fail(dev, ENOMEM, "memory region %u: its objects are used up", region);
    }
    for (uint32_t i = 1; i <= count && !error; i++)
        if (i == count || index[i] != index[i - 1] + 1) {
            error = nmu_region_back(dev, fd, nmu_object(&dev->reg->regions[region], which, index[start]),
                                    (uint64_t)(i - start) * pool->objsize);
            start = i;
        }
    close(fd);
    for (uint32_t i = 0; i < found && error; i++)
        nmu_pool_free(dev, region, which, index[i]);
    return error;
}

bool nmu_pool_taken(struct nmu_device *dev, uint32_t region, int which, uint32_t index)
{
    const uint64_t *taken = taken_bits(dev, region, which);

    return taken && index < dev->reg->regions[region].pool[which].objtotal &&
           (word_of(taken, index / 64) >> index % 64 & 1);
}

/* Frees one object. An index that is not taken is ignored: it comes from a slot or a list that
 * a client has written, or was freed before by who died of it. */
void nmu_pool_free(struct nmu_device *dev, uint32_t region, int which, uint32_t index)
{
    struct nmu_pool *pool = &dev->reg->regions[region].pool[which];
    uint64_t *taken = taken_bits(dev, region, which);
    uint64_t bit = (uint64_t)1 << index % 64;

    if (!taken || index < pool->reserved || index >= pool->objtotal || !(word_of(taken, index / 64) & bit))
        return;
    taken[index / 64] &= ~bit;
    pool->objfree++;
    if (index < pool->hint)
        pool->hint = index;
    NMU_IN_THIS_ORDER(); /* the caller drops its reference next */
}

void nmu_pool_commit(struct nmu_device *dev)
{
    uint32_t region = dev->reg->allocating;

    for (int which = 0; region && which < NMU_POOLS; which++) {
        struct nmu_pool *pool = &dev->reg->regions[region].pool[which];
        uint64_t *taken = pool->new_end ? taken_bits(dev, region, which) : NULL;

        if (taken)
            memset(new_bits(pool, taken) + pool->new_first, 0, (pool->new_end - pool->new_first) * sizeof(*taken));
        NMU_IN_THIS_ORDER();
        pool->new_end = 0;
        NMU_IN_THIS_ORDER();
        pool->new_first = 0;
    }
    NMU_IN_THIS_ORDER();
    dev->reg->allocating = 0;
}

static void count_free(struct nmu_pool *pool, const uint64_t *taken)
{
    pool->objfree = pool->objtotal - pool->reserved;
    pool->hint = pool->reserved;
    for (uint32_t word = 0; word < nmu_pool_words(pool); word++)
        pool->objfree -= (uint32_t)__builtin_popcountll(word_of(taken, word) & objects_in(pool, word));
}

void nmu_pool_rollback(struct nmu_device *dev)
{
    struct nmu_registry *reg = dev->reg;

    for (uint32_t region = 1; region < reg->regions_high; region++)
        for (int which = 0; which < NMU_POOLS && reg->regions[region].users; which++) {
            struct nmu_pool *pool = &reg->regions[region].pool[which];
            uint64_t *taken = taken_bits(dev, region, which);

            if (!taken)
                continue;
            if (region == reg->allocating)
                for (uint32_t word = pool->new_first; word < pool->new_end; word++)
                    taken[word] &= ~new_bits(pool, taken)[word];
            count_free(pool, taken);
        }
    nmu_pool_commit(dev);
}
