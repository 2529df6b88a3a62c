/* Time stamps of a pcapng interface, as nanoseconds. */
#include "savefile/timestamp.h"

enum { NS_A_SECOND = 1000000000 };

static int64_t clamp(__int128 value)
{
    if (value > INT64_MAX)
        return INT64_MAX;
    return value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* fast_max: up to how many units a multiplication and an addition are exact and do not overflow. */
static void set_fast_path(struct nm_saved_interface *interface)
{
    int64_t room = interface->offset_ns > 0 ? INT64_MAX - interface->offset_ns : INT64_MAX;
    /* An offset that was clamped says too little: what is added to it comes out wrong. */
    bool exact = (__int128)interface->tsoffset_s * NS_A_SECOND == interface->offset_ns;
    bool whole = exact && interface->units <= NS_A_SECOND && NS_A_SECOND % interface->units == 0;

    interface->scale = whole ? NS_A_SECOND / interface->units : 0;
    interface->fast_max = whole ? (uint64_t)room / interface->scale : 0;
}

bool nm_interface_set_resolution(struct nm_saved_interface *interface, unsigned exponent, bool binary)
{
    uint64_t units = 1;

    if (exponent > (binary ? 63 : 19))
        return false;
    while (exponent--)
        units *= binary ? 2 : 10;
    interface->units = units;
    set_fast_path(interface);
    return true;
}

void nm_interface_set_offset(struct nm_saved_interface *interface, int64_t seconds)
{
    interface->tsoffset_s = seconds;
    interface->offset_ns = clamp((__int128)seconds * NS_A_SECOND);
    set_fast_path(interface);
}

int64_t nm_interface_ts_ns_slow(const struct nm_saved_interface *interface, uint64_t units)
{
    __int128 seconds = units / interface->units;
    __int128 fraction = units % interface->units;

    return clamp(((seconds + interface->tsoffset_s) * NS_A_SECOND) + fraction * NS_A_SECOND / interface->units);
}
