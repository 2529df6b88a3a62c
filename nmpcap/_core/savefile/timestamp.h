/* Time stamps of a pcapng interface: units of its own, counted from its own moment. */
#ifndef NMPCAP_SAVEFILE_TIMESTAMP_H
#define NMPCAP_SAVEFILE_TIMESTAMP_H

#include "savefile/format.h"

/* Units of 10^-exponent, or 2^-exponent, seconds; false where that is finer than 64 bits count. */
bool nm_interface_set_resolution(struct nm_saved_interface *interface, unsigned exponent, bool binary);

void nm_interface_set_offset(struct nm_saved_interface *interface, int64_t seconds);

/* The general case: units that are no whole number of nanoseconds, or more than fit. */
int64_t nm_interface_ts_ns_slow(const struct nm_saved_interface *interface, uint64_t units);

/* Nanoseconds since the epoch; what lies outside +-292 years of it becomes the nearest that does not. */
static inline int64_t nm_interface_ts_ns(const struct nm_saved_interface *interface, uint64_t units)
{
    if (units <= interface->fast_max)
        return (int64_t)(units * interface->scale) + interface->offset_ns;
    return nm_interface_ts_ns_slow(interface, units);
}

#endif
