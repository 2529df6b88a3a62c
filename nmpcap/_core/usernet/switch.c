/*
 * VALE switches and the names of their ports: "vale0:a" is port a of switch vale0. A switch
 * appears with its first port and goes with its last, its forwarding table with it; entries of a
 * port that leaves earlier stay, and serve whoever takes its place.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "usernet/names.h"
#include "usernet/records.h"
#include "usernet/switch.h"

static uint32_t find(const struct nmu_registry *reg, const char *name, size_t length)
{
    for (uint32_t i = 1; i <= NMU_SWITCHES; i++)
        if (nmu_switch_at(reg, i)->name[0] && strlen(nmu_switch_at(reg, i)->name) == length &&
            !memcmp(nmu_switch_at(reg, i)->name, name, length))
            return i;
    return 0;
}

/* The switch a name speaks of: EINVAL without the prefix, ENOENT where there is none. */
int nmu_switch_find(struct nmu_device *dev, const char *name, uint32_t *switch_id)
{
    size_t length = nmu_switch_part(name);

    if (!nmu_is_vale_name(name))
        return nmu_fail(dev, EINVAL, "%s: the name of a switch's port begins with '%s'", name, NM_BDG_NAME);
    *switch_id = length ? find(dev->reg, name, length) : 0;
    if (!*switch_id)
        return nmu_fail(dev, ENOENT, "%s: there is no such switch", name);
    return 0;
}

static int make(struct nmu_device *dev, const char *name, size_t length, uint32_t *switch_id)
{
    struct nmu_registry *reg = dev->reg;

    for (uint32_t i = 1; i <= NMU_SWITCHES; i++) {
        struct nmu_switch *sw = nmu_switch_at(reg, i);

        if (sw->name[0])
            continue;
        memset(sw, 0, sizeof(*sw));
        for (uint32_t place = 0; place < NMU_SWITCH_PORTS; place++)
            sw->free_places[place] = (uint8_t)(NMU_SWITCH_PORTS - 1 - place);
        sw->free_count = NMU_SWITCH_PORTS;
        memcpy(sw->name, name, length);
        *switch_id = i;
        return 0;
    }
    return nmu_fail(dev, ENOMEM, "%s: there are %d switches already, as many as there can be", name, NMU_SWITCHES);
}

/* Puts a port on the switch its full name speaks of, making the switch if need be. */
int nmu_switch_join(struct nmu_device *dev, const char *name, uint32_t index)
{
    struct nmu_registry *reg = dev->reg;
    struct nmu_port *port = nmu_port_at(reg, index);
    size_t length = nmu_switch_part(name);
    uint32_t id = length ? find(reg, name, length) : 0;
    uint32_t free_count, place;
    struct nmu_switch *sw;
    int error = 0;

    if (!length || strlen(name + length + 1) > NMU_NAME_PART)
        return nmu_fail(dev, ENOMEM, "%s: a port's name is vale[ID]:PORT, with ID of letters, digits and '_', and "
                        "at most %d characters on either side of the colon", name, NMU_NAME_PART);
    if (!id && (error = make(dev, name, length, &id)))
        return error;
    sw = nmu_switch_at(reg, id);
    free_count = nmu_at_most(sw->free_count, NMU_SWITCH_PORTS);
    if (!free_count)
        return nmu_fail(dev, ENOMEM, "%s: switch %s has %d ports, as many as it can have", name, sw->name,
                        NMU_SWITCH_PORTS);
    sw->free_count = free_count - 1;
    place = nmu_below(sw->free_places[free_count - 1], NMU_SWITCH_PORTS);
    port->switch_port = place;
    port->switch_id = id;
    sw->ports_count++;
    if (place >= nmu_highest(sw))
        atomic_store_explicit(&sw->highest, place + 1, memory_order_relaxed);
    /* release: a sender that finds the port finds its record */
    atomic_store_explicit(&sw->ports[place], nmu_port_place(port, index), memory_order_release);
    return 0;
}

void nmu_switch_leave(struct nmu_device *dev, uint32_t index)
{
    struct nmu_port *port = nmu_port_at(dev->reg, index);
    struct nmu_switch *sw = nmu_switch_at(dev->reg, port->switch_id);
    uint32_t place = nmu_below(port->switch_port, NMU_SWITCH_PORTS);
    uint32_t free_count = nmu_below(sw->free_count, NMU_SWITCH_PORTS);

    atomic_store_explicit(&sw->ports[place], 0, memory_order_relaxed);
    sw->free_places[free_count] = (uint8_t)place;
    sw->free_count = free_count + 1;
    port->switch_id = 0;
    atomic_store(&port->last_smac, ~(uint64_t)0);
    if (--sw->ports_count == 0)
        sw->name[0] = '\0';
}
