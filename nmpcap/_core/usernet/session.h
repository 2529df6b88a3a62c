/* session: the registry's lock, and what happens at its edges. */
#ifndef NMPCAP_USERNET_SESSION_H
#define NMPCAP_USERNET_SESSION_H

#include "usernet/impl.h"

/* Takes the lock of a registry that is in use, opening or making it first. 0, or why that cannot be. */
int nmu_session_begin(struct nmu_device *);

/* Gives the lock back, and removes what nobody uses any more. */
void nmu_session_end(struct nmu_device *);

/* Lets go of the registry, the directory and all that is mapped. */
void nmu_session_close(struct nmu_device *);

#endif
