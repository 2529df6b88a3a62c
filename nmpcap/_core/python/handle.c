/* Handle: construction, its settings, its methods and what help() says of them. nmpcap.Capture derives from it and
 * adds the rest of the interface. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

#include <stddef.h>
#include <structmember.h>

static const char handle_doc[] =
    "Handle(address, savefile)\n--\n\n"
    "The part of a Capture that touches packets, over the core's nm_capture at ``address`` (now its own).\n\n"
    "Calls back ``_feed()`` where a source wants more bytes, ``_ended()`` where it has come to its end, and\n"
    "``_error(errno, message)`` for the exception to raise.";

static void handle_dealloc(PyObject *self)
{
    struct handle *h = (struct handle *)self;
    PyTypeObject *type = Py_TYPE(self);

    if (h->capture)
        h->calls->free(h->capture);
    Py_XDECREF(h->empty);
    Py_XDECREF(h->form.billion);
    Py_XDECREF(h->form.record_type);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *handle_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    struct state *state = nm_deliver_state(type, handle_dealloc);
    struct handle *h = state ? (struct handle *)type->tp_alloc(type, 0) : NULL;

    if (!h)
        return NULL;
    h->calls = state->calls;
    h->packet_type = state->packet_type;
    h->header_type = state->header_type;
    h->slab_type = state->slab_type;
    h->recorder_type = state->recorder_type;
    h->form.count = 1; /* the first of the fields: a Packet */
    h->empty = Py_NewRef(Py_None);
    h->usage_error = state->usage_error;
    h->timeout_ns = -1;
    return (PyObject *)h;
}

static int handle_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"address", "savefile", NULL};
    struct handle *h = (struct handle *)self;
    PyObject *address;
    int savefile;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!p:Handle", names, &PyLong_Type, &address, &savefile))
        return -1;
    if (h->capture || !h->calls) {
        PyErr_SetString(PyExc_TypeError, "Handle: __init__ a second time, or before bind()");
        return -1;
    }
    h->capture = PyLong_AsVoidPtr(address);
    if (!h->capture) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "Handle: the address is NULL");
        return -1;
    }
    h->window = h->calls->window(h->capture);
    h->savefile = savefile;
    return 0;
}

/* Iterating over a closed handle is a mistake; a handle closed while being iterated ends the iteration. */
static PyObject *handle_iter(PyObject *self)
{
    struct handle *h = (struct handle *)self;

    if (nm_handle_enter(h))
        return NULL;
    h->calls->leave(h->capture);
    return Py_NewRef(self);
}

static PyObject *get_timeout(PyObject *self, void *Py_UNUSED(closure))
{
    struct handle *h = (struct handle *)self;

    int64_t timeout_ns = __atomic_load_n(&h->timeout_ns, __ATOMIC_RELAXED);

    if (timeout_ns < 0)
        Py_RETURN_NONE;
    return PyFloat_FromDouble(timeout_ns / 1e9);
}

static int set_timeout(PyObject *self, PyObject *value, void *Py_UNUSED(closure))
{
    struct handle *h = (struct handle *)self;
    int64_t timeout_ns;

    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "timeout cannot be deleted");
        return -1;
    }
    if (nm_handle_timeout(h, value, &timeout_ns))
        return -1;
    __atomic_store_n(&h->timeout_ns, timeout_ns, __ATOMIC_RELAXED);
    return 0;
}

static PyGetSetDef getset[] = {
    {"timeout", get_timeout, set_timeout,
     "Seconds that next, dispatch and next_batch wait at most unless told otherwise; None: for ever.", NULL},
    {0},
};

static PyMemberDef members[] = {
    {"_nonblock", T_BOOL, offsetof(struct handle, nonblock), 0, NULL},
    {"_origin", T_UINT, offsetof(struct handle, origin), 0, NULL},
    {"_status", T_INT, offsetof(struct handle, status), READONLY, NULL},
    {0},
};

static const char next_doc[] =
    "next($self, /, timeout=...)\n--\n\n"
    "The next Packet, or None when none came within ``timeout`` seconds.\n\n"
    "``timeout`` is a deadline, kept on an idle port, too: 0 does not wait, None waits for ever, and without\n"
    "it the handle's own ``timeout`` counts. None is also the answer at the end of a savefile and when\n"
    "breakloop() or close() ended the call.";

