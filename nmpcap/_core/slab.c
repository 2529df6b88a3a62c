/* Memory held by several: a count, and one allocation for it and the bytes. */
#include <stdlib.h>

#include "slab.h"

/* Of the bytes: a cache line, which the kernel's copies into them are fastest at. */
#define ALIGNMENT 64

struct nm_slab *nm_slab_new(size_t capacity)
{
    struct nm_slab *block = NULL;

    _Static_assert(sizeof(*block) <= ALIGNMENT, "the header fits in front of the bytes");
    if (capacity > SIZE_MAX - ALIGNMENT || posix_memalign((void **)&block, ALIGNMENT, ALIGNMENT + capacity))
        return NULL;
    block->bytes = (uint8_t *)block + ALIGNMENT;
    block->capacity = capacity;
    block->holders = 1;
    return block;
}

struct nm_slab *nm_slab_hold(struct nm_slab *block)
{
    /* Relaxed: who may hold it once more can see it already. */
    __atomic_fetch_add(&block->holders, 1, __ATOMIC_RELAXED);
    return block;
}

void nm_slab_release(struct nm_slab *block)
{
    /* Release, so that what this holder did comes before the memory's next use; acquire, so that freeing
     * it comes after what all others did. */
    if (block && __atomic_fetch_sub(&block->holders, 1, __ATOMIC_ACQ_REL) == 1)
        free(block);
}

int nm_slab_is_alone(const struct nm_slab *block)
{
    /* Acquire pairs with the release of the others: overwriting comes after their last look. */
    return __atomic_load_n(&block->holders, __ATOMIC_ACQUIRE) == 1;
}
