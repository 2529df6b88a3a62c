/* queue: packets wait here for the rate, and nowhere else. */
#ifndef NMPCAP_WIRE_QUEUE_H
#define NMPCAP_WIRE_QUEUE_H

#include <stdbool.h>

#include "wire/wire.h"

struct nm_waiting {
    int64_t start_ns; /* of its sending, rounded up */
    uint32_t len;
};

struct nm_wire_queue {
    int64_t end_ns;      /* of the sending of the last packet: this, */
    uint64_t end_part;   /* and so many rate-ths of a nanosecond */
    uint64_t rate;       /* that end_part is a part of */
    struct nm_waiting *waiting; /* a ring of capacity, a power of 2 */
    uint32_t capacity, first, count;
    uint64_t bytes;      /* of those waiting */
};

/* nm_wire_queue_offer - false where there is no room, or no memory to remember it; else when it has been sent. */
bool nm_wire_queue_offer(struct nm_wire_queue *queue, const struct nm_wire_config *config, int64_t arrival_ns,
                         uint32_t len, int64_t *sent_ns);
void nm_wire_queue_free(struct nm_wire_queue *queue);

#endif
