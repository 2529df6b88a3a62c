/*
 * deliver: the C core's packets as Python objects, for CPython.
 *
 * This module is a shared object of its own and is not linked with the core: it gets the
 * core's functions in a table, handed over at import, so that one copy of the core is loaded.
 *
 *     module.c     the module, the table
 *     state.c      its state
 *     packet.c     Packet
 *     header.c     Pkthdr: what pcapy tells of a packet
 *     form.c       what a handle gives for a packet: a Packet, or a tuple of fields
 *     slab.c       what the bytes of a batch lie in
 *     record.c     Recorder: packets into savefiles
 *     handle.c     Handle: construction, settings, methods
 *     read.c       next, dispatch, loop, iteration
 *     batch.c      many at a time
 *     send.c       inject, inject_many
 *     enter.c      what both share: turns, errors
 *     arguments.c  what both are given
 *
 * _plain.py is the same in Python over cffi: a change to one is a change to both.
 */
#ifndef NMPCAP_DELIVER_H
#define NMPCAP_DELIVER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#include "python/calls.h"

struct state {
    const struct nm_deliver_calls *calls; /* NULL until bind() */
    PyTypeObject *packet_type;
    PyTypeObject *header_type;
    PyTypeObject *slab_type;
    PyTypeObject *recorder_type;
    PyTypeObject *handle_type;
    PyObject *usage_error; /* nmpcap.errors.UsageError */
};

struct packet {
    PyObject_VAR_HEAD /* ob_size is caplen */
    int64_t ts_ns;
    uint32_t len;
    uint32_t ifindex;
    uint32_t origin; /* of the handle; 0: made by a program */
    uint16_t linktype;
    uint16_t flags;
    uint8_t data[];
};

struct header {
    PyObject_HEAD
    int64_t ts_us;
    uint32_t caplen;
    uint32_t len;
};

#define NM_FORM_FIELDS 3

/* What a handle gives for a packet: the fields in their order, in a tuple where they are several. */
struct form {
    int count;
    uint8_t fields[NM_FORM_FIELDS]; /* an index into the names in form.c */
    PyObject *billion;              /* Decimal("1E9"), where a field is a Decimal */
    PyObject *record_type;          /* a class of tuples, where a field is (sec, fraction, len, caplen) */
    int64_t fraction_ns;            /* what that fraction counts: nanoseconds of one */
};

/* Settings and status are read and written without entering the handle, by any thread: relaxed atomics,
 * for interpreters that have no lock of their own. All else is for the thread that has entered it. */
struct handle {
    PyObject_HEAD
    const struct nm_deliver_calls *calls;
    struct nm_capture *capture; /* NULL before __init__ */
    struct nm_window *window;
    PyTypeObject *packet_type;  /* borrowed: the module has them, and the type of this keeps the module */
    PyTypeObject *header_type;
    PyTypeObject *slab_type;
    PyTypeObject *recorder_type;
    PyObject *usage_error;
    struct form form;
    PyObject *empty;            /* what next returns where there is no packet */
    int64_t timeout_ns;         /* -1: for ever */
    uint32_t origin;            /* what its packets carry, see nmpcap/savefile/origins.py */
    int status;                 /* why the last call brought no packet: 0, NM_CAPTURE_END or _STOPPED */
    char nonblock;
    char savefile;              /* one buffer is the whole file */
};

extern PyType_Spec nm_deliver_packet_spec;
extern PyType_Spec nm_deliver_header_spec;
extern PyType_Spec nm_deliver_slab_spec;
extern PyType_Spec nm_recorder_spec;
extern PyType_Spec nm_handle_spec;

/* state.c */

/* The state of the module of a type, which is the one that has this dealloc or derives from it; NULL with an
 * exception set. */
struct state *nm_deliver_state(PyTypeObject *type, destructor dealloc);

/* packet.c */

