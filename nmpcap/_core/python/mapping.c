/*
 * Mapping: a mapped region as a Python object, CPython's half of netmap/mapping.h.
 *
 * It exports a writable buffer and gives the region back when it is closed or collected, but
 * never while a view of it exists. It knows nothing of the core: what to call to give
 * the region back, and with what, are handed to it as addresses, so that one copy of the
 * core is loaded.
 *
 * Any thread may ask for a view or close at any moment, with or without an interpreter's lock: one
 * word says how many views there are, or that it is closed, and changes by compare and exchange.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdatomic.h>
#include <stdbool.h>

#define CLOSED ((Py_ssize_t)-1)

struct mapping {
    PyObject_HEAD
    void *mem;
    Py_ssize_t length;
    _Atomic Py_ssize_t exports; /* views, or CLOSED */
    void (*release)(void *);
    void *owner;
};

static bool is_closed(struct mapping *m)
{
    return atomic_load(&m->exports) == CLOSED;
}

static int refuse_closed(void)
{
    PyErr_SetString(PyExc_ValueError, "operation on a closed mapping");
    return -1;
}

static PyObject *mapping_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"address", "length", "release", "owner", NULL};
    unsigned long long address, release, owner;
    Py_ssize_t length;
    struct mapping *m;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "KnKK:Mapping", names, &address, &length, &release, &owner))
        return NULL;
    m = (struct mapping *)type->tp_alloc(type, 0);
    if (!m)
        return NULL;
    m->mem = (void *)(uintptr_t)address;
    m->length = length;
    m->release = (void (*)(void *))(uintptr_t)release;
    m->owner = (void *)(uintptr_t)owner;
    return (PyObject *)m;
}

/* Unmaps, unless there are views: their number, or 0 where it is closed now. */
static Py_ssize_t unmap(struct mapping *m)
{
    Py_ssize_t none = 0;

    if (atomic_compare_exchange_strong(&m->exports, &none, CLOSED)) {
        m->release(m->owner);
        return 0;
    }
    return none == CLOSED ? 0 : none;
}

static void mapping_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    unmap((struct mapping *)self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *mapping_close(PyObject *self, PyObject *ignored)
{
    Py_ssize_t views = unmap((struct mapping *)self);

    (void)ignored;
    if (!views)
        Py_RETURN_NONE;
    PyErr_Format(PyExc_BufferError, "cannot close a mapping while %zd views of it exist", views);
    return NULL;
}

static PyObject *mapping_enter(PyObject *self, PyObject *ignored)
{
    (void)ignored;
    if (is_closed((struct mapping *)self)) {
        refuse_closed();
        return NULL;
    }
    Py_INCREF(self);
    return self;
}

static PyObject *mapping_exit(PyObject *self, PyObject *args)
{
    (void)args;
    return mapping_close(self, NULL);
}

static PyObject *mapping_closed(PyObject *self, void *ignored)
{
    (void)ignored;
    return PyBool_FromLong(is_closed((struct mapping *)self));
}

static PyObject *mapping_repr(PyObject *self)
{
    struct mapping *m = (struct mapping *)self;

    if (is_closed(m))
        return PyUnicode_FromString("<nmpcap Mapping, closed>");
    return PyUnicode_FromFormat("<nmpcap Mapping of %zd bytes at %p>", m->length, m->mem);
}

static int mapping_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    struct mapping *m = (struct mapping *)self;
    Py_ssize_t views = atomic_load(&m->exports);

    do {
        if (views == CLOSED) {
            view->obj = NULL;
            return refuse_closed();
        }
    } while (!atomic_compare_exchange_weak(&m->exports, &views, views + 1));
    if (PyBuffer_FillInfo(view, self, m->mem, m->length, 0, flags) == 0)
        return 0;
    atomic_fetch_sub(&m->exports, 1);
    view->obj = NULL;
    return -1;
}

static void mapping_releasebuffer(PyObject *self, Py_buffer *view)
{
    (void)view;
    atomic_fetch_sub(&((struct mapping *)self)->exports, 1);
}

static Py_ssize_t mapping_length(PyObject *self)
{
    struct mapping *m = (struct mapping *)self;

    return is_closed(m) ? refuse_closed() : m->length;
}

/* Items and slices are a memoryview's. */
static PyObject *mapping_subscript(PyObject *self, PyObject *key)
{
    PyObject *view = PyMemoryView_FromObject(self), *result;

    if (!view)
        return NULL;
    result = PyObject_GetItem(view, key);
    Py_DECREF(view);
    return result;
}

static int mapping_assign(PyObject *self, PyObject *key, PyObject *value)
{
    PyObject *view = PyMemoryView_FromObject(self);
    int result;

    if (!view)
        return -1;
    result = value ? PyObject_SetItem(view, key, value) : PyObject_DelItem(view, key);
    Py_DECREF(view);
    return result;
}

static PyMethodDef mapping_methods[] = {
    {"close", mapping_close, METH_NOARGS,
     "Unmaps the region. BufferError, and nothing happens, while views of it exist. Closing twice is allowed."},
    {"release", mapping_close, METH_NOARGS, "The same as close(), under memoryview's name."},
    {"__enter__", mapping_enter, METH_NOARGS, NULL},
    {"__exit__", mapping_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef mapping_getset[] = {
    {"closed", mapping_closed, NULL, "Whether the region has been unmapped.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot mapping_slots[] = {
    {Py_tp_doc, "A mapped netmap region: a writable buffer that lives until it is closed, or collected."},
    {Py_tp_new, mapping_new},
    {Py_tp_dealloc, mapping_dealloc},
    {Py_tp_repr, mapping_repr},
    {Py_tp_methods, mapping_methods},
    {Py_tp_getset, mapping_getset},
    {Py_bf_getbuffer, mapping_getbuffer},
    {Py_bf_releasebuffer, mapping_releasebuffer},
    {Py_mp_length, mapping_length},
    {Py_mp_subscript, mapping_subscript},
    {Py_mp_ass_subscript, mapping_assign},
    {0, NULL},
};

static PyType_Spec mapping_spec = {
    .name = "nmpcap._core._mapping.Mapping",
    .basicsize = sizeof(struct mapping),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = mapping_slots,
};

static int fill_module(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&mapping_spec);
    int result;

    if (!type)
        return -1;
    result = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return result;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, fill_module},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "nmpcap._core._mapping",
    .m_doc = "Mapped regions as Python objects.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__mapping(void);

PyMODINIT_FUNC PyInit__mapping(void)
{
    return PyModuleDef_Init(&module);
}
