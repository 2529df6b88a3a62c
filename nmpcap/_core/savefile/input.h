/*
 * input: the bytes of a savefile as one window that moves over it.
 *
 * bytes[head, tail) has been read and not been used up. nm_input_want brings more, and may
 * then move what is left in the slab, or to another slab: nothing may point into it at that
 * moment, but from batches that hold the slab: then it stays as it is, and another one is used.
 */
#ifndef NMPCAP_SAVEFILE_INPUT_H
#define NMPCAP_SAVEFILE_INPUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slab.h"

/* Batches that a program works with at a time: it has one in hand while the next is made. */
#define NM_INPUT_SPARES 3

struct nm_input {
    uint8_t *bytes; /* of slab */
    struct nm_slab *slab;
    struct nm_slab *spares[NM_INPUT_SPARES]; /* to be used again once nobody else holds them; or NULL */
    unsigned next_spare;                      /* where the next one is put */
    size_t head;
    size_t tail;
    uint64_t base;    /* offset in the file of bytes[0] */
    int fd;           /* -1: fed */
    int wake_fd;      /* eventfd; -1 where nothing is ever waited for */
    bool plain;       /* a regular file or a disk: reading never waits */
    bool ended;       /* fed: nothing more will come */
    bool starved;     /* the last want found nothing to read yet */
    atomic_bool woken;
};

/* Takes fd over. 0 or a negative errno; the input can be closed either way. */
int nm_input_open(struct nm_input *in, int fd);

/* Makes len bytes available from head on. 1: they are; 0: the input ends before that;
 * -EAGAIN: nothing to read now; other negative errno values: reading failed. */
int nm_input_want(struct nm_input *in, size_t len);

/* Appends to a fed input, or puts in front of a descriptor's what was read from it already. 0, -ENOMEM,
 * or -EPIPE where that is too late. */
int nm_input_feed(struct nm_input *in, const void *bytes, size_t len);

/* As the source's wait and wake. A fed input answers -EAGAIN. */
int nm_input_wait(struct nm_input *in, int timeout_ms);
void nm_input_wake(struct nm_input *in);

void nm_input_close(struct nm_input *in);

static inline const uint8_t *nm_input_at(const struct nm_input *in)
{
    return in->bytes + in->head;
}

static inline size_t nm_input_left(const struct nm_input *in)
{
    return in->tail - in->head;
}

static inline uint64_t nm_input_offset(const struct nm_input *in)
{
    return in->base + in->head;
}

#endif
