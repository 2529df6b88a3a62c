/* Pkthdr: what pcapy tells of a packet beside its bytes, in microseconds. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

#define MICROSECONDS 1000000 /* in a second */

static const char header_doc[] =
    "Pkthdr(sec, usec, caplen, len)\n--\n\n"
    "When a packet was captured, how many of its bytes, and how many it had. Immutable.\n\n"
    "sec, usec: seconds since the epoch, and microseconds from 0 to 999999. caplen, len: bytes captured, and\n"
    "on the wire. Two headers are equal when all four are.";

PyObject *nm_deliver_header(PyTypeObject *type, const struct nm_view *view)
{
    struct header *header = PyObject_New(struct header, type);

    if (!header)
        return NULL;
    header->ts_us = view->ts_ns / 1000 - (view->ts_ns % 1000 < 0);
    header->caplen = view->caplen;
    header->len = view->len;
    return (PyObject *)header;
}

static PyObject *header_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"sec", "usec", "caplen", "len", NULL};
    long long sec, usec, caplen, len;
    struct header *header;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "LLLL:Pkthdr", names, &sec, &usec, &caplen, &len))
        return NULL;
    /* What fits nanoseconds in 64 bits, as everywhere. */
    if (sec < -9223372036 || sec > 9223372035)
        return PyErr_Format(PyExc_ValueError, "Pkthdr: sec %lld is not in -9223372036 .. 9223372035", sec);
    if (usec < 0 || usec >= MICROSECONDS)
        return PyErr_Format(PyExc_ValueError, "Pkthdr: usec %lld is not in 0 .. 999999", usec);
    if (caplen < 0 || caplen > UINT32_MAX || len < 0 || len > UINT32_MAX)
        return PyErr_Format(PyExc_ValueError, "Pkthdr: caplen %lld, len %lld: not in 0 .. 4294967295", caplen, len);
    header = PyObject_New(struct header, type);
    if (!header)
        return NULL;
    header->ts_us = sec * MICROSECONDS + usec;
    header->caplen = caplen;
    header->len = len;
    return (PyObject *)header;
}

static void header_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);

    PyObject_Free(self);
    Py_DECREF(type);
}

static void split(const struct header *header, int64_t *sec, int64_t *usec)
{
    *sec = header->ts_us / MICROSECONDS - (header->ts_us % MICROSECONDS < 0);
    *usec = header->ts_us - *sec * MICROSECONDS;
}

/* ---- as pcapy has it --------------------------------------------------------------- */

static PyObject *header_getts(PyObject *self, PyObject *Py_UNUSED(none))
{
    PyObject *ts = PyTuple_New(2), *items[2];
    int64_t sec, usec;

    split((struct header *)self, &sec, &usec);
    items[0] = PyLong_FromLongLong(sec);
    items[1] = PyLong_FromLong(usec);
    if (!ts || !items[0] || !items[1]) {
        Py_XDECREF(ts);
        Py_XDECREF(items[0]);
        Py_XDECREF(items[1]);
        return NULL;
    }
    PyTuple_SET_ITEM(ts, 0, items[0]);
    PyTuple_SET_ITEM(ts, 1, items[1]);
    return ts;
}

static PyObject *header_getcaplen(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyLong_FromUnsignedLong(((struct header *)self)->caplen);
}

static PyObject *header_getlen(PyObject *self, PyObject *Py_UNUSED(none))
{
    return PyLong_FromUnsignedLong(((struct header *)self)->len);
}

/* ---- as a value -------------------------------------------------------------------- */

static PyObject *fields(PyObject *self)
{
    const struct header *header = (struct header *)self;
    int64_t sec, usec;

    split(header, &sec, &usec);
    return Py_BuildValue("(LLII)", (long long)sec, (long long)usec, header->caplen, header->len);
}

static PyObject *header_compare(PyObject *self, PyObject *other, int op)
{
    const struct header *a = (struct header *)self, *b = (struct header *)other;
    int equal;

    if (!Py_IS_TYPE(other, Py_TYPE(self)) || (op != Py_EQ && op != Py_NE))
        Py_RETURN_NOTIMPLEMENTED;
    equal = a->ts_us == b->ts_us && a->caplen == b->caplen && a->len == b->len;
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static Py_hash_t header_hash(PyObject *self)
{
    PyObject *key = fields(self);
    Py_hash_t hash;

    if (!key)
        return -1;
    hash = PyObject_Hash(key);
    Py_DECREF(key);
    return hash;
}

static PyObject *header_repr(PyObject *self)
{
    const struct header *header = (struct header *)self;
    int64_t sec, usec;

    split(header, &sec, &usec);
    return PyUnicode_FromFormat("<Pkthdr sec=%lld usec=%lld caplen=%u len=%u>", (long long)sec, (long long)usec,
                                header->caplen, header->len);
}

static PyObject *header_reduce(PyObject *self, PyObject *Py_UNUSED(none))
{
    return Py_BuildValue("ON", Py_TYPE(self), fields(self));
}

/* ---- the type ---------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"getts", header_getts, METH_NOARGS,
     "getts($self, /)\n--\n\nReturn when: (seconds since the epoch, microseconds)."},
    {"getcaplen", header_getcaplen, METH_NOARGS, "getcaplen($self, /)\n--\n\nReturn the bytes captured."},
    {"getlen", header_getlen, METH_NOARGS, "getlen($self, /)\n--\n\nReturn the bytes the packet had on the wire."},
    {"__reduce__", header_reduce, METH_NOARGS, NULL},
    {0},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)header_doc},
    {Py_tp_new, header_new},
    {Py_tp_dealloc, header_dealloc},
    {Py_tp_repr, header_repr},
    {Py_tp_richcompare, header_compare},
    {Py_tp_hash, header_hash},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec nm_deliver_header_spec = {
    .name = "nmpcap.packet.Pkthdr",
    .basicsize = sizeof(struct header),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
