/* What a handle gives for a packet: made straight from where it lies, a field at a time. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

enum { PACKET, HEADER, DATA, LEN, CAPLEN, TIME, TIME_US, DECIMAL, TS_NS, SEC, RECORD };

static const char *const names[] = {
    [PACKET] = "packet",   [HEADER] = "header",   [DATA] = "data",   [LEN] = "len", [CAPLEN] = "caplen", [TIME] = "time",
    [TIME_US] = "time_us", [DECIMAL] = "decimal", [TS_NS] = "ts_ns", [SEC] = "sec",
};

static double time_of(int64_t ts_ns)
{
    const int64_t sec = nm_seconds(ts_ns);
    /* Rounded twice, as the libraries that this is compared with do: a compiler that adds and multiplies in one step
     * gives other last digits. */
    volatile double fraction = (double)(ts_ns - sec * NM_SECOND) * 1e-9;

    return (double)sec + fraction;
}

static double time_us_of(int64_t ts_ns)
{
    const int64_t sec = nm_seconds(ts_ns);

    return (double)sec + (double)((ts_ns - sec * NM_SECOND) / 1000) / 1e6;
}

/* sec + nsec / Decimal("1E9"): the digits that come of that, the trailing zeroes among them. */
static PyObject *decimal_of(struct handle *h, int64_t ts_ns)
{
    const int64_t seconds = nm_seconds(ts_ns);
    PyObject *sec = PyLong_FromLongLong(seconds), *nsec = PyLong_FromLongLong(ts_ns - seconds * NM_SECOND);
    PyObject *fraction = sec && nsec ? PyNumber_TrueDivide(nsec, h->form.billion) : NULL;
    PyObject *time = fraction ? PyNumber_Add(sec, fraction) : NULL;

    Py_XDECREF(sec);
    Py_XDECREF(nsec);
    Py_XDECREF(fraction);
    return time;
}

/* A tuple of the class that was given, as its own tuple.__new__ would make it. */
static PyObject *record_of(struct handle *h, const struct nm_view *view)
{
    const int64_t sec = nm_seconds(view->ts_ns);
    PyTypeObject *type = (PyTypeObject *)h->form.record_type;
    PyObject *record = type->tp_alloc(type, 4);
    PyObject *values[] = {
        PyLong_FromLongLong(sec),
        PyLong_FromLongLong((view->ts_ns - sec * NM_SECOND) / h->form.fraction_ns),
        PyLong_FromUnsignedLong(view->len),
        PyLong_FromUnsignedLong(view->caplen),
    };

    for (int i = 0; i < 4; i++) {
        if (!values[i])
            Py_CLEAR(record);
        if (record)
            PyTuple_SET_ITEM(record, i, values[i]);
        else
            Py_XDECREF(values[i]);
    }
    return record;
}

static inline PyObject *make(struct handle *h, uint8_t field, const struct nm_view *view)
{
    switch (field) {
    case PACKET:
        return nm_deliver_packet(h->packet_type, view, h->origin);
    case HEADER:
        return nm_deliver_header(h->header_type, view);
    case DATA:
        return PyBytes_FromStringAndSize((const char *)view->data, view->caplen);
    case LEN:
        return PyLong_FromUnsignedLong(view->len);
    case CAPLEN:
        return PyLong_FromUnsignedLong(view->caplen);
    case TIME:
        return PyFloat_FromDouble(time_of(view->ts_ns));
    case TIME_US:
        return PyFloat_FromDouble(time_us_of(view->ts_ns));
    case DECIMAL:
        return decimal_of(h, view->ts_ns);
    case TS_NS:
        return PyLong_FromLongLong(view->ts_ns);
    case RECORD:
        return record_of(h, view);
    default:
        return PyLong_FromLongLong(nm_seconds(view->ts_ns));
    }
}

int nm_form_fields(struct handle *h, const struct nm_view *view, PyObject **fields)
{
    for (int i = 0; i < h->form.count; i++) {
        fields[i] = make(h, h->form.fields[i], view);
        if (!fields[i]) {
            while (i--)
                Py_DECREF(fields[i]);
            return -1;
        }
    }
    return 0;
}

PyObject *nm_form_make(struct handle *h, const struct nm_view *view)
{
    PyObject *fields[NM_FORM_FIELDS], *tuple;

    if (h->form.count == 1)
        return make(h, h->form.fields[0], view);
    if (nm_form_fields(h, view, fields))
        return NULL;
    tuple = PyTuple_New(h->form.count);
    for (int i = 0; i < h->form.count; i++) {
        if (tuple)
            PyTuple_SET_ITEM(tuple, i, fields[i]);
        else
            Py_DECREF(fields[i]);
    }
    return tuple;
}

int nm_form_is_record(const struct handle *h)
{
    return h->form.count == 2 && h->form.fields[0] == HEADER && h->form.fields[1] == DATA;
}

/* ---- choosing one ------------------------------------------------------------------ */

static int field_of(struct handle *h, PyObject *name)
{
    const int known = sizeof(names) / sizeof(*names);

    if (PyType_Check(name) && PyType_IsSubtype((PyTypeObject *)name, &PyTuple_Type))
        return RECORD;
    for (int i = 0; i < known; i++)
        if (PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, names[i]) == 0)
            return i;
    PyErr_Format(h->usage_error, "_deliver_as: there is no field %R", name);
    return -1;
}

static PyObject *billion(void)
{
    PyObject *module = PyImport_ImportModule("decimal");
    PyObject *number = module ? PyObject_CallMethod(module, "Decimal", "s", "1E9") : NULL;

    Py_XDECREF(module);
    return number;
}

static void form_clear(struct form *form)
{
    Py_CLEAR(form->billion);
    Py_CLEAR(form->record_type);
}

/* Reads the names of fields: 0, or -1 with an exception set. */
static int form_init(struct form *form, struct handle *h, PyObject *fields, int nano)
{
    form->count = PyTuple_GET_SIZE(fields);
    form->billion = NULL;
    form->record_type = NULL;
    form->fraction_ns = nano ? 1 : 1000;
    for (int i = 0; i < form->count; i++) {
        int field = field_of(h, PyTuple_GET_ITEM(fields, i));

        if (field < 0)
            return -1;
        form->fields[i] = field;
        if (field == DECIMAL && !form->billion && !(form->billion = billion()))
            return -1;
        if (field == RECORD)
            Py_XSETREF(form->record_type, Py_NewRef(PyTuple_GET_ITEM(fields, i)));
    }
    return 0;
}

METHOD(nm_handle_deliver_as)
{
    static const char *const parameters[] = {"fields", "empty", "nano", NULL};
    struct handle *h = (struct handle *)self;
    struct form form;
    PyObject *values[3];
    int nano;

    if (nm_handle_parse("_deliver_as", parameters, 1, values, args, n, keywords))
        return NULL;
    if (!PyTuple_Check(values[0]) || PyTuple_GET_SIZE(values[0]) < 1 || PyTuple_GET_SIZE(values[0]) > NM_FORM_FIELDS)
        return PyErr_Format(h->usage_error, "_deliver_as: fields must be a tuple of 1 to %d", NM_FORM_FIELDS);
    nano = values[2] ? PyObject_IsTrue(values[2]) : 0;
    if (nano < 0)
        return NULL;
    if (form_init(&form, h, values[0], nano)) {
        form_clear(&form);
        return NULL;
    }
    form_clear(&h->form);
    h->form = form;
    Py_XSETREF(h->empty, Py_NewRef(values[1] ? values[1] : Py_None));
    Py_RETURN_NONE;
}
