/* The module's parameters, one set a runtime directory. */
#include <errno.h>
#include <string.h>

#include "usernet/parameters.h"

struct parameter {
    const char *name;
    int64_t initial, least, most;
};

/* netmap(4), with the module's defaults and limits. */
static const struct parameter parameters[NMU_PARAMETERS] = {
    [NMU_BRIDGE_BATCH] = {"bridge_batch", 1024, INT32_MIN, INT32_MAX},
    [NMU_NO_TIMESTAMP] = {"no_timestamp", 0, 0, 1},
    [NMU_IF_SIZE] = {"if_size", 1024, 64, 4096},
    [NMU_IF_NUM] = {"if_num", 100, 10, 10000},
    [NMU_RING_SIZE] = {"ring_size", 9 * 4096, 64, 32 * 4096},
    [NMU_RING_NUM] = {"ring_num", 200, 2, 1024},
    [NMU_BUF_SIZE] = {"buf_size", 2048, 64, 65536},
    [NMU_BUF_NUM] = {"buf_num", 163840, 4, 1000000},
    [NMU_PRIV_IF_SIZE] = {"priv_if_size", 1024, 64, 4096},
    [NMU_PRIV_IF_NUM] = {"priv_if_num", 2, 1, 100},
    [NMU_PRIV_RING_SIZE] = {"priv_ring_size", 5 * 4096, 64, 32 * 4096},
    [NMU_PRIV_RING_NUM] = {"priv_ring_num", 4, 2, 1024},
    [NMU_PRIV_BUF_SIZE] = {"priv_buf_size", 2048, 64, 65536},
    [NMU_PRIV_BUF_NUM] = {"priv_buf_num", 4098, 4, 1000000},
    [NMU_GENERIC_RINGSIZE] = {"generic_ringsize", 1024, 2, NMU_SLOTS_MAX},
};

void nmu_parameters_reset(struct nmu_registry *reg)
{
    for (int i = 0; i < NMU_PARAMETERS; i++)
        atomic_store_explicit(&reg->parameter[i], parameters[i].initial, memory_order_relaxed);
}

bool nmu_parameters_changed(const struct nmu_registry *reg)
{
    for (int i = 0; i < NMU_PARAMETERS; i++)
        if (nmu_parameter(reg, (enum nmu_parameter)i) != parameters[i].initial)
            return true;
    return false;
}

int nmu_parameter_find(const char *name)
{
    for (int i = 0; i < NMU_PARAMETERS; i++)
        if (!strcmp(parameters[i].name, name))
            return i;
    return -1;
}

int nmu_parameter_set(struct nmu_device *dev, enum nmu_parameter which, int64_t value)
{
    const struct parameter *parameter = &parameters[which];

    if (value < parameter->least || value > parameter->most)
        return nmu_fail(dev, EINVAL, "parameter %s: %lld is not within %lld to %lld", parameter->name,
                        (long long)value, (long long)parameter->least, (long long)parameter->most);
    atomic_store_explicit(&dev->reg->parameter[which], value, memory_order_relaxed);
    return 0;
}
