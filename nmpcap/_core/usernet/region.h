/* region: memory regions, their geometry and their mappings. */
#ifndef NMPCAP_USERNET_REGION_H
#define NMPCAP_USERNET_REGION_H

#include "usernet/impl.h"
#include "shared.h"
#include "usernet/records.h"

struct nmu_geometry {
    uint32_t size[NMU_POOLS];
    uint32_t num[NMU_POOLS];
};

void nmu_geometry_private(struct nmu_device *, struct nmu_geometry *, uint32_t tx_rings, uint32_t rx_rings,
                          uint32_t tx_slots, uint32_t rx_slots, uint32_t pipes, uint32_t extra_bufs);
int nmu_region_create(struct nmu_device *, const struct nmu_geometry *, uint32_t *region);
int nmu_region_find(struct nmu_device *, uint32_t mem_id, uint32_t *region); /* EINVAL: unknown */
void nmu_region_release(struct nmu_device *, uint32_t region);
void nmu_region_end(struct nmu_device *, uint32_t region);
const struct nmu_map *nmu_region_map_anew(struct nmu_device *, uint32_t index, uint32_t generation);
void nmu_region_unmap_all(struct nmu_device *);
void nmu_region_forget_stale(struct nmu_device *); /* drops mappings of regions that have ended */
int nmu_region_open_file(struct nmu_device *, uint32_t region, size_t *size); /* a descriptor or -errno; msg says why */
int nmu_region_back(struct nmu_device *, int fd, uint64_t offset, uint64_t size); /* with memory */
void nmu_region_remove_file(struct nmu_device *, uint32_t region);
int nmu_region_back_agreed(struct nmu_device *, uint32_t region, const struct nmu_kring *tx);

/* A region's mapping, made if need be, and usable until the next sync or the end of the session. NULL: msg says why. */
static inline const struct nmu_map *nmu_region_mapping(struct nmu_device *dev, uint32_t region)
{
    uint32_t index = nmu_below(region, NMU_REGIONS);
    uint32_t generation = atomic_load_explicit(&nmu_region_at(dev->reg, index)->generation, memory_order_relaxed);

    if (dev->maps && dev->maps[index].base && dev->maps[index].generation == generation)
        return &dev->maps[index];
    return nmu_region_map_anew(dev, index, generation);
}

/* Whether the region's file is as long as it was made: what has been cut off reads as zeros (guard.h). */
static inline bool nmu_region_whole(const struct nmu_map *map)
{
    return *(const volatile uint32_t *)(const volatile void *)(map->base + map->size - sizeof(uint32_t)) == NMU_MAGIC;
}

static inline uint8_t *nmu_region_map(struct nmu_device *dev, uint32_t region)
{
    const struct nmu_map *map = nmu_region_mapping(dev, region);

    return map ? map->base : NULL;
}

/* What a mapped region's record said when it was checked against the file: offsets and sizes come from here, what
 * changes (what is free) from the record itself. NULL: msg says why. */
static inline const struct nmu_region *nmu_region_layout(struct nmu_device *dev, uint32_t region)
{
    const struct nmu_map *map = nmu_region_mapping(dev, region);

    return map ? map->layout : NULL;
}

static inline uint64_t nmu_pool_bytes(const struct nmu_pool *pool)
{
    return (uint64_t)pool->objtotal * pool->objsize;
}

/* Where the object of a pool is; the first, where there is none of that number. */
static inline uint64_t nmu_object(const struct nmu_region *layout, int pool, uint32_t index)
{
    const struct nmu_pool *objects = &layout->pool[pool];

    return objects->offset + (uint64_t)nmu_below(index, objects->objtotal) * objects->objsize;
}

/* Where a ring is, if it is among the ring objects of the region; else 0. Behind any place there is memory for
 * NMU_SLOTS_MAX slots. */
static inline uint64_t nmu_ring_ofs(const struct nmu_region *layout, const struct nmu_kring *kring)
{
    const struct nmu_pool *pool = &layout->pool[NMU_POOL_RING];
    uint64_t at = *(const volatile uint64_t *)&kring->ring_ofs - pool->offset;

    return at < nmu_pool_bytes(pool) && at % NM_RING_ALIGN == 0 ? at + pool->offset : 0;
}

struct netmap_ring *nmu_ring(struct nmu_device *, const struct nmu_kring *); /* in the mapped region; NULL: not there */

#endif
