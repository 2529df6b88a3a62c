/* lock: mutexes that processes share. A ring's guard nothing that is ever half written (layout.h), so after a
 * death the next holder just goes on. */
#ifndef NMPCAP_USERNET_LOCK_H
#define NMPCAP_USERNET_LOCK_H

#include <pthread.h>
#include <stdbool.h>

int nmu_mutex_init(pthread_mutex_t *);
bool nmu_mutex_lock(pthread_mutex_t *);    /* false: not to be had (unrecoverable) */
bool nmu_mutex_trylock(pthread_mutex_t *); /* false: busy */

static inline void nmu_mutex_unlock(pthread_mutex_t *mutex)
{
    pthread_mutex_unlock(mutex);
}

#endif
