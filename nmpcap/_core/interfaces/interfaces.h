/*
 * interfaces - the network interfaces that the calling process can see, with their addresses.
 *
 * Everything is as in the process's own network namespace, and nothing here needs a privilege.
 *
 *     nm_interfaces_open  ->  nm_interfaces_get ...  ->  nm_interfaces_close
 */
#ifndef NMPCAP_INTERFACES_H
#define NMPCAP_INTERFACES_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

/* libpcap's PCAP_IF_*. */
#define NM_IF_LOOPBACK 0x01
#define NM_IF_UP 0x02
#define NM_IF_RUNNING 0x04
#define NM_IF_WIRELESS 0x08
#define NM_IF_CONNECTED 0x10
#define NM_IF_DISCONNECTED 0x20
#define NM_IF_NOT_APPLICABLE 0x30 /* what can be neither */

struct nm_address {
    uint8_t size; /* bytes of it; 0: there is none */
    uint8_t bytes[32];
};

struct nm_interface_address {
    int family; /* AF_*: AF_INET, AF_INET6, or that of link-layer addresses */
    int local;  /* IPv6: means something on this interface only */
    struct nm_address address, netmask, broadcast, destination;
};

struct nm_interface {
    char name[64];
    char alias[256]; /* what its owner calls it; "": nothing */
    uint32_t index;
    uint32_t type;  /* Linux: ARPHRD_* */
    uint32_t flags; /* NM_IF_* */
    uint32_t address_count;
    struct nm_interface_address *addresses; /* link layer first, then as the system gives them */
};

struct nm_interfaces;

/*
 * nm_interfaces_open - takes down what there is now, in the system's order.
 *
 * Returns 0 or a negative errno value; *list is NULL then.
 */
int nm_interfaces_open(struct nm_interfaces **list);

/* nm_interfaces_get - the interface at index, from 0; NULL behind the last. Valid until the list is closed. */
const struct nm_interface *nm_interfaces_get(const struct nm_interfaces *list, size_t index);

/* nm_interfaces_close - frees the list. NULL is allowed. */
void nm_interfaces_close(struct nm_interfaces *list);

#pragma GCC visibility pop

#endif
