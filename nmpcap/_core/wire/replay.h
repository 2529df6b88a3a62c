/*
 * replay.h - sends what a handle gives through another one, each packet at its time.
 *
 * Packet n of a round is due when the first was, and then: by their own times, divided by a speed; n at a rate of
 * packets; all bits before it at a rate of bits; or at once. Times are exact fractions, so that nothing drifts.
 * A second round begins where the one before ended.
 */
#ifndef NMPCAP_WIRE_REPLAY_H
#define NMPCAP_WIRE_REPLAY_H

#include <stdint.h>

#pragma GCC visibility push(default)

struct nm_capture;
struct nm_replay;

enum {
    NM_REPLAY_AT_ONCE,
    NM_REPLAY_SPEED,   /* the packets' own times, so many times as fast */
    NM_REPLAY_PACKETS, /* so many a second */
    NM_REPLAY_BITS,    /* so many a second */
};

struct nm_replay_config {
    uint32_t timing;      /* NM_REPLAY_* */
    uint64_t value;       /* what it is by: value / divisor */
    uint64_t divisor;
    uint32_t overhead;    /* bytes that each packet takes of a rate of bits beyond its length */
    uint64_t limit;       /* packets, over all rounds; 0: no end */
};

struct nm_replay_counters {
    uint64_t sent;        /* packets */
    uint64_t bytes;
    uint64_t failed;      /* packets that the port refused: too long, empty */
    uint64_t cut;         /* packets sent that the source has not whole */
    uint64_t waited;      /* times that the port had no room */
    int64_t began_ns;     /* CLOCK_MONOTONIC; the first packet's */
    int64_t ended_ns;     /* the last one's */
    int64_t latest_ns;    /* the greatest lateness */
    uint64_t late[40];    /* packets by how late they were handed over: [i] less than 2^i ns, and not in [i - 1] */
};

/* nm_replay_new - to a handle, which stays the caller's and has to outlive it. 0; -ENOMEM. */
int nm_replay_new(struct nm_capture *to, const struct nm_replay_config *config, struct nm_replay **replay);
void nm_replay_free(struct nm_replay *replay);

/*
 * nm_replay_run - sends one round, all that a handle gives, or goes on with it.
 *
 * @for_ns  how long at most; -1: for ever
 *
 * 0: time is up; -EINTR: look after signals, then call again; NM_CAPTURE_END: the round is over, or the limit
 * reached; NM_CAPTURE_STOPPED: one of the handles was broken or closed; -EAGAIN: the source wants to be fed; else a
 * handle's error, and nm_replay_failed says whose.
 */
int nm_replay_run(struct nm_replay *replay, struct nm_capture *from, int64_t for_ns);

/* nm_replay_next_round - the next packet is the first of another round, pause_ns after the last of this one. */
void nm_replay_next_round(struct nm_replay *replay, int64_t pause_ns);

struct nm_capture *nm_replay_failed(struct nm_replay *replay);

/* nm_replay_count - any thread. */
void nm_replay_count(const struct nm_replay *replay, struct nm_replay_counters *counters);

#pragma GCC visibility pop

#endif
