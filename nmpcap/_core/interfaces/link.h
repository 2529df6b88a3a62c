/* What the kernel knows of an interface, by rtnetlink: right in the namespace that the question is asked in. */
#ifndef NMPCAP_INTERFACES_LINK_H
#define NMPCAP_INTERFACES_LINK_H

#include <stdint.h>

struct nm_link {
    int ifindex;
    uint32_t flags; /* IFF_* */
    uint32_t mtu;
    uint16_t arphrd;
    char name[16];
    uint64_t missed; /* rx_missed_errors + rx_fifo_errors: came in, found no room in the adapter or its driver */
};

/* nm_link_open - a descriptor to ask through, in the network namespace of this moment; or -errno. */
int nm_link_open(void);

/* nm_link_ask - the interface of that name (an alternative one, too), or of that index where name is NULL.
 * 0; -ENODEV: there is none; -errno. One thread at a time. */
int nm_link_ask(int fd, const char *name, int ifindex, struct nm_link *link);

#endif
