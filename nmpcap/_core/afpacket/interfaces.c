/* The interfaces that packets of `any` came from: numbered in the order in which they were met. */
#include <stdio.h>
#include <stdlib.h>

#include "afpacket/impl.h"

int nm_packet_ask(struct nm_packet *p, int ifindex, struct nm_link *link)
{
    int error;

    pthread_mutex_lock(&p->lock);
    error = nm_link_ask(p->link_fd, NULL, ifindex, link);
    pthread_mutex_unlock(&p->lock);
    return error;
}

/* The name, or a made-up one for an interface that has gone since. */
static void name_of(struct nm_packet *p, int ifindex, char *name)
{
    struct nm_link link;

    if (nm_packet_ask(p, ifindex, &link))
        snprintf(name, IFNAMSIZ, "if%d", ifindex);
    else
        snprintf(name, IFNAMSIZ, "%s", link.name);
}

static uint32_t add(struct nm_packet *p, int ifindex)
{
    struct nm_packet_interface *more;

    /* Room doubles whenever the count is a power of two. Without memory the packet counts as the first's. */
    if ((p->num_interfaces & (p->num_interfaces - 1)) == 0) {
        more = realloc(p->interfaces, (p->num_interfaces ? 2 * (size_t)p->num_interfaces : 1) * sizeof(*more));
        if (!more)
            return 0;
        p->interfaces = more;
    }
    p->interfaces[p->num_interfaces].ifindex = ifindex;
    name_of(p, ifindex, p->interfaces[p->num_interfaces].name);
    return p->num_interfaces++;
}

uint32_t nm_packet_meet(struct nm_packet *p, int ifindex)
{
    uint32_t i;

    if (p->last_interface < p->num_interfaces && p->interfaces[p->last_interface].ifindex == ifindex)
        return p->last_interface;
    for (i = 0; i < p->num_interfaces && p->interfaces[i].ifindex != ifindex; i++)
        ;
    if (i == p->num_interfaces)
        i = add(p, ifindex);
    return p->last_interface = i;
}

uint32_t nm_packet_interfaces(struct nm_source *source)
{
    return nm_packet_self(source)->num_interfaces;
}

const char *nm_packet_interface(struct nm_source *source, uint32_t i)
{
    return nm_packet_self(source)->interfaces[i].name;
}
