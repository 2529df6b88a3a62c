/* The module nmpcap._core._deliver: no global state, one of it per interpreter. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

static PyObject *bind(PyObject *module, PyObject *address)
{
    struct state *state = PyModule_GetState(module);
    const struct nm_deliver_calls *calls = PyLong_AsVoidPtr(address);

    if (!calls) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "bind: the address of the core's functions is NULL");
        return NULL;
    }
    if (calls->size != sizeof(*calls)) {
        PyErr_Format(PyExc_ImportError, "nmpcap's two compiled halves were not built together (%zu and %zu bytes); "
                     "install it again", calls->size, sizeof(*calls));
        return NULL;
    }
    state->calls = calls;
    Py_RETURN_NONE;
}

static int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *type ? PyModule_AddType(module, *type) : -1;
}

static int exec(PyObject *module)
{
    struct state *state = PyModule_GetState(module);
    PyObject *errors = PyImport_ImportModule("nmpcap.errors");

    if (!errors)
        return -1;
    state->usage_error = PyObject_GetAttrString(errors, "UsageError");
    Py_DECREF(errors);
    if (!state->usage_error || add_type(module, &nm_deliver_packet_spec, &state->packet_type) ||
        add_type(module, &nm_deliver_header_spec, &state->header_type) ||
        add_type(module, &nm_deliver_slab_spec, &state->slab_type) ||
        add_type(module, &nm_recorder_spec, &state->recorder_type))
        return -1;
    return add_type(module, &nm_handle_spec, &state->handle_type);
}

static int traverse(PyObject *module, visitproc visit, void *arg)
{
    struct state *state = PyModule_GetState(module);

    Py_VISIT(state->packet_type);
    Py_VISIT(state->header_type);
    Py_VISIT(state->slab_type);
    Py_VISIT(state->recorder_type);
    Py_VISIT(state->handle_type);
    Py_VISIT(state->usage_error);
    return 0;
}

static int clear(PyObject *module)
{
    struct state *state = PyModule_GetState(module);

    Py_CLEAR(state->packet_type);
    Py_CLEAR(state->header_type);
    Py_CLEAR(state->slab_type);
    Py_CLEAR(state->recorder_type);
    Py_CLEAR(state->handle_type);
    Py_CLEAR(state->usage_error);
    return 0;
}

static void release(void *module)
{
    clear(module);
}

static PyMethodDef functions[] = {
    {"bind", bind, METH_O, "Hands over the address of the core's functions (lib.nm_deliver_calls())."},
    {0},
};

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, exec},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "nmpcap._core._deliver",
    .m_doc = "The core's packets as Python objects: Packet, Pkthdr and Handle.",
    .m_size = sizeof(struct state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = release,
};

PyMODINIT_FUNC PyInit__deliver(void);
PyMODINIT_FUNC PyInit__deliver(void)
{
    return PyModuleDef_Init(&definition);
}
