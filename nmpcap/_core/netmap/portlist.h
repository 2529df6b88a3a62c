/*
 * portlist: the netmap ports that exist, for lists of what can be opened.
 *
 * User space tells of the ports of switches, of persistent ports and of the ends of pipes; the kernel module of
 * the ports of switches only: a persistent port of its is an interface of the system, pipes cannot be seen.
 */
#ifndef NMPCAP_PORTLIST_H
#define NMPCAP_PORTLIST_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct nm_device;

enum {
    NM_LISTED_SWITCH,     /* on a switch */
    NM_LISTED_PERSISTENT, /* and on no switch */
    NM_LISTED_PIPE,       /* the end of a pipe */
};

/* A place in the list, and the port found there. Begin with one that is all zeros. */
struct nm_listed_port {
    char name[72];    /* as it is opened: "vale0:a", "netmap:p{1" */
    int kind;         /* NM_LISTED_* */
    int in_use;       /* somebody has it open, or it is attached to its switch */
    uint32_t at[2];   /* where to look on */
};

/* nm_portlist_next - the next port; 0, ENOENT behind the last, or another positive errno value as
 * nm_device_ioctl. */
int nm_portlist_next(struct nm_device *device, struct nm_listed_port *port);

#pragma GCC visibility pop

#endif
