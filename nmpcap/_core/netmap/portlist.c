/* The netmap ports that exist, asked of a device one by one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "device/choose.h"
#include "extensions.h"
#include "netmap/portlist.h"

/* One request whose answer is a name; ENOENT where there is none. */
static int ask(struct nm_device *device, uint16_t type, void *body, char *name)
{
    struct nmreq_header header = {
        .nr_version = NETMAP_API, .nr_reqtype = type, .nr_body = (uint64_t)(uintptr_t)body};
    int error = nm_device_ioctl(device, NIOCCTRL, &header);

    if (!error)
        snprintf(name, NETMAP_REQ_IFNAMSIZ, "%.*s", NETMAP_REQ_IFNAMSIZ - 1, header.nr_name);
    return error;
}

static int next_of_kernel(struct nm_device *device, struct nm_listed_port *port)
{
    struct nmreq_vale_list body = {.nr_bridge_idx = (uint16_t)port->at[0], .nr_port_idx = port->at[1]};
    int error = ask(device, NETMAP_REQ_VALE_LIST, &body, port->name);

    if (error)
        return error;
    port->kind = NM_LISTED_SWITCH;
    port->in_use = 1;
    port->at[0] = body.nr_bridge_idx;
    port->at[1] = body.nr_port_idx + 1;
    return 0;
}

static int next_of_user(struct nm_device *device, struct nm_listed_port *port)
{
    struct nmreq_port_list body = {.index = port->at[0]};
    char name[NETMAP_REQ_IFNAMSIZ];
    int error = ask(device, NMPCAP_REQ_PORT_LIST, &body, name);

    if (error)
        return error;
    snprintf(port->name, sizeof(port->name), "%s%s", strncmp(name, NM_BDG_NAME, strlen(NM_BDG_NAME)) ? "netmap:" : "",
             name);
    port->kind = body.pipe ? NM_LISTED_PIPE : body.on_switch ? NM_LISTED_SWITCH : NM_LISTED_PERSISTENT;
    port->in_use = body.users || body.on_switch;
    port->at[0] = body.index + 1;
    return 0;
}

int nm_portlist_next(struct nm_device *device, struct nm_listed_port *port)
{
    return strcmp(nm_device_name(device), "kernel") ? next_of_user(device, port) : next_of_kernel(device, port);
}
