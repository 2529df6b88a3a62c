/* Packet: one packet that owns its bytes, in one allocation. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

#include <stddef.h>
#include <string.h>
#include <structmember.h>

static const char packet_doc[] =
    "Packet(data, ts_ns=0, len=None, linktype=1, interface=0, outgoing=False, _origin=0)\n--\n\n"
    "One packet: its bytes and what was known of it when it was captured. Immutable.\n\n"
    "It stands for its captured bytes wherever a buffer is taken (``memoryview(p)``, ``bytes(p)``,\n"
    "``file.write(p)``, ``struct.unpack_from``); ``len(p)`` is ``caplen``; ``p[12]`` is a byte and ``p[12:14]``\n"
    "are bytes, without a copy of the rest. A packet of no bytes is true like any other. Two packets are\n"
    "equal when their bytes and all of their fields are, a packet and bytes when the captured bytes are those.\n"
    "``str(p)`` is a readable line.\n\n"
    "``len`` is what the packet had on the wire, by default as many bytes as ``data``; some files say less\n"
    "than they hold. ``linktype`` is a DLT_* number.";

static struct packet *alloc_packet(PyTypeObject *type, size_t caplen)
{
    struct packet *p = PyObject_Malloc(offsetof(struct packet, data) + caplen);

    if (!p)
        return (struct packet *)PyErr_NoMemory();
    PyObject_InitVar((PyVarObject *)p, type, caplen);
    return p;
}

PyObject *nm_deliver_packet(PyTypeObject *type, const struct nm_view *view, uint32_t origin)
{
    struct packet *p = alloc_packet(type, view->caplen);

    if (!p)
        return NULL;
    p->ts_ns = view->ts_ns;
    p->len = view->len;
    p->ifindex = view->ifindex;
    p->origin = origin;
    p->linktype = view->linktype;
    p->flags = view->flags & NM_VIEW_OUT;
    memcpy(p->data, view->data, view->caplen);
    return (PyObject *)p;
}

static PyObject *packet_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"data", "ts_ns", "len", "linktype", "interface", "outgoing", "_origin", NULL};
    long long ts_ns = 0, len = -1, ifindex = 0, linktype = 1;
    PyObject *len_arg = Py_None;
    int outgoing = 0;
    unsigned origin = 0;
    struct packet *p = NULL;
    Py_buffer data;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "y*|LOLLpI:Packet", names, &data, &ts_ns, &len_arg, &linktype,
                                     &ifindex, &outgoing, &origin))
        return NULL;
    if (len_arg != Py_None)
        len = PyLong_AsLongLong(len_arg);
    else
        len = data.len;
    if (len == -1 && PyErr_Occurred())
        goto out;
    if (data.len > UINT32_MAX || len < 0 || len > UINT32_MAX)
        PyErr_Format(PyExc_ValueError, "Packet: len %lld is not in 0 .. 4294967295", len);
    else if (linktype < 0 || linktype > UINT16_MAX)
        PyErr_Format(PyExc_ValueError, "Packet: linktype %lld is not in 0 .. 65535", linktype);
    else if (ifindex < 0 || ifindex > UINT32_MAX)
        PyErr_Format(PyExc_ValueError, "Packet: interface %lld is not in 0 .. 4294967295", ifindex);
    else
        p = alloc_packet(type, data.len);
    if (p) {
        p->ts_ns = ts_ns;
        p->len = len;
        p->ifindex = ifindex;
        p->origin = origin;
        p->linktype = linktype;
        p->flags = outgoing ? NM_VIEW_OUT : 0;
        memcpy(p->data, data.buf, data.len);
    }
out:
    PyBuffer_Release(&data);
    return (PyObject *)p;
}

static void packet_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_Free(self);
    Py_DECREF(type);
}

/* ---- as a value -------------------------------------------------------------------- */

static PyObject *packet_data(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBytes_FromStringAndSize((const char *)((struct packet *)self)->data, Py_SIZE(self));
}

static PyObject *packet_outgoing(PyObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(((struct packet *)self)->flags & NM_VIEW_OUT);
}

