/* Reading: from the window, refilled without the interpreter's lock, to what the handle's form says. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "python/deliver.h"

#include <errno.h>

/* Beyond the core's own results: an exception is set. */
#define RAISED (-2000)

static inline int waiting(const struct nm_window *w)
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

int nm_handle_ready(struct handle *h, struct nm_deadline *deadline)
{
    if (stopped(h))
        return 0;
    return waiting(h->window) ? 1 : refill(h, deadline);
}

/* The oldest packet in the window, taken out of it. On failure it stays there. */
static inline PyObject *take(struct handle *h)
{
    PyObject *packet = nm_form_make(h, h->window->next);

    if (packet)
        nm_handle_taken(h, 1);
    return packet;
}

struct nm_deadline nm_handle_deadline(struct handle *h)
{
    int64_t timeout_ns = __atomic_load_n(&h->timeout_ns, __ATOMIC_RELAXED);

    return (struct nm_deadline){.timeout_ns = __atomic_load_n(&h->nonblock, __ATOMIC_RELAXED) ? 0 : timeout_ns};
}

/* A packet, waited for: NULL without an exception where none came. */
static PyObject *next_packet(struct handle *h, struct nm_deadline *deadline)
{
    return nm_handle_ready(h, deadline) > 0 ? take(h) : NULL;
}

METHOD(nm_handle_next)
{
    static const char *const names[] = {"timeout", NULL};
    struct handle *h = (struct handle *)self;
    struct nm_deadline deadline = nm_handle_deadline(h);
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
        return Py_NewRef(h->empty);
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

/* A callback and its arguments: those that are made of a packet, and behind them the program's own. */
struct callback {
    PyObject *function;
    PyObject *recorder;   /* borrowed: the function is its _record, so that nothing has to be made; or NULL */
    PyObject **arguments; /* the first is left to what vectorcall may put there */
    Py_ssize_t count;
};

static int callback_init(struct callback *callback, struct handle *h, PyObject *function, PyObject *extra)
{
    Py_ssize_t n = extra ? PyTuple_GET_SIZE(extra) : 0;

    callback->function = function;
    callback->recorder = n ? NULL : nm_recorder_of(h, function);
    callback->count = h->form.count + n;
    callback->arguments = PyMem_New(PyObject *, callback->count + 1);
    if (!callback->arguments) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < n; i++)
        callback->arguments[1 + h->form.count + i] = PyTuple_GET_ITEM(extra, i);
    return 0;
}

/* Calls back for the oldest packet, taken out of the window: 0, or -1 with an exception set. */
static inline int call(struct callback *callback, struct handle *h)
{
    PyObject **fields = callback->arguments + 1, *result;

    if (callback->recorder && nm_recorder_append(callback->recorder, h->window->next)) {
        nm_handle_taken(h, 1);
        return 0;
    }
    if (nm_form_fields(h, h->window->next, fields))
        return -1;
    nm_handle_taken(h, 1);
    result = PyObject_Vectorcall(callback->function, fields, callback->count | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                 NULL);
    for (int i = 0; i < h->form.count; i++)
        Py_DECREF(fields[i]);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

/* Calls back for up to cnt packets (0 or less: no limit): how many, or -1 with an exception set. One buffer
 * only, where asked for: what a single wait brings. */
static Py_ssize_t run(struct handle *h, Py_ssize_t cnt, struct callback *callback, int one_buffer)
{
    struct nm_deadline deadline = {.timeout_ns = -1};
    Py_ssize_t done = 0;

    if (one_buffer)
        deadline = nm_handle_deadline(h);
    for (;;) {
        int n;

        while (waiting(h->window)) {
            if (stopped(h))
                return done;
            if (call(callback, h))
                return -1;
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
    static const char *const names[] = {"cnt", "callback", "args", NULL};
    struct callback callback;
    PyObject *values[3];
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
    if (values[2] && !PyTuple_Check(values[2])) {
        PyErr_Format(PyExc_TypeError, "%s(): args must be a tuple, not %s", function, Py_TYPE(values[2])->tp_name);
        return NULL;
    }
    if (nm_handle_enter(h))
        return NULL;
    done = callback_init(&callback, h, values[1], values[2]) ? -1 : run(h, cnt, &callback, one_buffer);
    h->calls->leave(h->capture);
    PyMem_Free(callback.arguments);
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
