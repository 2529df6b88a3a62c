/*
 * What user-space netmap offers beyond netmap's own ABI.
 *
 * Each addition uses a number that the kernel module does not know, so that a program asking
 * for it there gets the module's ordinary answer: EOPNOTSUPP in the status of an option,
 * EINVAL for a request.
 */
#ifndef NMPCAP_EXTENSIONS_H
#define NMPCAP_EXTENSIONS_H

#include "abi.h"

/* REGISTER option, no payload: a VALE port whose txsync keeps what a receiver has no room for,
 * instead of dropping it. Its tail then stops, and poll(POLLOUT) waits for the receiver. */
#define NMPCAP_OPT_BACKPRESSURE 0x4e4d0001

/* REGISTER option, no payload: received slots carry the time of the sender's txsync in ptr, in
 * nanoseconds since the epoch. Not together with NETMAP_REQ_OPT_OFFSETS, which uses ptr itself. */
#define NMPCAP_OPT_TIMESTAMPS 0x4e4d0002

/* NIOCCTRL request, body nmreq_port_counters: packet counters of a port, by name. */
#define NMPCAP_REQ_PORT_COUNTERS_GET 0x4e01

/* NIOCCTRL requests, body nmreq_parameter: the module parameters of netmap(4), kept in the
 * runtime directory for all its processes. nr_name names the parameter. */
#define NMPCAP_REQ_PARAMETER_GET 0x4e02
#define NMPCAP_REQ_PARAMETER_SET 0x4e03

/* NIOCCTRL request, body nmreq_port_list: the first port at or after an index, of those that a name
 * opens: of switches, persistent, ends of pipes. ENOENT behind the last. nr_name is the answer. */
#define NMPCAP_REQ_PORT_LIST 0x4e04

struct nmreq_port_counters {
    uint64_t sent;      /* packets taken from the port's tx rings */
    uint64_t received;  /* packets put into its rx rings */
    uint64_t forwarded; /* of the sent: to the one port that has the destination address */
    uint64_t flooded;   /* of the sent: to every other port */
    uint64_t discarded; /* to nobody: on a switch, of the sent (too short, own address, 256 slots and more);
                         * through an interface, besides the sent (too large or too short for it) */
    uint64_t dropped;   /* for this port, lost because its rx ring was full, or not open */
};

struct nmreq_parameter {
    int64_t value;
};

struct nmreq_port_list {
    uint32_t index;      /* in: where to look on; out: where it was found */
    uint32_t users;      /* descriptors bound to it */
    uint32_t on_switch;  /* 1: attached to one, so that its name is "valeX:PORT" */
    uint32_t persistent; /* 1: stays without users */
    uint32_t pipe;       /* 1: the end of a pipe */
};

#endif
