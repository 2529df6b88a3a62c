/*
 * The ports that exist, listed in C: of user space as they are made and go, and of a device that answers as the
 * kernel module does, port after port of switch after switch.
 * core: message.c device usernet interfaces afpacket netmap/portlist.c
 * modes: plain asan
 */
#include <errno.h>

#include "client.h"
#include "device/choose.h"
#include "netmap/portlist.h"

static void expect(struct nm_device *device, struct nm_listed_port *port, const char *name, int kind, int in_use)
{
    CHECK_EQ(nm_portlist_next(device, port), 0);
    if (strcmp(port->name, name)) {
        fprintf(stderr, "listed is %s, not %s\n", port->name, name);
        exit(1);
    }
    CHECK_EQ(port->kind, kind);
    CHECK_EQ(port->in_use, in_use);
}

static void expect_end(struct nm_device *device, struct nm_listed_port *port)
{
    CHECK_EQ(nm_portlist_next(device, port), ENOENT);
    CHECK_EQ(nm_portlist_next(device, port), ENOENT);
}

static void user_space(void)
{
    struct nmreq_vale_newif config = {0};
    struct nm_listed_port port = {0};
    struct client on_switch, pipe;
    struct nm_device *device;
    char msg[NM_MSG_SIZE];

    CHECK_EQ(nm_device_open(NM_NETMAP_USER, NULL, &device, msg), 0);
    expect_end(device, &port);
    CHECK_EQ(client_request(device, NETMAP_REQ_VALE_NEWIF, "per", &config, NULL), 0);
    client_open(&on_switch, "vale3:a", 64);
    client_open(&pipe, "p{1", 64);

    port = (struct nm_listed_port){0};
    expect(device, &port, "netmap:per", NM_LISTED_PERSISTENT, 0);
    expect(device, &port, "vale3:a", NM_LISTED_SWITCH, 1);
    expect(device, &port, "netmap:p{1", NM_LISTED_PIPE, 1);
    /* Its other end is made with it, and nobody has that open yet. */
    expect(device, &port, "netmap:p}1", NM_LISTED_PIPE, 0);
    expect_end(device, &port);

    client_close(&pipe);
    client_close(&on_switch);
    port = (struct nm_listed_port){0};
    expect(device, &port, "netmap:per", NM_LISTED_PERSISTENT, 0);
    expect_end(device, &port);
    CHECK_EQ(client_request(device, NETMAP_REQ_VALE_DELIF, "per", NULL, NULL), 0);
    nm_device_close(device);
}

/* ---- as the module answers --------------------------------------------------------- */

static const struct {
    uint16_t on;
    uint32_t port;
    const char *name;
} attached[] = {{0, 0, "vale0:a"}, {0, 1, "vale0:eth0^"}, {5, 2, "valeX:b"}};

static int refusal; /* what the device says instead */

/* netmap_vale_list: the first port from a switch and a port on it on. */
static int list(struct nm_device *device, unsigned long request, void *argument)
{
    struct nmreq_header *header = argument;
    struct nmreq_vale_list *body = (struct nmreq_vale_list *)(uintptr_t)header->nr_body;

    (void)device;
    CHECK(request == NIOCCTRL && header->nr_version == NETMAP_API && header->nr_reqtype == NETMAP_REQ_VALE_LIST);
    CHECK(header->nr_name[0] == '\0');
    if (refusal)
        return refusal;
    for (size_t i = 0; i < sizeof(attached) / sizeof(*attached); i++)
        if (attached[i].on > body->nr_bridge_idx ||
            (attached[i].on == body->nr_bridge_idx && attached[i].port >= body->nr_port_idx)) {
            body->nr_bridge_idx = attached[i].on;
            body->nr_port_idx = attached[i].port;
            snprintf(header->nr_name, sizeof(header->nr_name), "%s", attached[i].name);
            return 0;
        }
    return ENOENT;
}

static void as_the_module(void)
{
    static const struct nm_device_ops ops = {.name = "kernel", .ioctl = list};
    struct nm_device device = {.ops = &ops};
    struct nm_listed_port port = {0};

    for (size_t i = 0; i < sizeof(attached) / sizeof(*attached); i++)
        expect(&device, &port, attached[i].name, NM_LISTED_SWITCH, 1);
    expect_end(&device, &port);
    refusal = EPERM;
    port = (struct nm_listed_port){0};
    CHECK_EQ(nm_portlist_next(&device, &port), EPERM);
    CHECK(port.name[0] == '\0');
}

int main(void)
{
    user_space();
    as_the_module();
    return 0;
}
