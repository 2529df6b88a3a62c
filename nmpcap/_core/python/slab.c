/* Slab: a part of the core's memory that batches of packets share, as a buffer that cannot be written to. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

struct slab {
    PyObject_HEAD
    const struct nm_deliver_calls *calls;
    struct nm_slab *memory; /* held */
    uint8_t *bytes;
    Py_ssize_t size;
};

PyObject *nm_deliver_slab(struct handle *h, struct nm_slab *memory, const uint8_t *bytes, Py_ssize_t size)
{
    struct slab *slab = PyObject_New(struct slab, h->slab_type);

    if (!slab) {
        h->calls->release(memory);
        return NULL;
    }
    slab->calls = h->calls;
    slab->memory = memory;
    slab->bytes = (uint8_t *)bytes; /* no writable buffer of it is ever given out */
    slab->size = size;
    return (PyObject *)slab;
}

static int slab_getbuffer(PyObject *self, Py_buffer *buffer, int flags)
{
    struct slab *slab = (struct slab *)self;

    return PyBuffer_FillInfo(buffer, self, slab->bytes, slab->size, 1, flags);
}

static void slab_dealloc(PyObject *self)
{
    struct slab *slab = (struct slab *)self;
    PyTypeObject *type = Py_TYPE(self);

    slab->calls->release(slab->memory);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "Memory that packets of a batch lie in; it stays theirs for as long as this lives."},
    {Py_tp_dealloc, slab_dealloc},
    {Py_bf_getbuffer, slab_getbuffer},
    {0, NULL},
};

PyType_Spec nm_deliver_slab_spec = {
    .name = "nmpcap._core._deliver.Slab",
    .basicsize = sizeof(struct slab),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
