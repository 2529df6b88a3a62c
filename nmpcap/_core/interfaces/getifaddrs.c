/* Interfaces and addresses where there is no rtnetlink: by getifaddrs(3), entry by entry. */
#include "interfaces/list.h"

#ifndef __linux__
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_dl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static void set(struct nm_address *address, int family, const struct sockaddr *from)
{
    if (!from)
        return;
    if (family == AF_INET)
        nm_address_set(address, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    else if (family == AF_INET6)
        nm_address_set(address, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
}

static int add_link(struct nm_interfaces *list, const struct ifaddrs *entry)
{
    const struct sockaddr_dl *link = (const void *)entry->ifa_addr;
    struct nm_interface *interface = nm_interfaces_add(list, entry->ifa_name, strlen(entry->ifa_name));

    if (!interface)
        return -ENOMEM;
    interface->index = link->sdl_index;
    interface->flags = nm_interface_flags(entry->ifa_flags);
    if (link->sdl_alen && !nm_interface_add_address(interface, AF_LINK, LLADDR(link), link->sdl_alen))
        return -ENOMEM;
    return 0;
}

static int add_address(struct nm_interfaces *list, const struct ifaddrs *entry)
{
    int family = entry->ifa_addr->sa_family;
    struct nm_interface *interface = nm_interfaces_find(list, if_nametoindex(entry->ifa_name));
    struct nm_address value = {0};
    struct nm_interface_address *address;

    set(&value, family, entry->ifa_addr);
    if (!interface || !value.size)
        return 0;
    address = nm_interface_add_address(interface, family, value.bytes, value.size);
    if (!address)
        return -ENOMEM;
    if (family == AF_INET6)
        address->local = ((const struct sockaddr_in6 *)(const void *)entry->ifa_addr)->sin6_scope_id != 0;
    set(&address->netmask, family, entry->ifa_netmask);
    /* The two may share a place. */
    if (entry->ifa_flags & IFF_BROADCAST)
        set(&address->broadcast, family, entry->ifa_broadaddr);
    else if (entry->ifa_flags & IFF_POINTOPOINT)
        set(&address->destination, family, entry->ifa_dstaddr);
    return 0;
}

int nm_interfaces_read(struct nm_interfaces *list)
{
    struct ifaddrs *entries;
    int error = 0;

    if (getifaddrs(&entries) < 0)
        return -errno;
    for (const struct ifaddrs *entry = entries; entry && !error; entry = entry->ifa_next)
        if (entry->ifa_addr)
            error = entry->ifa_addr->sa_family == AF_LINK ? add_link(list, entry) : add_address(list, entry);
    freeifaddrs(entries);
    return error;
}
#endif
