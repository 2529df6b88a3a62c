/* netmap ports as a source of packets (source.h) for the capture handle. */
#ifndef NMPCAP_AS_SOURCE_H
#define NMPCAP_AS_SOURCE_H

#pragma GCC visibility push(default)

struct nm_source;
struct nm_desc;
struct nm_open_args;

/*
 * nm_netmap_source_open - opens a port by its name and makes it a source.
 *
 * Packets carry their own time where the device can stamp them (user space), else that of the
 * sync that brought them.
 *
 * @args    as for nm_desc_open; timestamps NM_TIMESTAMPS_IF_ANY: where the device knows of such
 * @source  receives the source, NULL on failure
 * @msg     NM_MSG_SIZE bytes, receives the reason of a failure
 *
 * 0, or a negative errno value: nm_desc_open's; -ENODEV for a name that is not netmap's.
 */
int nm_netmap_source_open(const struct nm_open_args *args, struct nm_source **source, char *msg);

#define NM_TIMESTAMPS_IF_ANY -1

/* nm_netmap_source_desc - the port, to be asked what it is; the source's own. */
struct nm_desc *nm_netmap_source_desc(struct nm_source *source);

/* nm_netmap_source_stamped - whether packets carry their own time. */
int nm_netmap_source_stamped(struct nm_source *source);

#pragma GCC visibility pop

#endif
