/*
 * Which kind of port a name opens, asked in C.
 * core: capture/kind.c
 */
#include <stdio.h>
#include <stdlib.h>

#include "capture/kind.h"

#ifdef __linux__
#define INTERFACE NM_PORT_INTERFACE
#else
#define INTERFACE NM_PORT_NONE /* packet sockets are Linux's */
#endif

static const struct {
    const char *name;
    int kind;
} names[] = {
    {"netmap:eth0", NM_PORT_NETMAP},
    {"netmap:", NM_PORT_NETMAP}, /* wrong, and netmap's to say so */
    {"vale0:a", NM_PORT_NETMAP},
    {"valeria", NM_PORT_NETMAP},
    {"file:a.pcap", NM_PORT_SAVEFILE},
    {"file:", NM_PORT_SAVEFILE},
    {"eth0", INTERFACE},
    {"any", INTERFACE},
    {"netmap", INTERFACE},
    {"file", INTERFACE},
    {"Vale", INTERFACE},
    {"", NM_PORT_NONE},
    {"eth0:1", NM_PORT_NONE},
    {"../eth0", NM_PORT_NONE},
    {"eth 0", NM_PORT_NONE},
    {"eth0\n", NM_PORT_NONE},
    {"NETMAP:eth0", NM_PORT_NONE},
    {"files:a", NM_PORT_NONE},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (nm_port_kind(names[i].name) != names[i].kind) {
            fprintf(stderr, "%s: kind %d, not %d\n", names[i].name, nm_port_kind(names[i].name), names[i].kind);
            return 1;
        }
    return 0;
}
