/* Recorder: the part of a savefile's writer that takes Packets, one by one and without a call of Python's. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

struct recorder {
    PyObject_HEAD
    const struct nm_deliver_calls *calls;
    PyTypeObject *packet_type; /* borrowed, as in struct handle */
    PyTypeObject *header_type;
    struct nm_writer *writer;  /* NULL: every packet goes to _write */
    uint16_t linktype;         /* of what comes without its own */
    int busy;                  /* a thread is in the writer */
};

static int enter(struct recorder *r)
{
    /* Acquire, and release in leave: a thread finds the writer as the one before it left it. */
    return !__atomic_exchange_n(&r->busy, 1, __ATOMIC_ACQUIRE);
}

static void leave(struct recorder *r)
{
    __atomic_store_n(&r->busy, 0, __ATOMIC_RELEASE);
}

/* Whether the packet was taken; if not, nothing has happened. */
static int append(struct recorder *r, const struct nm_view *view, uint32_t origin)
{
    int taken;

    if (!enter(r))
        return 0;
    taken = r->writer && r->calls->append(r->writer, view, origin) == 0;
    leave(r);
    return taken;
}

static int append_packet(struct recorder *r, PyObject *object)
{
    const struct packet *p = (const struct packet *)object;
    const struct nm_view view = {
        .data = p->data,
        .ts_ns = p->ts_ns,
        .caplen = Py_SIZE(object),
        .len = p->len,
        .ifindex = p->ifindex,
        .linktype = p->linktype,
        .flags = p->flags,
    };

    return append(r, &view, p->origin);
}

/* Has Python do what could not be done here. */
static PyObject *call_method(PyObject *self, const char *name, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    PyObject *method = PyObject_GetAttrString(self, name), *result;

    if (!method)
        return NULL;
    result = PyObject_Vectorcall(method, args, n, keywords);
    Py_DECREF(method);
    return result;
}

static PyObject *recorder_write(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *keywords)
{
    struct recorder *r = (struct recorder *)self;

    if (n == 1 && !keywords && Py_IS_TYPE(args[0], r->packet_type) && append_packet(r, args[0]))
        Py_RETURN_NONE;
    return call_method(self, "_write", args, n, keywords);
}

/* A Pkthdr and bytes, at least as many as it says; of the writer's own link type. */
static int append_record(struct recorder *r, PyObject *header, PyObject *data)
{
    const struct header *h = (const struct header *)header;
    const struct nm_view view = {
        .data = (const uint8_t *)PyBytes_AS_STRING(data),
        .ts_ns = h->ts_us * 1000,
        .caplen = h->caplen,
        .len = h->len,
        .linktype = r->linktype,
    };

    return h->caplen <= PyBytes_GET_SIZE(data) && append(r, &view, 0);
}

static PyObject *recorder_record(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    struct recorder *r = (struct recorder *)self;

    if (n == 2 && Py_IS_TYPE(args[0], r->header_type) && PyBytes_CheckExact(args[1]) &&
        append_record(r, args[0], args[1]))
        Py_RETURN_NONE;
    return call_method(self, "_unrecorded", args, n, NULL);
}

PyObject *nm_recorder_of(struct handle *h, PyObject *callback)
{
    PyObject *recorder;

    if (!PyCFunction_Check(callback) ||
        PyCFunction_GET_FUNCTION(callback) != (PyCFunction)(void (*)(void))recorder_record)
        return NULL;
    recorder = PyCFunction_GET_SELF(callback);
    return nm_form_is_record(h) ? recorder : NULL;
}

int nm_recorder_append(PyObject *recorder, const struct nm_view *view)
{
    struct recorder *r = (struct recorder *)recorder;

    return view->linktype == r->linktype && append(r, view, 0);
}

static PyObject *recorder_enter(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyBool_FromLong(enter((struct recorder *)self));
}

static PyObject *recorder_leave(PyObject *self, PyObject *Py_UNUSED(none))
{
    leave((struct recorder *)self);
    Py_RETURN_NONE;
}

static PyObject *recorder_lend(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    struct recorder *r = (struct recorder *)self;
    struct nm_writer *writer = n ? PyLong_AsVoidPtr(args[0]) : NULL;
    long linktype = n > 1 ? PyLong_AsLong(args[1]) : 0;

    if (PyErr_Occurred())
        return NULL;
    r->writer = writer;
    r->linktype = linktype;
    Py_RETURN_NONE;
}

static void recorder_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *recorder_new(PyTypeObject *type, PyObject *Py_UNUSED(args), PyObject *Py_UNUSED(kwargs))
{
    struct state *state = nm_deliver_state(type, recorder_dealloc);
    struct recorder *r = state ? (struct recorder *)type->tp_alloc(type, 0) : NULL;

    if (!r)
        return NULL;
    r->calls = state->calls;
    r->packet_type = state->packet_type;
    r->header_type = state->header_type;
    return (PyObject *)r;
}

static const char recorder_doc[] =
    "Recorder()\n--\n\n"
    "The part of a Writer that takes Packets. Calls back ``_write`` for what is more than putting one\n"
    "behind the others.";

static const char write_doc[] =
    "write($self, /, packet, *, ts_ns=None, len=None, comment=None)\n--\n\n"
    "Append one packet.\n\n"
    "packet: a Packet, anything else with ``ts_ns``, ``data`` and ``len``, or a buffer. ts_ns: where another\n"
    "time than the packet's is wanted; a buffer's is now. len: bytes the packet had on the wire, where the\n"
    "packet does not say. comment: pcapng only, as is that a packet may say its ``linktype``,\n"
    "``interface`` and whether it is ``outgoing``: each pair of the former is an interface of the file.\n\n"
    "Raises DeviceError (ENOSPC, EPIPE ...) where earlier packets could not be written out to\n"
    "make room for this one: it is then not taken, they are kept, and the call may be\n"
    "repeated. Raises PcapError for a time that the format cannot hold.";

static const char enter_doc[] =
    "_enter($self, /)\n--\n\nTake the writer for this call, unless another is in it: whether it did.";
static const char leave_doc[] = "_leave($self, /)\n--\n\nUndo _enter.";
static const char lend_doc[] =
    "_lend($self, address=0, linktype=0, /)\n--\n\n"
    "Has Packets appended to the nm_writer at ``address``; 0: to none any longer. For the thread that has entered.\n\n"
    "``linktype``: of packets that come as a Pkthdr and bytes.";
static const char record_doc[] =
    "_record($self, header, data, /)\n--\n\n"
    "Append a packet given as pcapy's two; ``_unrecorded`` is called back where there is more to it.";

static PyMethodDef methods[] = {
    {"write", (PyCFunction)(void (*)(void))recorder_write, METH_FASTCALL | METH_KEYWORDS, write_doc},
    {"_enter", recorder_enter, METH_NOARGS, enter_doc},
    {"_leave", recorder_leave, METH_NOARGS, leave_doc},
    {"_lend", (PyCFunction)(void (*)(void))recorder_lend, METH_FASTCALL, lend_doc},
    {"_record", (PyCFunction)(void (*)(void))recorder_record, METH_FASTCALL, record_doc},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)recorder_doc},
    {Py_tp_new, recorder_new},
    {Py_tp_dealloc, recorder_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec nm_recorder_spec = {
    .name = "nmpcap._core._deliver.Recorder",
    .basicsize = sizeof(struct recorder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
