/* kind: which kind of port a name opens. */
#ifndef NMPCAP_CAPTURE_KIND_H
#define NMPCAP_CAPTURE_KIND_H

#pragma GCC visibility push(default)

enum {
    NM_PORT_NONE,      /* no port has such a name */
    NM_PORT_NETMAP,    /* netmap:..., vale...: a port of netmap's */
    NM_PORT_SAVEFILE,  /* file:...: a savefile as a device */
    NM_PORT_INTERFACE, /* eth0, lo, any: an interface as libpcap sees it; where the system is Linux */
};

/* nm_port_kind - by the name alone: whether there is such a port only opening it tells. */
int nm_port_kind(const char *name);

#pragma GCC visibility pop

#endif