static const char dispatch_doc[] =
    "dispatch($self, /, cnt, callback, args=())\n--\n\n"
    "Wait for packets until the handle's ``timeout`` and calls ``callback(packet)`` for those that are there.\n\n"
    "args: what the callback gets behind the packet. At most ``cnt`` of them; 0 or less stands for all that came at once, and for the rest of a savefile.\n"
    "Returns how many the callback got: 0 at the deadline, at the end of a savefile, or when breakloop()\n"
    "came first. An exception of the callback ends the call and comes out; its packet counts as delivered,\n"
    "the next call goes on with the one after it.";

static const char loop_doc[] =
    "loop($self, /, cnt, callback, args=())\n--\n\n"
    "Call ``callback(packet)`` for ``cnt`` packets, or without end where ``cnt`` is 0 or less.\n\n"
    "Returns how many the callback got, which is ``cnt`` unless the savefile ended or breakloop() or close()\n"
    "came before. The handle's ``timeout`` does not end it. Exceptions as for dispatch.";

static const char next_batch_doc[] =
    "_next_batch($self, /, max, timeout=...)\n--\n\n"
    "Up to ``max`` packets as (count, columns, data), or None; next_batch makes a Batch of it.";

static const char next_records_doc[] =
    "_next_records($self, /, max, timeout=...)\n--\n\n"
    "Up to ``max`` packets as (data, records), or None; four uint32 a record: seconds, microseconds, offset, caplen.";

static const char deliver_as_doc[] =
    "_deliver_as($self, /, fields, empty=None, nano=False)\n--\n\n"
    "Give packets as a tuple of fields from now on, or as the one field alone, and to callbacks as so many arguments.\n\n"
    "fields, a tuple of up to three: ``packet``, a Packet; ``header``, a Pkthdr; ``data``, bytes; ``len``, on the\n"
    "wire; ``caplen``; ``time``, seconds as a float, ``sec + frac * 1e-9``; ``time_us``, the same of whole\n"
    "microseconds, ``sec + usec / 1e6``; ``decimal``, the same as a Decimal, to the nanosecond; ``ts_ns``, an int;\n"
    "``sec``, an int. A class of tuples is a field that is one of them: (seconds, microseconds, len, caplen), or\n"
    "nanoseconds with ``nano``. empty: what next returns where no packet comes. Not while the handle is being read.";

static const char fill_doc[] =
    "_fill($self, /, timeout=...)\n--\n\n"
    "How many packets wait in the window, after a wait for the first where there are none.";

static const char inject_doc[] =
    "inject($self, /, frame, timeout=0)\n--\n\n"
    "Send one frame, link-layer header and all, from any bytes-like object; returns its length.\n\n"
    "The frame is on its way when this returns: there is nothing to flush. Where there is no room, it waits\n"
    "up to ``timeout`` seconds (None: for ever) and then raises DeviceError (EAGAIN); a frame that never\n"
    "fits is DeviceError (EMSGSIZE).";

static const char inject_many_doc[] =
    "inject_many($self, /, frames, timeout=0)\n--\n\n"
    "Send frames, any iterable of bytes-like objects, in their order; returns how many have been accepted.\n\n"
    "Fewer than all: no room was left for the next one within ``timeout`` seconds, or it was refused;\n"
    "sending it again gives the reason. An error is raised only when nothing has been sent. Of an iterator\n"
    "that is no sequence, up to 255 frames may have been drawn beyond those that were sent.";

#define FUNCTION(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL | METH_KEYWORDS

static PyMethodDef methods[] = {
    {"next", FUNCTION(nm_handle_next), next_doc},
    {"dispatch", FUNCTION(nm_handle_dispatch), dispatch_doc},
    {"loop", FUNCTION(nm_handle_loop), loop_doc},
    {"_next_batch", FUNCTION(nm_handle_next_batch), next_batch_doc},
    {"_next_records", FUNCTION(nm_handle_next_records), next_records_doc},
    {"_deliver_as", FUNCTION(nm_handle_deliver_as), deliver_as_doc},
    {"_fill", FUNCTION(nm_handle_fill), fill_doc},
    {"inject", FUNCTION(nm_handle_inject), inject_doc},
    {"inject_many", FUNCTION(nm_handle_inject_many), inject_many_doc},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)handle_doc},
    {Py_tp_new, handle_new},
    {Py_tp_init, handle_init},
    {Py_tp_dealloc, handle_dealloc},
    {Py_tp_iter, handle_iter},
    {Py_tp_iternext, nm_handle_iternext},
    {Py_tp_getset, getset},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec nm_handle_spec = {
    .name = "nmpcap._core._deliver.Handle",
    .basicsize = sizeof(struct handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
