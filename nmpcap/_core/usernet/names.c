/* What a name is the name of, by its spelling and by what the system has. */
#include <ctype.h>
#include <net/if.h>
#include <string.h>

#include "abi.h"
#include "usernet/names.h"

bool nmu_is_interface(const char *name)
{
    return strlen(name) < NM_IFNAMSIZ && if_nametoindex(name) != 0;
}

bool nmu_is_vale_name(const char *name)
{
    return strncmp(name, NM_BDG_NAME, sizeof(NM_BDG_NAME) - 1) == 0;
}

/* Length of the switch part of a VALE name, 0 if there is none that could be a switch's. */
size_t nmu_switch_part(const char *name)
{
    size_t length = strcspn(name, ":");

    if (name[length] != ':' || length > NMU_NAME_PART)
        return 0;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return 0;
    return length;
}

/* The last '{' of a name makes it a master, whatever follows; else the last '}' a slave. */
const char *nmu_pipe_brace(const char *name)
{
    const char *brace = strrchr(name, '{');

    return brace ? brace : strrchr(name, '}');
}
