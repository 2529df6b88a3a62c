/*
 * pump.h - carries packets from one handle to another through a wire, in real time: it only does what the
 * wire has decided, and tells how late.
 *
 * One thread runs a pump; two that go opposite ways between the same two handles may run at once. What comes
 * is stamped by its source where that has a clock, else by when the pump saw it. Packets that a filter does not
 * match pass at once, and the wire never hears of them.
 */
#ifndef NMPCAP_WIRE_PUMP_H
#define NMPCAP_WIRE_PUMP_H

#include "wire/wire.h"

#pragma GCC visibility push(default)

struct nm_capture;
struct nm_program;
struct nm_pump;

struct nm_pump_counters {
    uint64_t received;     /* packets taken from the one handle */
    uint64_t passed;       /* of these: not what the filter matches */
    uint64_t sent;         /* packets put into the other */
    uint64_t sent_bytes;
    uint64_t unsent;       /* refused by it: no room, too long */
    uint64_t no_memory;    /* lost since more was on its way than the pump may keep */
    uint64_t waiting;      /* on their way */
    uint64_t cut;          /* received incomplete (a snaplen), and sent so */
    int64_t latest_ns;     /* the greatest lateness */
    uint64_t late[40];     /* packets by how late they left: [i] less than 2^i ns, and not in [i - 1] */
};

/*
 * nm_pump_new - a pump between two handles, which stay the caller's and have to outlive it.
 *
 * @applies  what the wire is for, NULL: everything; the pump takes a reference
 * @memory   bytes of packets on their way, at most
 * @trace    a descriptor that gets a line for every decision: index, arrival, length, what became of it, and of a
 *           delivered packet departure, copies, flipped bit or -; times are CLOCK_MONOTONIC's. -1: none. It stays the
 *           caller's, and the last lines come when the pump is freed
 *
 * 0; -ENOMEM.
 */
int nm_pump_new(struct nm_capture *from, struct nm_capture *to, struct nm_wire *wire, struct nm_program *applies,
                uint64_t memory, int trace, struct nm_pump **pump);
void nm_pump_free(struct nm_pump *pump);

/*
 * nm_pump_run - carries until there is something to say.
 *
 * @for_ns  how long at most; -1: for ever
 *
 * 0: time is up; -EINTR: look after signals, then call again; NM_CAPTURE_END: no more will come and all that was on
 * its way has left; NM_CAPTURE_STOPPED: one of the handles was broken or closed; else a handle's error, and
 * nm_pump_failed says whose.
 */
int nm_pump_run(struct nm_pump *pump, int64_t for_ns);

/* nm_pump_failed - the handle that the last error is of. */
struct nm_capture *nm_pump_failed(struct nm_pump *pump);

/* nm_pump_count - any thread. */
void nm_pump_count(const struct nm_pump *pump, struct nm_pump_counters *counters);

/* nm_pump_configure - nm_wire_configure between two packets, and nm_pump_wire_count is nm_wire_count; any thread. */
int nm_pump_configure(struct nm_pump *pump, const struct nm_wire_config *config);
void nm_pump_wire_count(struct nm_pump *pump, struct nm_wire_counters *counters);

#pragma GCC visibility pop

#endif