static PyObject *packet_repr(PyObject *self)
{
    struct packet *p = (struct packet *)self;

    return PyUnicode_FromFormat("<Packet ts_ns=%lld caplen=%zd len=%u linktype=%u interface=%u%s>",
                                (long long)p->ts_ns, Py_SIZE(self), p->len, p->linktype, p->ifindex,
                                p->flags & NM_VIEW_OUT ? " outgoing" : "");
}

/* What nmpcap/_core/told.py says of a packet. */
static PyObject *told(PyObject *self, const char *what)
{
    PyObject *module = PyImport_ImportModule("nmpcap._core.told");
    PyObject *answer = module ? PyObject_CallMethod(module, what, "O", self) : NULL;

    Py_XDECREF(module);
    return answer;
}

static PyObject *packet_str(PyObject *self)
{
    return told(self, "line");
}

static PyObject *packet_time(PyObject *self, void *Py_UNUSED(closure))
{
    return told(self, "time");
}

static PyObject *packet_dpkt(PyObject *self, PyObject *Py_UNUSED(none))
{
    return told(self, "dpkt");
}

static PyObject *packet_hex(PyObject *self, PyObject *args, PyObject *kwargs)
{
    PyObject *data = packet_data(self, NULL);
    PyObject *hex = data ? PyObject_GetAttrString(data, "hex") : NULL;
    PyObject *text = hex ? PyObject_Call(hex, args, kwargs) : NULL;

    Py_XDECREF(hex);
    Py_XDECREF(data);
    return text;
}

/* Whether the captured bytes are those of a buffer: 0 or 1, or -1 with an exception set. */
static int has_bytes(struct packet *p, PyObject *buffer)
{
    Py_buffer view;
    int equal;

    if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE))
        return -1;
    equal = view.len == Py_SIZE(p) && memcmp(view.buf, p->data, Py_SIZE(p)) == 0;
    PyBuffer_Release(&view);
    return equal;
}

static PyObject *packet_compare(PyObject *self, PyObject *other, int op)
{
    struct packet *a = (struct packet *)self, *b = (struct packet *)other;
    int equal;

    if (op != Py_EQ && op != Py_NE)
        Py_RETURN_NOTIMPLEMENTED;
    if (PyBytes_Check(other) || PyByteArray_Check(other)) {
        equal = has_bytes(a, other);
        return equal < 0 ? NULL : PyBool_FromLong(equal == (op == Py_EQ));
    }
    if (!Py_IS_TYPE(other, Py_TYPE(self)))
        Py_RETURN_NOTIMPLEMENTED;
    equal = Py_SIZE(self) == Py_SIZE(other) && a->ts_ns == b->ts_ns && a->len == b->len &&
            a->ifindex == b->ifindex && a->linktype == b->linktype && a->flags == b->flags &&
            memcmp(a->data, b->data, Py_SIZE(self)) == 0;
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static Py_hash_t packet_hash(PyObject *self)
{
    struct packet *p = (struct packet *)self;
    PyObject *key = PyBytes_FromStringAndSize((const char *)p->data, Py_SIZE(self)); /* equal bytes hash alike */
    Py_hash_t hash;

    if (!key)
        return -1;
    hash = PyObject_Hash(key);
    Py_DECREF(key);
    return hash;
}

static PyObject *packet_reduce(PyObject *self, PyObject *Py_UNUSED(none))
{
    struct packet *p = (struct packet *)self;

    return Py_BuildValue("O(y#LIHIN)", Py_TYPE(self), p->data, Py_SIZE(self), (long long)p->ts_ns, p->len,
                         p->linktype, p->ifindex, PyBool_FromLong(p->flags & NM_VIEW_OUT));
}

static PyObject *packet_same(PyObject *self, PyObject *Py_UNUSED(memo))
{
    return Py_NewRef(self);
}

/* ---- as a sequence of bytes -------------------------------------------------------- */

static Py_ssize_t packet_length(PyObject *self)
{
    return Py_SIZE(self);
}

static int packet_bool(PyObject *Py_UNUSED(self))
{
    return 1;
}

static PyObject *packet_item(PyObject *self, Py_ssize_t i)
{
    if (i < 0 || i >= Py_SIZE(self)) {
        PyErr_SetString(PyExc_IndexError, "Packet index out of range");
        return NULL;
    }
    return PyLong_FromLong(((struct packet *)self)->data[i]);
}

static PyObject *packet_subscript(PyObject *self, PyObject *key)
{
    const char *data = (const char *)((struct packet *)self)->data;
    Py_ssize_t start, stop, step, count;
    PyObject *bytes;

    if (PyIndex_Check(key)) {
        Py_ssize_t i = PyNumber_AsSsize_t(key, PyExc_IndexError);

        if (i == -1 && PyErr_Occurred())
            return NULL;
        return packet_item(self, i < 0 ? i + Py_SIZE(self) : i);
    }
    if (!PySlice_Check(key)) {
        PyErr_Format(PyExc_TypeError, "Packet indices must be integers or slices, not %s", Py_TYPE(key)->tp_name);
        return NULL;
    }
    if (PySlice_Unpack(key, &start, &stop, &step))
        return NULL;
    count = PySlice_AdjustIndices(Py_SIZE(self), &start, &stop, step);
    if (step == 1)
        return PyBytes_FromStringAndSize(data + start, count);
    bytes = PyBytes_FromStringAndSize(NULL, count);
    if (bytes) {
        char *to = PyBytes_AS_STRING(bytes);

        for (Py_ssize_t i = 0; i < count; i++, start += step)
            to[i] = data[start];
    }
    return bytes;
}

static int packet_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, self, ((struct packet *)self)->data, Py_SIZE(self), 1, flags);
}

