/* Block: a part of the core's memory that batches of packets share, as a buffer that cannot be written to. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

struct block {
    PyObject_HEAD
    const struct nm_deliver_calls *calls;
    struct nm_slab *memory; /* held */
    uint8_t *bytes;
    Py_ssize_t size;
};

PyObject *nm_slab_object(struct handle *h, struct nm_slab *memory, const uint8_t *bytes, Py_ssize_t size)
{
    struct block *block = PyObject_New(struct block, h->block_type);

    if (!block) {
        h->calls->release(memory);
        return NULL;
    }
    block->calls = h->calls;
    block->memory = memory;
    block->bytes = (uint8_t *)bytes; /* no writable buffer of it is ever given out */
    block->size = size;
    return (PyObject *)block;
}

static int block_getbuffer(PyObject *self, Py_buffer *buffer, int flags)
{
    struct block *block = (struct block *)self;

    return PyBuffer_FillInfo(buffer, self, block->bytes, block->size, 1, flags);
}

static void block_dealloc(PyObject *self)
{
    struct block *block = (struct block *)self;
    PyTypeObject *type = Py_TYPE(self);

    block->calls->release(block->memory);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyType_Slot slots[] = {
    {Py_tp_doc, "Memory that packets of a batch lie in; it stays theirs for as long as this lives."},
    {Py_tp_dealloc, block_dealloc},
    {Py_bf_getbuffer, block_getbuffer},
    {0, NULL},
};

PyType_Spec nm_block_spec = {
    .name = "nmpcap._core._deliver.Block",
    .basicsize = sizeof(struct block),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
