/*
 * The lock over the registry, and what happens at its edges: who takes it brings in order what the dead
 * have left, who gives it back removes what nobody uses any more.
 */
#include <errno.h>

#include "clock.h"
#include "usernet/lock.h"
#include "usernet/parameters.h"
#include "usernet/pool.h"
#include "usernet/reap.h"
#include "usernet/region.h"
#include "usernet/registry.h"
#include "usernet/session.h"

#define REAP_EVERY_NS 50000000u /* how long the dead may go unnoticed where nobody looks for them */

/* Ends the mappings with the registry: a region of the next one may have the number and the generation of one
 * of this. */
static void unmap_all(struct nmu_device *dev)
{
    nmu_region_unmap_all(dev);
    dev->maps_epoch = 0;
    nmu_member_leave(dev);
    nmu_registry_unmap(dev);
}

/* Takes the lock: 0, with everything in order that a dead holder may have left in between, or why it cannot be had. */
static int lock(struct nmu_device *dev)
{
    struct nmu_lock *lock = &dev->reg->lock;
    uint32_t found;
    int error = nmu_registry_whole(dev) ? nmu_member_join(dev)
                                        : nmu_fail(dev, ESTALE, "runtime directory %s: its registry has been cut short or "
                                                   "written over; end the programs that use it, and remove it", dev->dir);

    if (error)
        return error;
    atomic_store_explicit(&dev->patience_ns, NMU_RING_PATIENCE_NS, memory_order_relaxed);
    if (nmu_lock_free(dev, lock, &found))
        return 0;
    error = nmu_lock_wait(dev, lock, NMU_REGISTRY_PATIENCE_NS, true);
    if (error == EOWNERDEAD) {
        if (!dev->reg->gone) /* else its files' names may be those of the next one's */
            nmu_reap_holder(dev);
        return 0;
    }
    if (error)
        return nmu_fail(dev, error == ETIMEDOUT ? EBUSY : error, "runtime directory %s: %s its registry, which process %u "
                        "has locked and does not give back; if that is stopped, let it go on (kill -CONT), or end it",
                        dev->dir, error == ETIMEDOUT ? "cannot lock" : "interrupted by a signal while waiting for",
                        atomic_load_explicit(&lock->pid, memory_order_relaxed));
    return 0;
}

int nmu_session_begin(struct nmu_device *dev)
{
    for (;;) {
        int error = nmu_registry_open(dev);

        if (error)
            return error;
        error = lock(dev);
        if (error)
            return error;
        if (!dev->reg->gone)
            break;
        if (dev->desc) { /* nobody who keeps to the rules does that */
            nmu_unlock(&dev->reg->lock);
            return nmu_fail(dev, ESTALE, "runtime directory %s: its registry has been ended under an open port; close it",
                            dev->dir);
        }
        error = nmu_registry_unlink_gone(dev);
        nmu_unlock(&dev->reg->lock);
        unmap_all(dev);
        if (error)
            return error;
        if (dev->own_dir)
            nmu_registry_leave(dev);
    }
    if ((uint64_t)nm_clock_ns(CLOCK_MONOTONIC) - dev->reg->last_reap_ns > REAP_EVERY_NS)
        nmu_reap(dev);
    return 0;
}

static bool in_use(const struct nmu_registry *reg)
{
    for (uint32_t i = 1; i < nmu_ports_high(reg); i++)
        if (nmu_port_at(reg, i)->kind != NMU_FREE)
            return true;
    return nmu_parameters_changed(reg);
}

void nmu_session_end(struct nmu_device *dev)
{
    bool last = !in_use(dev->reg);

    nmu_pool_commit(dev);
    if (last) {
        dev->reg->gone = 1;
        for (uint32_t i = 1; i < nmu_regions_high(dev->reg); i++)
            nmu_region_remove_file(dev, i);
        nmu_registry_remove(dev);
    }
    nmu_unlock(&dev->reg->lock);
    if (last) {
        unmap_all(dev);
        nmu_registry_leave(dev);
    }
}

void nmu_session_close(struct nmu_device *dev)
{
    unmap_all(dev);
    nmu_registry_leave(dev);
}
