/* Reading: from the window, refilled without the interpreter's lock, to Packets. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

#include <errno.h>

/* Beyond the core's own results: an exception is set. */
#define RAISED (-2000)

static int waiting(const struct nm_window *w)
{
    return w->taken < w->passed;
}

static int stopped(struct handle *h)
{
    int over;

    if (!__atomic_load_n(&h->window->stop, __ATOMIC_RELAXED))
        return 0;
    /* It may pass the handle on to a thread that needs the interpreter's lock to come out of it again. */
    Py_BEGIN_ALLOW_THREADS
    over = h->calls->stopped(h->capture);
    Py_END_ALLOW_THREADS
    if (!over)
        return 0;
    __atomic_store_n(&h->status, NM_CAPTURE_STOPPED, __ATOMIC_RELAXED);
    return 1;
}

static int call_back(struct handle *h, const char *method)
{
    PyObject *result = PyObject_CallMethod((PyObject *)h, method, NULL);

    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* nm_capture_refill until there is something to say: > 0, 0, NM_CAPTURE_END, NM_CAPTURE_STOPPED or RAISED. */
static int refill(struct handle *h, struct nm_deadline *deadline)
{
    for (;;) {
        int n;

        Py_BEGIN_ALLOW_THREADS
        n = h->calls->refill(h->capture, deadline);
        Py_END_ALLOW_THREADS
        __atomic_store_n(&h->status, n > 0 ? 0 : n, __ATOMIC_RELAXED);
        if (n >= 0 || n == NM_CAPTURE_STOPPED)
            return n;
        if (n == NM_CAPTURE_END)
            return call_back(h, "_ended") ? RAISED : n;
        if (n == -EINTR) {
            if (PyErr_CheckSignals())
                return RAISED;
        } else if (n == -EAGAIN) {
            if (call_back(h, "_feed"))
                return RAISED;
        } else {
            nm_handle_raise(h, n);
            return RAISED;
        }
    }
}

/* The oldest packet in the window, taken out of it. On failure it stays there. */
static inline PyObject *take(struct handle *h)
{
    struct nm_window *w = h->window;
    PyObject *packet = nm_deliver_packet(h->packet_type, w->next);

    if (packet) {
        w->next++;
        __atomic_store_n(&w->taken, w->taken + 1, __ATOMIC_RELEASE);
    }
    return packet;
}

static struct nm_deadline deadline_of(struct handle *h)
{
    int64_t timeout_ns = __atomic_load_n(&h->timeout_ns, __ATOMIC_RELAXED);

    return (struct nm_deadline){.timeout_ns = __atomic_load_n(&h->nonblock, __ATOMIC_RELAXED) ? 0 : timeout_ns};
}

/* A packet, waited for: NULL without an exception where none came. */
static PyObject *next_packet(struct handle *h, struct nm_deadline *deadline)
{
    if (stopped(h))
        return NULL;
    if (!waiting(h->window) && refill(h, deadline) <= 0)
        return NULL;
    return take(h);
}

METHOD(nm_handle_next)
{
    static const char *const names[] = {"timeout", NULL};
    struct handle *h = (struct handle *)self;
    struct nm_deadline deadline = deadline_of(h);
    PyObject *packet, *timeout = NULL;

    if ((n || keywords) && nm_handle_parse("next", names, 0, &timeout, args, n, keywords))
        return NULL;
    if (timeout && nm_handle_timeout(h, timeout, &deadline.timeout_ns))
        return NULL;
    if (nm_handle_enter(h))
        return NULL;
    packet = next_packet(h, &deadline);
    h->calls->leave(h->capture);
    if (!packet && !PyErr_Occurred())
        Py_RETURN_NONE;
    return packet;
}

PyObject *nm_handle_iternext(PyObject *self)
{
    struct handle *h = (struct handle *)self;
    struct nm_deadline deadline = {.timeout_ns = -1};
    PyObject *packet;
    int error = h->capture ? nm_handle_await(h) : -EBUSY;

    if (error > 0 || error == -EBADF) /* once it is closed, an iteration ends */
        return NULL;
    if (error && nm_handle_enter(h))
        return NULL;
    packet = next_packet(h, &deadline);
    h->calls->leave(h->capture);
    return packet;
}

/* Calls back for up to cnt packets (0 or less: no limit): how many, or -1 with an exception set. One buffer
 * only, where asked for: what a single wait brings. */
static Py_ssize_t run(struct handle *h, Py_ssize_t cnt, PyObject *callback, int one_buffer)
{
    struct nm_deadline deadline = {.timeout_ns = -1};
    Py_ssize_t done = 0;

    if (one_buffer)
        deadline = deadline_of(h);
    for (;;) {
        int n;

        while (waiting(h->window)) {
            PyObject *packet, *result;

            if (stopped(h))
                return done;
            packet = take(h);
            if (!packet)
                return -1;
            result = PyObject_CallOneArg(callback, packet);
            Py_DECREF(packet);
            if (!result)
                return -1;
            Py_DECREF(result);
            if (++done == cnt)
                return done;
        }
        if (one_buffer && done) {
            if (cnt <= 0 && !h->savefile)
                return done;
            deadline.timeout_ns = 0;
        }
        if (PyErr_CheckSignals())
            return -1;
        n = refill(h, &deadline);
        if (n <= 0)
            return n == RAISED ? -1 : done;
    }
}

static PyObject *run_method(struct handle *h, const char *function, int one_buffer, PyObject *const *args,
                            Py_ssize_t n, PyObject *keywords)
{
    static const char *const names[] = {"cnt", "callback", NULL};
    PyObject *values[2];
    Py_ssize_t cnt, done;

    if (nm_handle_parse(function, names, 2, values, args, n, keywords))
        return NULL;
    cnt = PyNumber_AsSsize_t(values[0], PyExc_OverflowError);
    if (cnt == -1 && PyErr_Occurred())
        return NULL;
    if (!PyCallable_Check(values[1])) {
        PyErr_Format(PyExc_TypeError, "%s(): callback must be callable, not %s", function,
                     Py_TYPE(values[1])->tp_name);
        return NULL;
    }
    if (nm_handle_enter(h))
        return NULL;
    done = run(h, cnt, values[1], one_buffer);
    h->calls->leave(h->capture);
    return done < 0 ? NULL : PyLong_FromSsize_t(done);
}

METHOD(nm_handle_dispatch)
{
    return run_method((struct handle *)self, "dispatch", 1, args, n, keywords);
}

METHOD(nm_handle_loop)
{
    return run_method((struct handle *)self, "loop", 0, args, n, keywords);
}

/* ---- many at a time ---------------------------------------------------------------- */

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

static PyObject *next_batch(struct handle *h, uint32_t max, struct nm_deadline *deadline)
{
    uint64_t n;

    h->calls->reserve(h->capture, max);
    if (stopped(h))
        return NULL;
    if (!waiting(h->window) && refill(h, deadline) <= 0)
        return NULL;
    n = h->window->passed - h->window->taken;
    return take_batch(h, n < max ? n : max);
}

METHOD(nm_handle_fill)
{
    static const char *const names[] = {"timeout", NULL};
    struct handle *h = (struct handle *)self;
    struct nm_deadline deadline = deadline_of(h);
    PyObject *timeout = NULL;
    uint64_t count = 0;
    int result = 1;

    if (nm_handle_parse("_fill", names, 0, &timeout, args, n, keywords))
        return NULL;
    if (timeout && nm_handle_timeout(h, timeout, &deadline.timeout_ns))
        return NULL;
    if (nm_handle_enter(h))
        return NULL;
    if (stopped(h))
        result = 0;
    else if (!waiting(h->window))
        result = refill(h, &deadline);
    if (result > 0)
        count = h->window->passed - h->window->taken;
    h->calls->leave(h->capture);
    return result == RAISED ? NULL : PyLong_FromUnsignedLongLong(count);
}

METHOD(nm_handle_next_batch)
{
    static const char *const names[] = {"max", "timeout", NULL};
    struct handle *h = (struct handle *)self;
    struct nm_deadline deadline = deadline_of(h);
    PyObject *values[2], *batch;
    Py_ssize_t max;

    if (nm_handle_parse("_next_batch", names, 1, values, args, n, keywords))
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
    batch = next_batch(h, max, &deadline);
    h->calls->leave(h->capture);
    if (!batch && !PyErr_Occurred())
        Py_RETURN_NONE;
    return batch;
}
