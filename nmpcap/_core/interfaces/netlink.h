/* Questions to the kernel over netlink, answered in one or many messages. */
#ifndef NMPCAP_NETLINK_H
#define NMPCAP_NETLINK_H

#ifdef __linux__
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

/* One message of an answer. */
typedef void nm_netlink_take(void *context, const struct nlmsghdr *message);

/*
 * nm_netlink_ask - sends a request on a netlink socket, and hands each message of the answer to take.
 *
 * Returns 0, or a negative errno value: the kernel's own, or the socket's; -EAGAIN where something
 * changed while it was told of.
 */
int nm_netlink_ask(int fd, const struct nlmsghdr *request, nm_netlink_take *take, void *context);

/* nm_netlink_attribute - the payload, of size bytes or more, of a message's first attribute of a type.
 *
 * head is the size of what stands between the message's header and the attributes. NULL if there is
 * none; *got (which may be NULL) is how many bytes the payload has. */
const void *nm_netlink_attribute(const struct nlmsghdr *message, size_t head, uint16_t type, size_t size, size_t *got);
#endif

#endif
