/* Entering a handle, in turn with other threads and with signals looked at, and raising what a call of the core failed with. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

#include <errno.h>

static void raise_errno(struct handle *h, int error, PyObject *message)
{
    PyObject *exception = NULL;

    if (message)
        exception = PyObject_CallMethod((PyObject *)h, "_error", "iO", error, message);
    Py_XDECREF(message);
    if (!exception)
        return;
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_DECREF(exception);
}

void nm_handle_raise(struct handle *h, int error)
{
    raise_errno(h, -error, PyUnicode_DecodeFSDefault(h->calls->msg(h->capture)));
}

int nm_handle_await(struct handle *h)
{
    int error = h->calls->enter(h->capture);

    while (error == -EINTR) {
        if (PyErr_CheckSignals())
            return 1;
        Py_BEGIN_ALLOW_THREADS
        error = h->calls->await(h->capture);
        Py_END_ALLOW_THREADS
    }
    return error;
}

int nm_handle_enter(struct handle *h)
{
    int error;

    if (!h->capture) {
        PyErr_SetString(PyExc_TypeError, "a Capture comes from nmpcap.open() and its kin");
        return -1;
    }
    error = nm_handle_await(h);
    if (error > 0)
        return -1;
    if (error == 0)
        return 0;
    raise_errno(h, -error, PyUnicode_FromString(""));
    return -1;
}

int nm_handle_enter_aside(struct handle *h)
{
    int error, slices = 0;

    if (!h->capture) {
        PyErr_SetString(PyExc_TypeError, "a Capture comes from nmpcap.open() and its kin");
        return -1;
    }
    error = h->calls->enter_aside(h->capture, 0);
    while (error == -EINTR && slices++ < NM_PATIENCE_SLICES) {
        if (PyErr_CheckSignals())
            return -1;
        Py_BEGIN_ALLOW_THREADS
        error = h->calls->enter_aside(h->capture, 1);
        Py_END_ALLOW_THREADS
    }
    if (error == 0)
        return 0;
    raise_errno(h, error == -EINTR ? EBUSY : -error, PyUnicode_FromString(""));
    return -1;
}
