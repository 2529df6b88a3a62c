/* The list of interfaces itself: what is found is put in, and what is asked for is handed out. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "interfaces/list.h"

int nm_interfaces_open(struct nm_interfaces **result)
{
    struct nm_interfaces *list = calloc(1, sizeof(*list));
    int error;

    *result = NULL;
    if (!list)
        return -ENOMEM;
    error = nm_interfaces_read(list);
    if (error) {
        nm_interfaces_close(list);
        return error;
    }
    nm_link_status(list);
    *result = list;
    return 0;
}

const struct nm_interface *nm_interfaces_get(const struct nm_interfaces *list, size_t index)
{
    return index < list->count ? &list->all[index] : NULL;
}

void nm_interfaces_close(struct nm_interfaces *list)
{
    if (!list)
        return;
    nm_interfaces_clear(list);
    free(list->all);
    free(list);
}
