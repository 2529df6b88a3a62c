/* Many at a time: batches in columns, and the records that pcapy's next_batch gives. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

#include <string.h>

/* Memory for the bytes of the n oldest packets: their own, where they can stay in it, or new, of which *copy
 * is then the address. */
static PyObject *batch_data(struct handle *h, uint32_t n, void **copy)
{
    const uint8_t *first = h->window->next->data;
    uint64_t size;
    struct nm_slab *slab = h->calls->share(h->capture, n, &size);
    PyObject *bytes;

    *copy = NULL;
    if (slab)
        return nm_deliver_slab(h, slab, first, size);
    bytes = PyBytes_FromStringAndSize(NULL, h->calls->measure(h->capture, n));
    if (bytes)
        *copy = PyBytes_AS_STRING(bytes);
    return bytes;
}

/* (count, columns, data) of the n oldest packets, taken out of the window. On failure they stay there. */
static PyObject *take_batch(struct handle *h, uint32_t n)
{
    void *copy;
    PyObject *data = batch_data(h, n, &copy);
    PyObject *columns = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n * NM_COLUMNS_SIZE);
    PyObject *count = PyLong_FromLong(n), *batch = PyTuple_New(3);

    if (!data || !columns || !count || !batch) {
        Py_XDECREF(data);
        Py_XDECREF(columns);
        Py_XDECREF(count);
        Py_XDECREF(batch);
        return NULL;
    }
    PyTuple_SET_ITEM(batch, 0, count);
    PyTuple_SET_ITEM(batch, 1, columns);
    PyTuple_SET_ITEM(batch, 2, data);
    Py_BEGIN_ALLOW_THREADS
    h->calls->take(h->capture, n, copy, PyBytes_AS_STRING(columns));
    Py_END_ALLOW_THREADS
    return batch;
}

/* (data, records) of the n oldest packets, taken out of the window; a record is four uint32_t: seconds,
 * microseconds, offset into data, caplen. On failure they stay there. */
static PyObject *take_records(struct handle *h, uint32_t n)
{
    PyObject *data = PyBytes_FromStringAndSize(NULL, h->calls->measure(h->capture, n));
    PyObject *records = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)n * 4 * sizeof(uint32_t));
    const struct nm_view *view = h->window->next;
    PyObject *both = data && records ? PyTuple_Pack(2, data, records) : NULL;
    uint32_t offset = 0;

    for (uint32_t i = 0; both && i < n; i++) {
        const int64_t seconds = nm_seconds(view[i].ts_ns);
        const uint32_t record[4] = {
            seconds,
            (view[i].ts_ns - seconds * NM_SECOND) / 1000,
            offset,
            view[i].caplen,
        };

        memcpy(PyBytes_AS_STRING(records) + i * sizeof(record), record, sizeof(record));
        memcpy(PyBytes_AS_STRING(data) + offset, view[i].data, view[i].caplen);
        offset += view[i].caplen;
    }
    Py_XDECREF(data);
    Py_XDECREF(records);
    if (both)
        nm_handle_taken(h, n);
    return both;
}

/* Takes the n oldest packets out of the window and returns what they are handed out as. */
typedef PyObject *take_fn(struct handle *h, uint32_t n);

/* What `take` makes of up to max packets, waited for: NULL without an exception where none came. */
static PyObject *next_many(struct handle *h, uint32_t max, struct nm_deadline *deadline, take_fn *take)
{
    uint64_t n;

    h->calls->reserve(h->capture, max);
    if (nm_handle_ready(h, deadline) <= 0)
        return NULL;
    n = h->window->passed - h->window->taken;
    return take(h, n < max ? n : max);
}

METHOD(nm_handle_fill)
{
    static const char *const names[] = {"timeout", NULL};
    struct handle *h = (struct handle *)self;
    struct nm_deadline deadline = nm_handle_deadline(h);
    PyObject *timeout = NULL;
    uint64_t count = 0;
    int result;

    if (nm_handle_parse("_fill", names, 0, &timeout, args, n, keywords))
        return NULL;
    if (timeout && nm_handle_timeout(h, timeout, &deadline.timeout_ns))
        return NULL;
    if (nm_handle_enter(h))
        return NULL;
    result = nm_handle_ready(h, &deadline);
    if (result > 0)
        count = h->window->passed - h->window->taken;
    h->calls->leave(h->capture);
    return result < 0 && PyErr_Occurred() ? NULL : PyLong_FromUnsignedLongLong(count);
}

static PyObject *next_many_method(struct handle *h, const char *function, take_fn *take, PyObject *const *args,
                                  Py_ssize_t n, PyObject *keywords)
{
    static const char *const names[] = {"max", "timeout", NULL};
    struct nm_deadline deadline = nm_handle_deadline(h);
    PyObject *values[2], *batch;
    Py_ssize_t max;

    if (nm_handle_parse(function, names, 1, values, args, n, keywords))
        return NULL;
    max = PyNumber_AsSsize_t(values[0], PyExc_OverflowError);
    if (max == -1 && PyErr_Occurred())
        return NULL;
    if (max < 1 || max > 1 << 20) {
        PyErr_Format(h->usage_error, "max %zd: a batch has 1 .. 1048576 packets", max);
        return NULL;
    }
    if (values[1] && nm_handle_timeout(h, values[1], &deadline.timeout_ns))
        return NULL;
    if (nm_handle_enter(h))
        return NULL;
    batch = next_many(h, max, &deadline, take);
    h->calls->leave(h->capture);
    if (!batch && !PyErr_Occurred())
        Py_RETURN_NONE;
    return batch;
}

METHOD(nm_handle_next_batch)
{
    return next_many_method((struct handle *)self, "_next_batch", take_batch, args, n, keywords);
}

METHOD(nm_handle_next_records)
{
    return next_many_method((struct handle *)self, "_next_records", take_records, args, n, keywords);
}
