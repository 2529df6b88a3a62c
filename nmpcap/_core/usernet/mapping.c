/*
 * Mappings of memory regions, one a region and device, made when first needed. A record is checked against its file and
 * copied before the file is mapped: whoever writes into the registry afterwards moves nothing here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "usernet/files.h"
#include "usernet/kring.h"
#include "usernet/region.h"

#define PAGE 4096u
#define OBJECT_ALIGN 64u
#define RESERVED_MAX 63u /* of a pool's objects, so that they are in the first word of its bitmap */

static void unmap(struct nmu_map *map)
{
    if (map->base)
        munmap(map->base, map->size + NMU_SLACK);
    map->base = NULL;
    free(map->layout);
    map->layout = NULL;
}

/* A mapping that is not what its record speaks of any more stays until the next sync: a caller may have its address. */
static bool retire(struct nmu_device *dev, struct nmu_map *map)
{
    struct nmu_map *kept = malloc(sizeof(*kept));

    if (!kept)
        return false;
    *kept = *map;
    kept->retired = dev->retired;
    dev->retired = kept;
    *map = (struct nmu_map){0};
    return true;
}

static void unmap_retired(struct nmu_device *dev)
{
    while (dev->retired) {
        struct nmu_map *map = dev->retired;

        dev->retired = map->retired;
        unmap(map);
        free(map);
    }
}

/* Whether [offset, offset + size) lies before the end. */
static bool lies_before(uint64_t offset, uint64_t size, uint64_t end)
{
    return offset <= end && size <= end - offset;
}

/* Whether everything that a record speaks of lies in a file of that size, in its order and where it may be addressed. */
static bool is_sound(const struct nmu_region *layout, uint64_t size)
{
    bool sound = lies_before(0, layout->memsize, layout->agreed) && layout->agreed % PAGE == 0 &&
                 lies_before(layout->agreed, nmu_pool_bytes(&layout->pool[NMU_POOL_RING]), size);

    for (int i = 0; i < NMU_POOLS; i++) {
        const struct nmu_pool *pool = &layout->pool[i];

        sound = sound && pool->objsize && pool->objsize % OBJECT_ALIGN == 0 && pool->objtotal && pool->reserved <= RESERVED_MAX &&
                pool->reserved <= pool->objtotal && pool->offset % OBJECT_ALIGN == 0 &&
                pool->bitmap % sizeof(uint64_t) == 0 && lies_before(pool->offset, nmu_pool_bytes(pool), layout->memsize) &&
                lies_before(layout->memsize, 0, pool->bitmap) &&
                lies_before(pool->bitmap, 2 * (uint64_t)nmu_pool_words(pool) * sizeof(uint64_t), layout->agreed);
    }
    return sound;
}

/* Maps a region as its record has it now, once that has been checked; false: msg says why. */
static bool map_region(struct nmu_device *dev, uint32_t index, uint32_t generation, struct nmu_map *map)
{
    struct nmu_region *layout = malloc(sizeof(*layout));
    size_t size;
    int fd;

    if (!layout) {
        nmu_fail(dev, ENOMEM, "out of memory");
        return false;
    }
    memcpy((void *)layout, nmu_region_at(dev->reg, index), sizeof(*layout));
    fd = nmu_region_open_file(dev, index, &size);
    if (fd >= 0 && !is_sound(layout, size)) {
        nmu_fail(dev, ESTALE, "runtime directory %s: the record of memory region %u is damaged", dev->dir, index);
    } else if (fd >= 0) {
        map->base = nmu_file_map(fd, size);
        if (!map->base)
            nmu_fail(dev, errno, "runtime directory %s: cannot map memory region %u: %s", dev->dir, index, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    if (!map->base) {
        free(layout);
        return false;
    }
    map->size = size;
    map->generation = generation;
    map->layout = layout;
    return true;
}

const struct nmu_map *nmu_region_map_anew(struct nmu_device *dev, uint32_t index, uint32_t generation)
{
    struct nmu_map *map;

    if (!dev->maps && !(dev->maps = calloc(NMU_REGIONS, sizeof(*dev->maps)))) {
        nmu_fail(dev, ENOMEM, "out of memory");
        return NULL;
    }
    map = &dev->maps[index];
    if (map->base && !retire(dev, map))
        return NULL;
    return map_region(dev, index, generation, map) ? map : NULL;
}

void nmu_region_unmap_all(struct nmu_device *dev)
{
    for (uint32_t i = 0; dev->maps && i < NMU_REGIONS; i++)
        unmap(&dev->maps[i]);
    free(dev->maps);
    dev->maps = NULL;
    unmap_retired(dev);
}

void nmu_region_forget_stale(struct nmu_device *dev)
{
    uint32_t epoch = atomic_load_explicit(&dev->reg->epoch, memory_order_relaxed);

    if (dev->retired)
        unmap_retired(dev);
    if (epoch == dev->maps_epoch)
        return;
    dev->maps_epoch = epoch;
    for (uint32_t i = 0; dev->maps && i < NMU_REGIONS; i++)
        if (dev->maps[i].base && dev->maps[i].generation != atomic_load_explicit(&nmu_region_at(dev->reg, i)->generation,
                                                                                 memory_order_relaxed))
            unmap(&dev->maps[i]);
}

struct netmap_ring *nmu_ring(struct nmu_device *dev, const struct nmu_kring *kring)
{
    const struct nmu_map *map = nmu_region_mapping(dev, nmu_port_at(dev->reg, kring->port)->region);
    uint64_t offset = map && kring->ring_ofs ? nmu_ring_ofs(map->layout, kring) : 0;

    return offset ? (struct netmap_ring *)(map->base + offset) : NULL;
}

int nmu_region_back_agreed(struct nmu_device *dev, uint32_t index, const struct nmu_kring *kring)
{
    const struct nmu_region *layout = nmu_region_layout(dev, index);
    uint64_t ring_ofs = layout ? nmu_ring_ofs(layout, kring) : 0;
    size_t size;
    int error, fd = nmu_region_open_file(dev, index, &size);

    if (fd < 0)
        return -fd;
    error = ring_ofs ? nmu_region_back(dev, fd, layout->agreed + ring_ofs - layout->pool[NMU_POOL_RING].offset,
                                       nmu_slots(kring) * NM_SLOT_SIZE)
                     : nmu_fail(dev, ESTALE, "memory region %u: its record is damaged", index);
    close(fd);
    return error;
}
