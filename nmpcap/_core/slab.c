/* Memory held by several: a count, and one allocation for it and the bytes. */
#include <stdlib.h>

#include "slab.h"

/* Of the bytes: a cache line, which the kernel's copies into them are fastest at. */
#define ALIGNMENT 64

struct nm_slab *nm_slab_new(size_t capacity)
{
    struct nm_slab *slab = NULL;

    _Static_assert(sizeof(*slab) <= ALIGNMENT, "the header fits in front of the bytes");
    if (capacity > SIZE_MAX - ALIGNMENT || posix_memalign((void **)&slab, ALIGNMENT, ALIGNMENT + capacity))
        return NULL;
    slab->bytes = (uint8_t *)slab + ALIGNMENT;
    slab->capacity = capacity;
    slab->holders = 1;
    return slab;
}

struct nm_slab *nm_slab_hold(struct nm_slab *slab)
{
    /* Relaxed: whoever may hold it once more sees it already. */
    __atomic_fetch_add(&slab->holders, 1, __ATOMIC_RELAXED);
    return slab;
}

void nm_slab_release(struct nm_slab *slab)
{
    /* Release, so that what this holder did comes before the memory's next use; acquire, so that freeing
     * it comes after what all others did. */
    if (slab && __atomic_fetch_sub(&slab->holders, 1, __ATOMIC_ACQ_REL) == 1)
        free(slab);
}

int nm_slab_is_alone(const struct nm_slab *slab)
{
    /* Acquire pairs with the release of the others: overwriting comes after their last look. */
    return __atomic_load_n(&slab->holders, __ATOMIC_ACQUIRE) == 1;
}
