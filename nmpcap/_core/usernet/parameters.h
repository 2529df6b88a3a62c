/* parameters: netmap(4)'s, one set a runtime directory. */
#ifndef NMPCAP_USERNET_PARAMETERS_H
#define NMPCAP_USERNET_PARAMETERS_H

#include "usernet/impl.h"

void nmu_parameters_reset(struct nmu_registry *);
bool nmu_parameters_changed(const struct nmu_registry *);
int nmu_parameter_find(const char *name); /* an enum nmu_parameter; -1: there is none of this name */
int nmu_parameter_set(struct nmu_device *, enum nmu_parameter, int64_t value); /* EINVAL: outside its limits */

static inline int64_t nmu_parameter(const struct nmu_registry *reg, enum nmu_parameter parameter)
{
    return atomic_load_explicit(&reg->parameter[parameter], memory_order_relaxed);
}

#endif
