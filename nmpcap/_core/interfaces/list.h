/* How a list of interfaces is made: by what the system has to tell of them. */
#ifndef NMPCAP_INTERFACE_LIST_H
#define NMPCAP_INTERFACE_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "interfaces/interfaces.h"

struct nm_interfaces {
    struct nm_interface *all;
    size_t count, capacity;
    size_t latest; /* found last: systems tell of one interface after the other */
};

/* nm_interfaces_find - by index; NULL if there is none. */
struct nm_interface *nm_interfaces_find(struct nm_interfaces *list, uint32_t index);

/* nm_interfaces_add - an interface with nothing set but its name, of length bytes; NULL without memory. */
struct nm_interface *nm_interfaces_add(struct nm_interfaces *list, const char *name, size_t length);

/* nm_interfaces_clear - empties the list. */
void nm_interfaces_clear(struct nm_interfaces *list);

/* nm_interface_add_address - an address of size bytes, all else not set; NULL without memory. */
struct nm_interface_address *nm_interface_add_address(struct nm_interface *interface, int family, const void *bytes,
                                                      size_t size);

/* nm_address_set - sets one; of more bytes than any address has, none. */
void nm_address_set(struct nm_address *address, const void *bytes, size_t size);

/* nm_interface_flags - NM_IF_* of the system's IFF_*. */
uint32_t nm_interface_flags(unsigned system);

/* nm_interfaces_read - fills an empty list: 0 or a negative errno value. rtnetlink.c, getifaddrs.c */
int nm_interfaces_read(struct nm_interfaces *list);

/* nm_link_status - adds NM_IF_WIRELESS, and one of the connection's flags; neither where the system will
 * not say. link_status.c */
void nm_link_status(struct nm_interfaces *list);

#endif