/* A Packet with a copy of the view's bytes. */
PyObject *nm_deliver_packet(PyTypeObject *type, const struct nm_view *view, uint32_t origin);

/* header.c */

/* A Pkthdr of the view. */
PyObject *nm_deliver_header(PyTypeObject *type, const struct nm_view *view);

#define NM_SECOND 1000000000

/* The whole seconds of a time, which is not earlier. */
static inline int64_t nm_seconds(int64_t ts_ns)
{
    return ts_ns / NM_SECOND - (ts_ns % NM_SECOND < 0);
}

/* form.c */

/* The packet of a view as the handle gives it. */
PyObject *nm_form_make(struct handle *h, const struct nm_view *view);

/* The fields of the handle's form, new references: 0, or -1 with an exception set. */
int nm_form_fields(struct handle *h, const struct nm_view *view, PyObject **fields);

/* Whether the form is a Pkthdr and bytes. */
int nm_form_is_record(const struct handle *h);

/* slab.c */

/* A buffer of bytes that lie in memory, which is its own from here on (also when this fails). */
PyObject *nm_deliver_slab(struct handle *h, struct nm_slab *memory, const uint8_t *bytes, Py_ssize_t size);

/* enter.c */

/* Enters the handle: 0, or -1 with an exception set; left with h->calls->leave. */
int nm_handle_enter(struct handle *h);

/* The same without an exception: 0, what nm_capture_enter says, or 1 where a signal's handler has raised one. */
int nm_handle_await(struct handle *h);

/* The same to send: waits until a thread that reads passes the handle on. */
int nm_handle_enter_aside(struct handle *h);

/* Tenths of a second that a thread waits for its turn, while another is in a callback that does not return. */
#define NM_PATIENCE_SLICES 50

/* Raises what the negative errno of a call of the core stands for; the handle has been entered. */
void nm_handle_raise(struct handle *h, int error);

/* record.c */

/* The Recorder that a callback is the _record of, where the handle's form is what that takes; NULL: it is another. */
PyObject *nm_recorder_of(struct handle *h, PyObject *callback);

/* Whether the packet was appended to what the Recorder writes; if not, nothing has happened. */
int nm_recorder_append(PyObject *recorder, const struct nm_view *view);

/* arguments.c */

/* A timeout in seconds, None being for ever, as nanoseconds: 0, or -1 with an exception set. */
int nm_handle_timeout(struct handle *h, PyObject *seconds, int64_t *timeout_ns);

/* Parses positional or keyword arguments into values (borrowed; NULL where not given); the first `required`
 * must be there. 0, or -1 with an exception set. */
int nm_handle_parse(const char *function, const char *const *names, int required, PyObject **values,
                    PyObject *const *args, Py_ssize_t n, PyObject *keywords);

/* The methods, and what help() says of them. */
#define METHOD(name) PyObject *name(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *keywords)

/* form.c */
METHOD(nm_handle_deliver_as);

/* read.c */

/* Until when a call that is not told otherwise waits. */
struct nm_deadline nm_handle_deadline(struct handle *h);

/* Waits for packets in the window: > 0, or no more than 0 where there are none, an exception set or not. */
int nm_handle_ready(struct handle *h, struct nm_deadline *deadline);

/* Takes the n oldest packets out of the window. */
static inline void nm_handle_taken(struct handle *h, uint32_t n)
{
    struct nm_window *w = h->window;

    w->next += n;
    __atomic_store_n(&w->taken, w->taken + n, __ATOMIC_RELEASE);
}

METHOD(nm_handle_next);
METHOD(nm_handle_dispatch);
METHOD(nm_handle_loop);
PyObject *nm_handle_iternext(PyObject *self);

/* batch.c */
METHOD(nm_handle_next_batch);
METHOD(nm_handle_next_records);
METHOD(nm_handle_fill);

/* send.c */
METHOD(nm_handle_inject);
METHOD(nm_handle_inject_many);

#endif
