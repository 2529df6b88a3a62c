/* From a type of the module to the module's state. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

struct state *nm_deliver_state(PyTypeObject *type, destructor dealloc)
{
    PyObject *module;

    /* PyType_GetModuleByDef does the same with the module's definition, which knows all types, and is not in 3.10. */
    while (type->tp_base && type->tp_dealloc != dealloc)
        type = type->tp_base;
    module = PyType_GetModule(type);
    return module ? PyModule_GetState(module) : NULL;
}
