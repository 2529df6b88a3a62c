/*
 * wire.h - one direction of an emulated link, as a pure function: when a packet comes and how long it is, in
 * order -> when it leaves, or why it is lost.
 *
 *     drop list -> queue and rate -> loss -> corruption -> delay -> reordering -> duplication
 *
 * Nothing here reads a clock: the same function runs over files in virtual time, and in a pump (pump.h) in
 * real time. The n-th packet offered has index n - 1, whatever becomes of it, and what is drawn for it
 * depends on the seed, the direction, the impairment and that index alone: adding an impairment moves nothing of
 * another's pattern, and neither do batches.
 */
#ifndef NMPCAP_WIRE_WIRE_H
#define NMPCAP_WIRE_WIRE_H

#include <stdint.h>

#pragma GCC visibility push(default)

struct nm_wire;

#define NM_WIRE_CERTAIN 9007199254740992 /* 2^53: probabilities are fractions of it */

enum { /* what the queue in front of the rate is measured in */
    NM_WIRE_QUEUE_ENDLESS,
    NM_WIRE_QUEUE_PACKETS,
    NM_WIRE_QUEUE_BYTES,
    NM_WIRE_QUEUE_NS,
};

enum { /* what becomes of a packet */
    NM_WIRE_DELIVERED,
    NM_WIRE_LISTED,    /* it is on the drop list */
    NM_WIRE_DOWN,
    NM_WIRE_QUEUE,     /* there was no room to wait for the rate */
    NM_WIRE_LOSS,
    NM_WIRE_BURST,     /* Gilbert-Elliott */
    NM_WIRE_BIT_ERROR, /* a frame check sequence would not have been right */
    NM_WIRE_FATES,
};

struct nm_wire_config {
    uint64_t rate;           /* bits a second; 0: without limit, and no queue */
    uint32_t overhead;       /* bytes that each packet takes beyond its length; 24: Ethernet's on the wire */
    uint32_t cell;           /* payload bytes of a cell; 0: packets are not cut into cells */
    uint32_t cell_overhead;
    uint32_t queue;          /* NM_WIRE_QUEUE_* */
    uint64_t queue_limit;    /* of packets that have not begun to be sent: packets, bytes or nanoseconds */
    uint64_t loss;           /* of each packet, in 2^-53 as all probabilities */
    double bit_errors;       /* of each bit; a packet with one is lost */
    uint64_t burst_begins;   /* Gilbert-Elliott: good to bad, 0: not at all; */
    uint64_t burst_ends;     /* bad to good; */
    uint64_t burst_loss;     /* loss in the bad state, */
    uint64_t burst_good_loss; /* in the good one */
    uint64_t corrupt;        /* one bit of the packet is flipped */
    int64_t delay_ns;
    int64_t jitter_ns;       /* uniform, plus or minus; what it is without samples */
    const int64_t *samples;  /* ns to add to the delay, one drawn for each packet; copied */
    uint32_t samples_count;
    uint8_t keep_order;      /* a packet leaves no earlier than the one before it */
    uint8_t down;            /* all packets are lost */
    uint64_t reorder;        /* a packet is held back, and others pass it, */
    int64_t reorder_ns;      /* for so long */
    uint64_t duplicate;
    const uint64_t *drop;    /* indices of packets to lose, ascending; copied */
    uint32_t drop_count;
};

struct nm_wire_verdict {
    uint64_t index;
    int64_t departure_ns;    /* of a delivered packet, in the arrivals' time */
    uint32_t corrupt_bit;    /* to flip, from the first byte's highest one on; UINT32_MAX: none */
    uint8_t fate;            /* NM_WIRE_DELIVERED ... */
    uint8_t copies;          /* 1, or 2 of a duplicated packet; 0: it is lost */
    uint8_t passable;        /* a packet that comes later may leave earlier */
};

struct nm_wire_counters {
    uint64_t offered;
    uint64_t fate[7];        /* by NM_WIRE_DELIVERED ... (NM_WIRE_FATES of them); their sum is offered */
    uint64_t corrupted, duplicated, held;
    uint64_t bytes;          /* of packets delivered */
    uint64_t bursts;         /* times the bad state began */
};

/* nm_wire_new - 0; -ENOMEM. */
int nm_wire_new(uint64_t seed, uint32_t direction, const struct nm_wire_config *config, struct nm_wire **wire);
void nm_wire_free(struct nm_wire *wire);

/* nm_wire_configure - another configuration from the next packet on; what is counted and being sent stays.
 * 0; -ENOMEM: the one before stays. Not while another thread offers. */
int nm_wire_configure(struct nm_wire *wire, const struct nm_wire_config *config);

/*
 * nm_wire_offer - decides on n packets, in their order.
 *
 * @arrival_ns  of each; one earlier than the one before it counts as coming with it
 * @len         bytes of each on the wire
 * @verdicts    n of them
 */
void nm_wire_offer(struct nm_wire *wire, const int64_t *arrival_ns, const uint32_t *len, uint32_t n,
                   struct nm_wire_verdict *verdicts);

/* nm_wire_count - a consistent look only for the thread that offers. */
void nm_wire_count(const struct nm_wire *wire, struct nm_wire_counters *counters);

#pragma GCC visibility pop

#endif
