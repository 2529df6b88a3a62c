/*
 * slab - memory that its reader and the packets taken out of it hold together. The last one to
 * let go frees it.
 */
#ifndef NMPCAP_SLAB_H
#define NMPCAP_SLAB_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct nm_slab {
    uint8_t *bytes;
    size_t capacity;
    uint32_t holders; /* changed by any thread */
};

/* nm_slab_new - held once, by the caller; NULL without memory. */
struct nm_slab *nm_slab_new(size_t capacity);

/* nm_slab_hold - one holder more; the caller must be one, or know one. Any thread. */
struct nm_slab *nm_slab_hold(struct nm_slab *slab);

/* nm_slab_release - one holder less. NULL is let pass. Any thread. */
void nm_slab_release(struct nm_slab *slab);

/* nm_slab_is_alone - whether nobody but the caller holds it, and all that others did with it is over. */
int nm_slab_is_alone(const struct nm_slab *slab);

#pragma GCC visibility pop

#endif
