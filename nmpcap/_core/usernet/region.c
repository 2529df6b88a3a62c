/*
 * Memory regions: three pools of objects in one file, laid out as netmap lays them out
 * (netmap_if, rings, buffers), so that a client finds everything by the offsets it is told.
 *
 * The file is sparse: pages are asked for when their objects are handed out. Behind what
 * clients map come the bitmaps of each pool (pool.c), which only this code reads and writes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared.h"
#include "usernet/kring.h"
#include "usernet/parameters.h"
#include "usernet/files.h"
#include "usernet/region.h"
#include "usernet/registry.h"

#define PAGE 4096u
#define OBJECT_ALIGN 64u
#define RING_ALIGN 128u /* what the type of a ring asks for; the module gives its own 64 */
#define CLUSTER_MAX (4u << 20)
#define FIRST_BUFFER 2u /* buffers 0 and 1 are never handed out */

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static void region_name(const struct nmu_device *dev, uint32_t region, char name[NMU_FILE_NAME_SIZE])
{
    nmu_file_name(name, NMU_FILE_REGION, region, nmu_region_at(dev->reg, region)->generation);
}

/* The module's rule: objects come in clusters, the smallest number of objects that fills whole
 * pages, so a pool's size is a multiple of the page and its count a multiple of the cluster. */
static void pool_layout(struct nmu_pool *pool, uint64_t offset, uint32_t align, uint32_t size, uint32_t num)
{
    uint32_t objsize = (uint32_t)round_up(size, align), cluster = 1;

    while ((uint64_t)cluster * objsize % PAGE && (uint64_t)(cluster + 1) * objsize <= CLUSTER_MAX)
        cluster++;
    pool->offset = offset;
    pool->objsize = objsize;
    pool->objtotal = (uint32_t)round_up(num, cluster);
    pool->objfree = pool->objtotal;
    pool->hint = pool->reserved = 0;
    pool->new_first = pool->new_end = 0;
}

static uint32_t larger(uint64_t a, uint64_t b)
{
    return (uint32_t)(a > b ? a : b);
}

/* netmap's sizing of a private region (sys/dev/netmap: priv_* parameters are the minimum). */
void nmu_geometry_private(struct nmu_device *dev, struct nmu_geometry *geometry, uint32_t tx_rings, uint32_t rx_rings,
                          uint32_t tx_slots, uint32_t rx_slots, uint32_t pipes, uint32_t extra_bufs)
{
    const struct nmu_registry *reg = dev->reg;
    uint64_t slots = larger(tx_slots, rx_slots);
    uint64_t bufs = (uint64_t)(4 * pipes + rx_rings + 1) * rx_slots + (uint64_t)(4 * pipes + tx_rings + 1) * tx_slots +
                    FIRST_BUFFER + extra_bufs;

    geometry->size[NMU_POOL_IF] = (uint32_t)nmu_parameter(reg, NMU_PRIV_IF_SIZE);
    geometry->num[NMU_POOL_IF] = larger((uint64_t)nmu_parameter(reg, NMU_PRIV_IF_NUM), 2 + 4 * pipes);
    geometry->size[NMU_POOL_RING] = larger((uint64_t)nmu_parameter(reg, NMU_PRIV_RING_SIZE),
                                           NM_RING_SIZE + slots * NM_SLOT_SIZE);
    geometry->num[NMU_POOL_RING] =
        larger((uint64_t)nmu_parameter(reg, NMU_PRIV_RING_NUM), tx_rings + 1 + rx_rings + 1 + 8 * pipes);
    geometry->size[NMU_POOL_BUF] = (uint32_t)nmu_parameter(reg, NMU_PRIV_BUF_SIZE);
    geometry->num[NMU_POOL_BUF] = larger((uint64_t)nmu_parameter(reg, NMU_PRIV_BUF_NUM), bufs);
    /* A netmap_if lists every ring, host placeholders included. */
    geometry->size[NMU_POOL_IF] =
        larger(geometry->size[NMU_POOL_IF], NM_IF_SIZE + 8 * (tx_rings + rx_rings + 2));
}

