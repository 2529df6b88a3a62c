/*
 * sink.h - takes what a port receives and counts it; with sequence numbers, what of it is missing.
 *
 * Over a netmap port it works straight on the rx rings, and looks into a buffer only for a sequence number.
 */
#ifndef NMPCAP_TRAFFIC_SINK_H
#define NMPCAP_TRAFFIC_SINK_H

#include <stdint.h>

#include "traffic/sequence.h"

#pragma GCC visibility push(default)

struct nm_capture;
struct nm_desc;
struct nm_sink;

struct nm_sink_config {
    uint64_t count;      /* packets in all; 0: no end */
    uint32_t burst;      /* packets between two syncs, at most; 0: all that are there */
    uint32_t sequence;   /* 1: packets have sequence numbers, as a generator's; others are not_numbered */
    uint32_t header;     /* bytes before the Ethernet header (virtio) */
};

struct nm_sink_counters {
    uint64_t received;     /* packets */
    uint64_t bytes;        /* of them; not those beyond a snaplen */
    uint64_t events;       /* syncs that brought some */
    uint64_t damaged;      /* slots that name no buffer of the region, or are longer than their buffer */
    uint64_t not_numbered; /* packets that are no UDP over IP, or too short for a number */
    int64_t began_ns;      /* CLOCK_MONOTONIC; when the first ones were there */
    int64_t ended_ns;      /* and the last ones */
};

/*
 * nm_sink_new - from a netmap port, or from a handle on any other; the other one is NULL. It stays the caller's
 * and has to outlive the sink. 0; -ENOMEM; -EBADF: the port was opened without rx rings.
 */
int nm_sink_new(struct nm_desc *desc, struct nm_capture *capture, const struct nm_sink_config *config,
                struct nm_sink **sink);
void nm_sink_free(struct nm_sink *sink);

/*
 * nm_sink_run - takes packets.
 *
 * @for_ns  how long at most; -1: for ever
 *
 * 0: time is up; -EINTR: look after signals, then call again; NM_CAPTURE_END: all that were asked for, or the handle
 * has no more; NM_CAPTURE_STOPPED: the handle was broken or closed; -EBUSY: another thread uses the netmap port, or
 * it is closed; else the port's error, with its message.
 */
int nm_sink_run(struct nm_sink *sink, int64_t for_ns);

/* nm_sink_count, nm_sink_count_sequence, nm_sink_gap - any thread. */
void nm_sink_count(const struct nm_sink *sink, struct nm_sink_counters *counters);
void nm_sink_count_sequence(const struct nm_sink *sink, struct nm_sequence_counters *counters);
int nm_sink_gap(const struct nm_sink *sink, uint64_t n, struct nm_gap *gap);

/* nm_sink_least_space - the fewest free slots a ring had when it was looked at, since the last such call; 99999: none
 * was. Any thread. */
uint32_t nm_sink_least_space(struct nm_sink *sink);

#pragma GCC visibility pop

#endif
