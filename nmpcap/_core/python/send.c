/* Sending: Python's buffers to the core, many at a time, without the interpreter's lock. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

#include <errno.h>

#define CHUNK 256

/* Frames lent by Python objects for the length of one call of the core. */
struct chunk {
    uint32_t count;
    struct nm_frame frames[CHUNK];
    Py_buffer buffers[CHUNK]; /* obj NULL, buf the object: bytes, which need no buffer to stay as they are */
};

static int chunk_add(struct chunk *chunk, PyObject *object)
{
    Py_buffer *buffer = &chunk->buffers[chunk->count];
    struct nm_frame *frame = &chunk->frames[chunk->count];

    if (PyBytes_CheckExact(object)) {
        buffer->obj = NULL;
        buffer->buf = Py_NewRef(object);
        frame->data = (const uint8_t *)PyBytes_AS_STRING(object);
        frame->len = PyBytes_GET_SIZE(object);
    } else {
        if (PyObject_GetBuffer(object, buffer, PyBUF_SIMPLE))
            return -1;
        frame->data = buffer->buf;
        frame->len = buffer->len;
    }
    chunk->count++;
    return 0;
}

static void chunk_release(struct chunk *chunk)
{
    for (uint32_t i = 0; i < chunk->count; i++) {
        Py_buffer *buffer = &chunk->buffers[i];

        if (buffer->obj)
            PyBuffer_Release(buffer);
        else
            Py_DECREF((PyObject *)buffer->buf);
    }
    chunk->count = 0;
}

/* Sends frames: the core's result, or -EINTR with an exception set. */
static int send(struct handle *h, const struct nm_frame *frames, uint32_t n, struct nm_deadline *deadline,
                uint32_t *sent)
{
    for (;;) {
        int error;

        Py_BEGIN_ALLOW_THREADS
        error = h->calls->inject(h->capture, frames, n, deadline, sent);
        Py_END_ALLOW_THREADS
        if (error != -EINTR || PyErr_CheckSignals())
            return error;
    }
}

static void raise(struct handle *h, int error)
{
    if (PyErr_Occurred())
        return;
    nm_handle_raise(h, error == NM_CAPTURE_STOPPED ? -ECANCELED : error);
}

METHOD(nm_handle_inject)
{
    static const char *const names[] = {"frame", "timeout", NULL};
    struct handle *h = (struct handle *)self;
    struct nm_deadline deadline = {0};
    PyObject *values[2] = {n == 1 ? args[0] : NULL};
    struct nm_frame frame;
    Py_buffer buffer;
    uint32_t sent = 0;
    int error;

    if ((n != 1 || keywords) && nm_handle_parse("inject", names, 1, values, args, n, keywords))
        return NULL;
    if (values[1] && nm_handle_timeout(h, values[1], &deadline.timeout_ns))
        return NULL;
    if (PyObject_GetBuffer(values[0], &buffer, PyBUF_SIMPLE))
        return NULL;
    frame.data = buffer.buf;
    frame.len = buffer.len;
    if (nm_handle_enter_aside(h)) {
        PyBuffer_Release(&buffer);
        return NULL;
    }
    error = send(h, &frame, 1, &deadline, &sent);
    if (error)
        raise(h, error);
    h->calls->leave(h->capture);
    PyBuffer_Release(&buffer);
    return error ? NULL : PyLong_FromSize_t(frame.len);
}

/* Item i of a list or tuple, a reference of ours; NULL without an exception behind the last. */
static PyObject *item(PyObject *frames, Py_ssize_t i)
{
#ifdef Py_GIL_DISABLED
    /* Another thread may take the item out of a list between the look at it and the reference. */
    if (PyList_CheckExact(frames)) {
        PyObject *object = PyList_GetItemRef(frames, i);

        if (!object && PyErr_ExceptionMatches(PyExc_IndexError))
            PyErr_Clear();
        return object;
    }
#endif
    return i < PySequence_Fast_GET_SIZE(frames) ? Py_NewRef(PySequence_Fast_GET_ITEM(frames, i)) : NULL;
}

/* Fills the chunk from a list or tuple, from item i on, or from an iterator: 0, or -1 with an exception set. */
static int chunk_fill(struct chunk *chunk, PyObject *frames, Py_ssize_t i, PyObject *iterator)
{
    while (chunk->count < CHUNK) {
        PyObject *object = iterator ? PyIter_Next(iterator) : item(frames, i++);
        int error;

        if (!object)
            return PyErr_Occurred() ? -1 : 0;
        error = chunk_add(chunk, object);
        Py_DECREF(object);
        if (error)
            return -1;
    }
    return 0;
}

/* Sends all frames: how many went, or -1 with an exception set. */
static Py_ssize_t send_many(struct handle *h, PyObject *frames, PyObject *iterator, struct nm_deadline *deadline)
{
    struct chunk chunk;
    Py_ssize_t total = 0;

    chunk.count = 0;

    for (;;) {
        uint32_t sent = 0, count;
        int error;

        if (PyErr_CheckSignals() || chunk_fill(&chunk, frames, total, iterator)) {
            chunk_release(&chunk);
            return -1;
        }
        count = chunk.count;
        error = count ? send(h, chunk.frames, count, deadline, &sent) : 0;
        chunk_release(&chunk);
        total += sent;
        if (PyErr_Occurred())
            return -1;
        if (error == 0 && count == CHUNK)
            continue;
        if (error && total == 0 && error != -EAGAIN && error != NM_CAPTURE_STOPPED) {
            raise(h, error);
            return -1;
        }
        return total;
    }
}

METHOD(nm_handle_inject_many)
{
    static const char *const names[] = {"frames", "timeout", NULL};
    struct handle *h = (struct handle *)self;
    struct nm_deadline deadline = {0};
    PyObject *values[2], *iterator = NULL;
    Py_ssize_t total;

    if (nm_handle_parse("inject_many", names, 1, values, args, n, keywords))
        return NULL;
    if (values[1] && nm_handle_timeout(h, values[1], &deadline.timeout_ns))
        return NULL;
    if (!PyList_CheckExact(values[0]) && !PyTuple_CheckExact(values[0])) {
        iterator = PyObject_GetIter(values[0]);
        if (!iterator)
            return NULL;
    }
    if (nm_handle_enter_aside(h)) {
        Py_XDECREF(iterator);
        return NULL;
    }
    total = send_many(h, values[0], iterator, &deadline);
    h->calls->leave(h->capture);
    Py_XDECREF(iterator);
    return total < 0 ? NULL : PyLong_FromSsize_t(total);
}