static void geometry_global(const struct nmu_registry *reg, struct nmu_geometry *geometry)
{
    for (int pool = 0; pool < NMU_POOLS; pool++) {
        geometry->size[pool] = (uint32_t)nmu_parameter(reg, NMU_IF_SIZE + 2 * pool);
        geometry->num[pool] = (uint32_t)nmu_parameter(reg, NMU_IF_NUM + 2 * pool);
    }
}

static void lay_out(struct nmu_region *region, const struct nmu_geometry *geometry)
{
    uint64_t offset = 0;

    for (int pool = 0; pool < NMU_POOLS; pool++) {
        uint32_t align = pool == NMU_POOL_RING ? RING_ALIGN : OBJECT_ALIGN;

        offset = round_up(offset, align);
        pool_layout(&region->pool[pool], offset, align, geometry->size[pool], geometry->num[pool]);
        offset += nmu_pool_bytes(&region->pool[pool]);
    }
    region->memsize = offset;
    offset = round_up(offset, PAGE); /* what clients map ends with its page */
    for (int pool = 0; pool < NMU_POOLS; pool++) {
        region->pool[pool].bitmap = offset;
        offset += 2 * nmu_pool_words(&region->pool[pool]) * sizeof(uint64_t);
    }
    region->agreed = round_up(offset, PAGE);
    region->filesize = round_up(region->agreed + nmu_pool_bytes(&region->pool[NMU_POOL_RING]), PAGE) + PAGE; /* see mark_end */
    region->pool[NMU_POOL_BUF].objfree -= FIRST_BUFFER;
    region->pool[NMU_POOL_BUF].hint = region->pool[NMU_POOL_BUF].reserved = FIRST_BUFFER;
}

int nmu_region_back(struct nmu_device *dev, int fd, uint64_t offset, uint64_t size)
{
    int error;

    do
        error = posix_fallocate(fd, (off_t)offset, (off_t)size);
    while (error == EINTR);
    if (error)
        return nmu_fail(dev, ENOMEM, "runtime directory %s: no room for %llu bytes of netmap memory: %s", dev->dir,
                        (unsigned long long)size, strerror(error));
    return 0;
}

/* The last word of the file: as long as it is there, nobody has cut the file short. */
static int mark_end(const struct nmu_region *region, int fd)
{
    uint32_t magic = NMU_MAGIC;

    return pwrite(fd, &magic, sizeof(magic), (off_t)(region->filesize - sizeof(magic))) < 0 ? errno : 0;
}

static int make_file(struct nmu_device *dev, uint32_t index)
{
    struct nmu_region *region = nmu_region_at(dev->reg, index);
    char name[NMU_FILE_NAME_SIZE];
    struct stat st;
    int error, fd;

    region_name(dev, index, name);
    fd = openat(dev->dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return nmu_fail(dev, errno, "runtime directory %s: cannot make %s: %s", dev->dir, name, strerror(errno));
    error = nmu_file_share(dev, fd);
    if (!error && (ftruncate(fd, (off_t)region->filesize) < 0 || fstat(fd, &st) < 0))
        error = errno;
    if (!error)
        error = mark_end(region, fd);
    if (error)
        error = nmu_fail(dev, error == EFBIG || error == ENOSPC ? ENOMEM : error, "runtime directory %s: cannot size %s: %s", dev->dir,
                         name, strerror(error));
    else /* the bitmaps, and the zeros that a bad buffer index reads */
        error = nmu_region_back(dev, fd, region->memsize, region->agreed - region->memsize);
    if (!error)
        error = nmu_region_back(dev, fd, region->pool[NMU_POOL_BUF].offset, region->pool[NMU_POOL_BUF].objsize);
    close(fd);
    if (error)
        unlinkat(dev->dirfd, name, 0);
    else
        region->inode = st.st_ino;
    return error;
}

static int create_at(struct nmu_device *dev, uint32_t index, const struct nmu_geometry *geometry)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_region *region = nmu_region_at(reg, index);
    int error = nmu_reserve(dev, region, sizeof(*region));

    if (error)
        return error;
    region->generation = ++reg->next_generation;
    lay_out(region, geometry);
    error = make_file(dev, index);
    if (error)
        return error;
    if (index >= nmu_regions_high(reg))
        reg->regions_high = index + 1;
    region->users = 1;
    return 0;
}

