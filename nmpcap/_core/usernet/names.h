/* names: what a name is the name of. */
#ifndef NMPCAP_USERNET_NAMES_H
#define NMPCAP_USERNET_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "abi.h"

#define NMU_NAME_PART (NM_IFNAMSIZ - 1) /* characters on either side of a switch port's colon, at most */

bool nmu_is_interface(const char *name); /* an interface of the operating system */
bool nmu_is_vale_name(const char *name); /* begins as the name of a switch's port does */

/* Length of the switch part of a VALE name, 0 if there is none that could be a switch's. */
size_t nmu_switch_part(const char *name);

const char *nmu_pipe_brace(const char *name); /* the brace that makes it a pipe's name, or NULL */

#endif
