/* A list of interfaces in the making. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "interfaces/list.h"

struct nm_interface *nm_interfaces_find(struct nm_interfaces *list, uint32_t index)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t at = (list->latest + i) % list->count;

        if (list->all[at].index == index) {
            list->latest = at;
            return &list->all[at];
        }
    }
    return NULL;
}

struct nm_interface *nm_interfaces_add(struct nm_interfaces *list, const char *name, size_t length)
{
    struct nm_interface *interface;

    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        struct nm_interface *all = realloc(list->all, capacity * sizeof(*all));

        if (!all)
            return NULL;
        list->all = all;
        list->capacity = capacity;
    }
    list->latest = list->count++;
    interface = &list->all[list->latest];
    memset(interface, 0, sizeof(*interface));
    memcpy(interface->name, name, length < sizeof(interface->name) ? length : sizeof(interface->name) - 1);
    return interface;
}

void nm_address_set(struct nm_address *address, const void *bytes, size_t size)
{
    if (size > sizeof(address->bytes))
        size = 0;
    memcpy(address->bytes, bytes, size);
    address->size = (uint8_t)size;
}

struct nm_interface_address *nm_interface_add_address(struct nm_interface *interface, int family, const void *bytes,
                                                      size_t size)
{
    size_t count = interface->address_count;
    struct nm_interface_address *addresses = realloc(interface->addresses, (count + 1) * sizeof(*addresses));

    if (!addresses)
        return NULL;
    interface->addresses = addresses;
    interface->address_count++;
    memset(&addresses[count], 0, sizeof(*addresses));
    addresses[count].family = family;
    nm_address_set(&addresses[count].address, bytes, size);
    return &addresses[count];
}

uint32_t nm_interface_flags(unsigned system)
{
    return (system & IFF_LOOPBACK ? NM_IF_LOOPBACK : 0) | (system & IFF_UP ? NM_IF_UP : 0) |
           (system & IFF_RUNNING ? NM_IF_RUNNING : 0);
}

void nm_interfaces_clear(struct nm_interfaces *list)
{
    while (list->count)
        free(list->all[--list->count].addresses);
    list->latest = 0;
}
