/*
 * lock: mutual exclusion between processes of which any may be killed, stopped or hostile at any moment.
 *
 * A lock is a word: 0, or the number of the member that holds it (member.h) and two flags. It holds no address, and
 * whatever is in it does no more than keep others waiting for a time:
 *
 *   the holder is dead     whoever waits takes the lock, and is told so
 *   the holder lives       it may be stopped, and go on in the middle of what it was doing. So nobody ever takes a
 *                          lock from the living. Who has waited in vain marks it as stalled and fails; others then
 *                          fail without waiting, until the holder gives it back
 *   the word is garbage    its number is nobody's, or that of somebody who knows nothing of it: one of the above
 *
 * A ring's locks guard nothing that is ever half written (layout.h), so after a death the next holder just goes on.
 */
#ifndef NMPCAP_USERNET_LOCK_H
#define NMPCAP_USERNET_LOCK_H

#include "usernet/member.h"

#define NMU_LOCK_WAITERS 0x80000000u /* somebody sleeps: giving it back takes a wake-up */
#define NMU_LOCK_STALLED 0x40000000u /* somebody has waited in vain */

/* How long one holder may keep the registry's lock before others give up; and a ring's, which is held for microseconds
 * by who is not stopped or waiting for a processor. */
#define NMU_REGISTRY_PATIENCE_NS UINT64_C(1500000000)
#define NMU_RING_PATIENCE_NS UINT64_C(500000000)

/* Waits for a lock that is not free. 0; EOWNERDEAD: had, from a member that died holding it; ETIMEDOUT: its holder
 * lives, and has kept it for so long; EINTR, if told to heed signals: one came, and the wait was a long one. */
int nmu_lock_wait(struct nmu_device *, struct nmu_lock *, uint64_t patience_ns, bool heed_signals);

/* The same for a ring's, with what patience is left in this sync: true if it was had. */
bool nmu_lock_wait_ring(struct nmu_device *, struct nmu_lock *);

/* Takes a lock whose holder died with it; false: that one lives, or somebody else was faster. */
bool nmu_lock_inherit(struct nmu_device *, struct nmu_lock *, uint32_t found);

/* Whether nobody who lives has a lock of the ring: its record and its memory may become another's (layout.h). */
bool nmu_kring_idle(const struct nmu_device *, const struct nmu_kring *);

void nmu_lock_wake(struct nmu_lock *);

/* What others may want to know of who has it. */
static inline void nmu_lock_had(const struct nmu_device *dev, struct nmu_lock *lock)
{
    uint32_t turns = atomic_load_explicit(&lock->turns, memory_order_relaxed);

    atomic_store_explicit(&lock->turns, turns + 1, memory_order_relaxed);
    atomic_store_explicit(&lock->pid, atomic_load_explicit(&dev->own->pid, memory_order_relaxed), memory_order_relaxed);
}

/* Takes a lock that is free; false: *found is what it holds. */
static inline bool nmu_lock_free(const struct nmu_device *dev, struct nmu_lock *lock, uint32_t *found)
{
    *found = 0;
    /* acquire: what its last holder stored is seen */
    if (!atomic_compare_exchange_strong_explicit(&lock->word, found, nmu_member(dev), memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    nmu_lock_had(dev, lock);
    return true;
}

/* Takes a ring's lock; false: its holder lives and does not go on. */
static inline bool nmu_lock(struct nmu_device *dev, struct nmu_lock *lock)
{
    uint32_t found;

    return nmu_lock_free(dev, lock, &found) || nmu_lock_wait_ring(dev, lock);
}

/* The same without waiting; false: somebody who lives has it. */
static inline bool nmu_trylock(struct nmu_device *dev, struct nmu_lock *lock)
{
    uint32_t found;

    return nmu_lock_free(dev, lock, &found) || nmu_lock_inherit(dev, lock, found);
}

/* Both locks of a ring, had in their order as far as they were to be had. */
struct nmu_both {
    struct nmu_kring *kring;
    bool sync, deliver;
};

struct nmu_both nmu_lock_both(struct nmu_device *, struct nmu_kring *);
void nmu_unlock_both(struct nmu_both);

static inline void nmu_unlock(struct nmu_lock *lock)
{
    /* release: what was stored under it is seen by the next holder */
    if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) & NMU_LOCK_WAITERS)
        nmu_lock_wake(lock);
}

#endif
