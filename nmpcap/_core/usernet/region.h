/* region: memory regions, their geometry and their mappings. */
#ifndef NMPCAP_USERNET_REGION_H
#define NMPCAP_USERNET_REGION_H

#include "usernet/impl.h"

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
uint8_t *nmu_region_map(struct nmu_device *, uint32_t region); /* NULL: msg says why */
void nmu_region_unmap_all(struct nmu_device *);
void nmu_region_forget_stale(struct nmu_device *); /* drops mappings of regions that have ended */
int nmu_region_open_file(struct nmu_device *, uint32_t region, size_t *size); /* a descriptor or -errno; msg says why */
int nmu_region_back(struct nmu_device *, int fd, uint64_t offset, uint64_t size); /* with memory */
void nmu_region_remove_file(struct nmu_device *, uint32_t region);
int nmu_region_back_agreed(struct nmu_device *, uint32_t region, const struct nmu_kring *tx);

static inline uint64_t nmu_object(const struct nmu_region *region, int pool, uint32_t index)
{
    return region->pool[pool].offset + (uint64_t)index * region->pool[pool].objsize;
}

struct netmap_ring *nmu_ring(struct nmu_device *, const struct nmu_kring *); /* in the mapped region */

#endif
