/* Waiting for a lock that another process has, and taking it over from the dead. */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "usernet/lock.h"

#define FIRST_LOOK_NS UINT64_C(1000000) /* sleeps between two looks at whether the holder lives: from this */
#define LAST_LOOK_NS UINT64_C(32000000) /* up to this, twice as long each time */
#define SHORT_NS UINT64_C(100000000)    /* a wait that no signal need end */
#define HURRIED_NS UINT64_C(10000000)   /* for the next ring, once patience has been lost with one; then half of it, ... */
#define TURNS 5                         /* patiences for the whole wait, however often the holder changes */

void nmu_lock_wake(struct nmu_lock *lock)
{
    syscall(SYS_futex, &lock->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static bool swap_word(struct nmu_lock *lock, uint32_t found, uint32_t word)
{
    /* acquire: where it takes the lock, what its last holder stored is seen */
    return atomic_compare_exchange_strong_explicit(&lock->word, &found, word, memory_order_acquire, memory_order_relaxed);
}

static bool take(struct nmu_device *dev, struct nmu_lock *lock, uint32_t found, uint32_t flags)
{
    if (!swap_word(lock, found, nmu_member(dev) | flags))
        return false;
    nmu_lock_had(dev, lock);
    return true;
}

/* Whether who holds it is known to store nothing any more. Another thread of this process is not. */
static bool holder_is_dead(const struct nmu_device *dev, uint32_t found)
{
    uint32_t holder = found & NMU_MEMBERS;

    return holder != nmu_member(dev) && !nmu_member_lives(dev, holder);
}

bool nmu_lock_inherit(struct nmu_device *dev, struct nmu_lock *lock, uint32_t found)
{
    return holder_is_dead(dev, found) && take(dev, lock, found, found & NMU_LOCK_WAITERS);
}

static bool is_idle(const struct nmu_device *dev, const struct nmu_lock *lock)
{
    /* acquire: what its last holder stored is seen */
    uint32_t found = atomic_load_explicit(&lock->word, memory_order_acquire);

    return !found || holder_is_dead(dev, found);
}

bool nmu_kring_idle(const struct nmu_device *dev, const struct nmu_kring *kring)
{
    return is_idle(dev, &kring->sync) && is_idle(dev, &kring->deliver);
}

/* ---- one wait ---------------------------------------------------------------------- */

/* Spans are of sleep, not of the clock: who was stopped along with the holder, and goes on with it, has not waited. */
struct wait {
    uint64_t slept_ns, turn_ns; /* in all, and since the present holder was first seen */
    uint64_t look_ns;           /* the next sleep */
    uint32_t turn;
    bool look;                  /* a sleep has come to its end: does the holder live? */
    bool interrupted;
};

static void sleep_once(struct nmu_lock *lock, struct wait *w, uint32_t found)
{
    struct timespec span = {.tv_nsec = (long)w->look_ns};
    uint64_t began = (uint64_t)nm_clock_ns(CLOCK_MONOTONIC), slept;
    int error = 0;

    if (!(found & NMU_LOCK_WAITERS) && !swap_word(lock, found, found | NMU_LOCK_WAITERS))
        return;
    if (syscall(SYS_futex, &lock->word, FUTEX_WAIT, found | NMU_LOCK_WAITERS, &span, NULL, 0) < 0)
        error = errno;
    slept = (uint64_t)nm_clock_ns(CLOCK_MONOTONIC) - began;
    if (slept > w->look_ns)
        slept = w->look_ns;
    w->slept_ns += slept;
    w->turn_ns += slept;
    w->interrupted |= error == EINTR;
    w->look |= error == ETIMEDOUT || error == EINTR;
    if (error == ETIMEDOUT && w->look_ns < LAST_LOOK_NS)
        w->look_ns *= 2;
}

/* Whether the holder, or the whole wait, has taken too long. */
static bool out_of_patience(const struct nmu_lock *lock, struct wait *w, uint64_t patience_ns)
{
    uint32_t turn = atomic_load_explicit(&lock->turns, memory_order_relaxed);

    if (turn != w->turn) {
        w->turn = turn;
        w->turn_ns = 0;
    }
    return w->turn_ns >= patience_ns || w->slept_ns >= TURNS * patience_ns;
}

int nmu_lock_wait(struct nmu_device *dev, struct nmu_lock *lock, uint64_t patience_ns, bool heed_signals)
{
    struct wait w = {.look_ns = FIRST_LOOK_NS, .turn = atomic_load_explicit(&lock->turns, memory_order_relaxed)};

    for (;;) {
        uint32_t found = atomic_load_explicit(&lock->word, memory_order_relaxed);
        bool stalled = found & NMU_LOCK_STALLED;

        if (!(found & NMU_MEMBERS)) { /* free; or flags without a holder, which is garbage */
            if (take(dev, lock, found, NMU_LOCK_WAITERS)) /* others may be asleep still */
                return 0;
        } else if ((w.look || stalled) && holder_is_dead(dev, found)) {
            if (take(dev, lock, found, NMU_LOCK_WAITERS))
                return EOWNERDEAD;
        } else if (stalled) {
            return ETIMEDOUT;
        } else if (out_of_patience(lock, &w, patience_ns)) {
            if (w.turn_ns >= patience_ns && patience_ns > HURRIED_NS)
                swap_word(lock, found, found | NMU_LOCK_STALLED);
            return ETIMEDOUT;
        } else if (heed_signals && w.interrupted && w.slept_ns >= SHORT_NS) {
            return EINTR;
        } else {
            sleep_once(lock, &w, found);
        }
    }
}

bool nmu_lock_wait_ring(struct nmu_device *dev, struct nmu_lock *lock)
{
    uint64_t patience = atomic_load_explicit(&dev->patience_ns, memory_order_relaxed);

    if (nmu_lock_wait(dev, lock, patience, false) != ETIMEDOUT)
        return true;
    atomic_store_explicit(&dev->patience_ns, patience > HURRIED_NS ? HURRIED_NS : patience / 2, memory_order_relaxed);
    return false;
}

struct nmu_both nmu_lock_both(struct nmu_device *dev, struct nmu_kring *kring)
{
    bool sync = nmu_lock(dev, &kring->sync);

    return (struct nmu_both){kring, sync, nmu_lock(dev, &kring->deliver)};
}

void nmu_unlock_both(struct nmu_both both)
{
    if (both.deliver)
        nmu_unlock(&both.kring->deliver);
    if (both.sync)
        nmu_unlock(&both.kring->sync);
}
