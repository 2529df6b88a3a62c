/*
 * generator.h - sends the frames of a stream through a port, as fast as it takes them or at a rate.
 *
 * Over a netmap port it works straight on the tx rings: the buffer of a slot is filled once, and afterwards only
 * touched where the stream changes, or where the slot has got another buffer. A receiver that writes into the buffers
 * it is given, and does not say so (NS_BUF_CHANGED), finds its own bytes there again.
 *
 * Frame n is due at n divided by the rate, an exact fraction, after the first; those that are late go at once.
 */
#ifndef NMPCAP_TRAFFIC_GENERATOR_H
#define NMPCAP_TRAFFIC_GENERATOR_H

#include <stdint.h>

#pragma GCC visibility push(default)

struct nm_capture;
struct nm_desc;
struct nm_generator;
struct nm_stream;

#define NM_GENERATOR_BURST 4096 /* frames between two syncs, at most */

struct nm_generator_config {
    uint64_t count;      /* frames in all; 0: no end */
    uint32_t burst;      /* frames between two syncs, at most */
    uint32_t fragment;   /* bytes of a slot, of frames over several; 0: as many as its buffer has */
    uint64_t rate;       /* frames a second: rate / divisor; 0: as fast as it goes */
    uint64_t divisor;
};

struct nm_generator_counters {
    uint64_t sent;       /* frames */
    uint64_t bytes;
    uint64_t events;     /* syncs that handed frames over */
    uint64_t filled;     /* buffers that got the whole frame */
    uint64_t waited;     /* times that the port had no room */
    int64_t began_ns;    /* CLOCK_MONOTONIC; before the first frame */
    int64_t ended_ns;    /* after the last one */
    int64_t latest_ns;   /* the greatest lateness of a frame */
};

/*
 * nm_generator_new - through a netmap port, or through a handle on any other; the other one is NULL. Both, and
 * the stream, stay the caller's and have to outlive it.
 *
 * 0; -ENOMEM; -EINVAL: no burst, or more than NM_GENERATOR_BURST; -EMSGSIZE: a frame takes more slots than a ring
 * has; -EBADF: the port was opened without tx rings.
 */
int nm_generator_new(struct nm_desc *desc, struct nm_capture *capture, struct nm_stream *stream,
                     const struct nm_generator_config *config, struct nm_generator **generator);
void nm_generator_free(struct nm_generator *generator);

/*
 * nm_generator_run - sends.
 *
 * @for_ns  how long at most; -1: for ever
 *
 * 0: time is up; -EINTR: look after signals, then call again; NM_CAPTURE_END: all are sent; NM_CAPTURE_STOPPED: the
 * handle was broken or closed; -EBUSY: another thread uses the netmap port, or it is closed; else the port's error,
 * with its message.
 */
int nm_generator_run(struct nm_generator *generator, int64_t for_ns);

/* nm_generator_count - any thread. */
void nm_generator_count(const struct nm_generator *generator, struct nm_generator_counters *counters);

#pragma GCC visibility pop

#endif