int nmu_region_create(struct nmu_device *dev, const struct nmu_geometry *geometry, uint32_t *index)
{
    struct nmu_registry *reg = dev->reg;

    for (uint32_t tried = 0; tried < NMU_REGIONS; tried++) {
        uint32_t candidate = reg->next_region;

        reg->next_region = candidate + 1 < NMU_REGIONS ? candidate + 1 : NMU_REGION_GLOBAL + 1;
        if (candidate >= nmu_regions_high(reg) || !nmu_region_at(reg, candidate)->users) {
            *index = candidate;
            return create_at(dev, candidate, geometry);
        }
    }
    return nmu_fail(dev, ENOMEM, "runtime directory %s: all %d memory regions are in use", dev->dir, NMU_REGIONS - 2);
}

int nmu_region_find(struct nmu_device *dev, uint32_t mem_id, uint32_t *index)
{
    struct nmu_registry *reg = dev->reg;

    *index = mem_id;
    if (mem_id < nmu_regions_high(reg) && mem_id && nmu_region_at(reg, mem_id)->users) {
        nmu_region_at(reg, mem_id)->users++;
        return 0;
    }
    if (mem_id == NMU_REGION_GLOBAL) {
        struct nmu_geometry geometry;

        geometry_global(reg, &geometry);
        return create_at(dev, mem_id, &geometry);
    }
    return nmu_fail(dev, EINVAL, "memory region %u: there is no such region; a port's own one is in nr_mem_id after "
                    "it was opened", mem_id);
}

void nmu_region_remove_file(struct nmu_device *dev, uint32_t index)
{
    const struct nmu_region *region = nmu_region_at(dev->reg, index);
    char name[NMU_FILE_NAME_SIZE];
    struct stat st;
    int fd, error;

    region_name(dev, index, name);
    error = nmu_file_open(dev, name, region->filesize, region->inode, &fd, &st);
    if (error != ENOENT)
        unlinkat(dev->dirfd, name, 0);
    if (error)
        return;
    /* Somebody may have it mapped still, a switch's sender for one: give the pages back now. */
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, st.st_size);
    close(fd);
}

/* Its memory goes now, mappings of it when their owners next look. */
void nmu_region_end(struct nmu_device *dev, uint32_t index)
{
    if (dev->reg->allocating == index)
        dev->reg->allocating = 0;
    nmu_region_remove_file(dev, index);
    atomic_store_explicit(&nmu_region_at(dev->reg, index)->generation, ++dev->reg->next_generation, memory_order_relaxed);
    atomic_fetch_add_explicit(&dev->reg->epoch, 1, memory_order_relaxed);
}

void nmu_region_release(struct nmu_device *dev, uint32_t index)
{
    if (--nmu_region_at(dev->reg, index)->users == 0)
        nmu_region_end(dev, index);
}

int nmu_region_open_file(struct nmu_device *dev, uint32_t index, size_t *size)
{
    const struct nmu_region *region = nmu_region_at(dev->reg, index);
    char name[NMU_FILE_NAME_SIZE];
    struct stat st;
    int fd, error;

    region_name(dev, index, name);
    error = nmu_file_open(dev, name, region->filesize, region->inode, &fd, &st);
    if (error == ENOENT)
        nmu_fail(dev, error, "runtime directory %s: memory region %u's file has been removed", dev->dir, index);
    if (error)
        return -error;
    *size = (size_t)st.st_size;
    return fd;
}
