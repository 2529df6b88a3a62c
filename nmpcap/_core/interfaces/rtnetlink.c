/*
 * Interfaces and addresses on Linux, by rtnetlink(7). getifaddrs(3) would give IPv4 addresses under
 * their labels, which may be no interface's name, and the other end of a link in the place of a
 * broadcast address.
 */
#include "interfaces/list.h"

#ifdef __linux__
#include <errno.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "interfaces/netlink.h"

#define ATTEMPTS 10

struct reading {
    struct nm_interfaces *list;
    int error;
};

static bool set_link_address(struct nm_interface *interface, const struct nlmsghdr *message)
{
    const struct ifinfomsg *link = NLMSG_DATA(message);
    struct nm_interface_address *address;
    size_t size;
    const void *bytes = nm_netlink_attribute(message, sizeof(*link), IFLA_ADDRESS, 1, &size);

    if (!bytes) /* a tunnel, say */
        return true;
    address = nm_interface_add_address(interface, AF_PACKET, bytes, size);
    if (!address)
        return false;
    bytes = nm_netlink_attribute(message, sizeof(*link), IFLA_BROADCAST, 1, &size);
    if (bytes && link->ifi_flags & IFF_BROADCAST)
        nm_address_set(&address->broadcast, bytes, size);
    return true;
}

static void take_link(void *context, const struct nlmsghdr *message)
{
    const struct ifinfomsg *link = NLMSG_DATA(message);
    struct reading *reading = context;
    struct nm_interface *interface;
    const char *text;
    size_t size;

    if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(*link)) || reading->error)
        return;
    text = nm_netlink_attribute(message, sizeof(*link), IFLA_IFNAME, 1, &size);
    if (!text)
        return;
    interface = nm_interfaces_add(reading->list, text, strnlen(text, size));
    if (!interface) {
        reading->error = -ENOMEM;
        return;
    }
    interface->index = (uint32_t)link->ifi_index;
    interface->type = link->ifi_type;
    interface->flags = nm_interface_flags(link->ifi_flags);
    text = nm_netlink_attribute(message, sizeof(*link), IFLA_IFALIAS, 1, &size);
    if (text)
        memcpy(interface->alias, text, size < sizeof(interface->alias) ? size : sizeof(interface->alias) - 1);
    if (!set_link_address(interface, message))
        reading->error = -ENOMEM;
}

static void set_netmask(struct nm_address *netmask, size_t size, unsigned prefix)
{
    netmask->size = (uint8_t)size;
    for (unsigned bit = 0; bit < prefix && bit < 8 * size; bit++)
        netmask->bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

/* IFA_ADDRESS is the other end of the link where there is one, and the address itself elsewhere. */
static void take_address(void *context, const struct nlmsghdr *message)
{
    const struct ifaddrmsg *head = NLMSG_DATA(message);
    struct reading *reading = context;
    struct nm_interface *interface;
    struct nm_interface_address *address;
    const void *local, *other, *broadcast;
    size_t size;

    if (message->nlmsg_type != RTM_NEWADDR || message->nlmsg_len < NLMSG_LENGTH(sizeof(*head)) || reading->error ||
        (head->ifa_family != AF_INET && head->ifa_family != AF_INET6))
        return;
    size = head->ifa_family == AF_INET ? 4 : 16;
    other = nm_netlink_attribute(message, sizeof(*head), IFA_ADDRESS, size, NULL);
    local = nm_netlink_attribute(message, sizeof(*head), IFA_LOCAL, size, NULL);
    broadcast = nm_netlink_attribute(message, sizeof(*head), IFA_BROADCAST, size, NULL);
    interface = nm_interfaces_find(reading->list, head->ifa_index);
    if (!interface || (!local && !other)) /* it came after the interfaces were listed */
        return;
    address = nm_interface_add_address(interface, head->ifa_family, local ? local : other, size);
    if (!address) {
        reading->error = -ENOMEM;
        return;
    }
    address->local = head->ifa_family == AF_INET6 && head->ifa_scope == RT_SCOPE_LINK;
    set_netmask(&address->netmask, size, head->ifa_prefixlen);
    if (broadcast)
        nm_address_set(&address->broadcast, broadcast, size);
    if (local && other && memcmp(local, other, size))
        nm_address_set(&address->destination, other, size);
}

static int dump(int fd, uint16_t type, nm_netlink_take *take, struct reading *reading)
{
    struct {
        struct nlmsghdr header;
        union {
            struct ifinfomsg link;
            struct ifaddrmsg address;
        } body; /* all 0: every interface, both families */
    } request = {
        .header = {.nlmsg_len = sizeof(request), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
    };
    int error = nm_netlink_ask(fd, &request.header, take, reading);

    return reading->error ? reading->error : error;
}

/* What changes while it is told may be told twice or not at all: the kernel says so, and is asked again. */
int nm_interfaces_read(struct nm_interfaces *list)
{
    struct reading reading = {.list = list};
    int error, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0)
        return -errno;
    for (int attempt = 0;; attempt++) {
        error = dump(fd, RTM_GETLINK, take_link, &reading);
        if (!error || (error == -EAGAIN && attempt == ATTEMPTS))
            error = dump(fd, RTM_GETADDR, take_address, &reading);
        if (error != -EAGAIN || attempt == ATTEMPTS)
            break;
        nm_interfaces_clear(list);
    }
    close(fd);
    return error == -EAGAIN ? 0 : error;
}
#endif
