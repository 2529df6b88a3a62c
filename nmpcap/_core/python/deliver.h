/*
 * deliver: the C core's packets as Python objects, for CPython.
 *
 * This module is a shared object of its own and is not linked with the core: it gets the
 * core's functions in a table, handed over at import, so that one copy of the core is loaded.
 *
 *     module.c     the module, the table
 *     state.c      its state
 *     packet.c     Packet
 *     slab.c       what the bytes of a batch lie in
 *     record.c     Recorder: packets into savefiles
 *     handle.c     Handle: construction, settings, methods
 *     read.c       next, dispatch, loop, iteration, batches
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
    uint16_t linktype;
    uint16_t flags;
    uint8_t data[];
};

/* Settings and status are read and written without entering the handle, by any thread: relaxed atomics,
 * for interpreters that have no lock of their own. All else is for the thread that has entered it. */
struct handle {
    PyObject_HEAD
    const struct nm_deliver_calls *calls;
    struct nm_capture *capture; /* NULL before __init__ */
    struct nm_window *window;
    PyTypeObject *packet_type;  /* borrowed: the module has them, and the type of this keeps the module */
    PyTypeObject *slab_type;
    PyObject *usage_error;
    int64_t timeout_ns;         /* -1: for ever */
    int status;                 /* why the last call brought no packet: 0, NM_CAPTURE_END or _STOPPED */
    char nonblock;
    char savefile;              /* one buffer is the whole file */
};

extern PyType_Spec nm_deliver_packet_spec;
extern PyType_Spec nm_deliver_slab_spec;
extern PyType_Spec nm_recorder_spec;
extern PyType_Spec nm_handle_spec;

/* state.c */

/* The state of the module of a type, which is the one that has this dealloc or derives from it; NULL with an
 * exception set. */
struct state *nm_deliver_state(PyTypeObject *type, destructor dealloc);

/* packet.c */

/* A Packet with a copy of the view's bytes. */
PyObject *nm_deliver_packet(PyTypeObject *type, const struct nm_view *view);

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

/* arguments.c */

/* A timeout in seconds, None being for ever, as nanoseconds: 0, or -1 with an exception set. */
int nm_handle_timeout(struct handle *h, PyObject *seconds, int64_t *timeout_ns);

/* Parses positional or keyword arguments into values (borrowed; NULL where not given); the first `required`
 * must be there. 0, or -1 with an exception set. */
int nm_handle_parse(const char *function, const char *const *names, int required, PyObject **values,
                    PyObject *const *args, Py_ssize_t n, PyObject *keywords);

/* The methods, and what help() says of them. */
#define METHOD(name) PyObject *name(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *keywords)

/* read.c */
METHOD(nm_handle_next);
METHOD(nm_handle_dispatch);
METHOD(nm_handle_loop);
METHOD(nm_handle_next_batch);
METHOD(nm_handle_fill);
PyObject *nm_handle_iternext(PyObject *self);

/* send.c */
METHOD(nm_handle_inject);
METHOD(nm_handle_inject_many);

#endif
