/* Which kind of port a name opens: a table of beginnings, and what is left are interfaces. */
#include <string.h>

#include "capture/kind.h"

static const struct {
    const char *beginning;
    int kind;
} kinds[] = {
    {"netmap:", NM_PORT_NETMAP},
    {"vale", NM_PORT_NETMAP},
    {"file:", NM_PORT_SAVEFILE},
};

/* No interface's name is empty or holds one of these: dev_valid_name() of Linux. */
static int may_be_interface(const char *name)
{
#ifdef __linux__
    return name[0] && !strpbrk(name, "/: \t\n\v\f\r");
#else
    (void)name;
    return 0;
#endif
}

int nm_port_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (!strncmp(name, kinds[i].beginning, strlen(kinds[i].beginning)))
            return kinds[i].kind;
    return may_be_interface(name) ? NM_PORT_INTERFACE : NM_PORT_NONE;
}