/* ---- the type ---------------------------------------------------------------------- */

static PyMemberDef members[] = {
    {"ts_ns", T_LONGLONG, offsetof(struct packet, ts_ns), READONLY, "When: nanoseconds since the epoch, UTC."},
    {"caplen", T_PYSSIZET, offsetof(PyVarObject, ob_size), READONLY, "Bytes captured: those that are there."},
    {"len", T_UINT, offsetof(struct packet, len), READONLY, "Bytes the packet had on the wire."},
    {"linktype", T_USHORT, offsetof(struct packet, linktype), READONLY, "DLT_* number: what the bytes begin with."},
    {"_origin", T_UINT, offsetof(struct packet, origin), READONLY, NULL},
    {"interface", T_UINT, offsetof(struct packet, ifindex), READONLY,
     "Which interface of the source it came from: an index, 0 where there is one only."},
    {0},
};

static PyGetSetDef getset[] = {
    {"data", packet_data, NULL, "The captured bytes, as a new bytes object.", NULL},
    {"time", packet_time, NULL, "When: a datetime in UTC, cut to microseconds; ``ts_ns`` has the rest.", NULL},
    {"outgoing", packet_outgoing, NULL, "Whether it was being sent by the host or port observed.", NULL},
    {0},
};

static PyMethodDef methods[] = {
    {"hex", (PyCFunction)(void (*)(void))packet_hex, METH_VARARGS | METH_KEYWORDS,
     "The captured bytes in hexadecimal, as bytes.hex() writes them."},
    {"dpkt", packet_dpkt, METH_NOARGS,
     "dpkt($self, /)\n--\n\nReturn dpkt's object for the packet's link type, made of its captured bytes.\n\n"
     "PcapError for a link type that dpkt has no class for; dpkt's own errors for bytes that it cannot read."},
    {"__reduce__", packet_reduce, METH_NOARGS, NULL},
    {"__copy__", packet_same, METH_NOARGS, NULL},
    {"__deepcopy__", packet_same, METH_O, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)packet_doc},
    {Py_tp_new, packet_new},
    {Py_tp_dealloc, packet_dealloc},
    {Py_tp_repr, packet_repr},
    {Py_tp_str, packet_str},
    {Py_tp_richcompare, packet_compare},
    {Py_tp_hash, packet_hash},
    {Py_tp_members, members},
    {Py_tp_getset, getset},
    {Py_tp_methods, methods},
    {Py_nb_bool, packet_bool},
    {Py_sq_length, packet_length},
    {Py_sq_item, packet_item},
    {Py_mp_length, packet_length},
    {Py_mp_subscript, packet_subscript},
    {Py_bf_getbuffer, packet_getbuffer},
    {0, NULL},
};

PyType_Spec nm_deliver_packet_spec = {
    .name = "nmpcap.packet.Packet",
    .basicsize = offsetof(struct packet, data),
    .itemsize = 1,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
