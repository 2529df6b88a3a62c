/* Locks that processes share, and that outlive who held them. */
#include <errno.h>

#include "usernet/lock.h"

int nmu_mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attr;
    int error = pthread_mutexattr_init(&attr);

    if (error)
        return error;
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    error = pthread_mutex_init(mutex, &attr);
    pthread_mutexattr_destroy(&attr);
    return error;
}

/* A ring's locks guard nothing that is ever half written (layout.h), so after a death the next
 * holder just goes on. */
static bool taken(pthread_mutex_t *mutex, int error)
{
    if (error == EOWNERDEAD)
        error = pthread_mutex_consistent(mutex);
    return error == 0;
}

bool nmu_mutex_lock(pthread_mutex_t *mutex)
{
    return taken(mutex, pthread_mutex_lock(mutex));
}

bool nmu_mutex_trylock(pthread_mutex_t *mutex)
{
    return taken(mutex, pthread_mutex_trylock(mutex));
}
