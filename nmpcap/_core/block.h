/*
 * block.h - memory that its reader and the packets taken out of it hold together. The last one to
 * let go frees it.
 */
#ifndef NMPCAP_BLOCK_H
#define NMPCAP_BLOCK_H

#include <stddef.h>
#include <stdint.h>

struct nm_block {
    uint8_t *bytes;
    size_t capacity;
    uint32_t holders; /* changed by any thread */
};

/* nm_block_new - held once, by the caller; NULL without memory. */
struct nm_block *nm_block_new(size_t capacity);

/* nm_block_hold - one holder more; the caller must be one, or know one. Any thread. */
struct nm_block *nm_block_hold(struct nm_block *block);

/* nm_block_release - one holder less. NULL is let pass. Any thread. */
void nm_block_release(struct nm_block *block);

/* nm_block_is_alone - whether nobody but the caller holds it, and all that others did with it is over. */
int nm_block_is_alone(const struct nm_block *block);

#endif
