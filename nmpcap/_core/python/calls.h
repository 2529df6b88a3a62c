/* The core's functions as the extension modules reach them, so that one copy of the core is loaded;
 * capture.h says what each does. */
#ifndef NMPCAP_PYTHON_CALLS_H
#define NMPCAP_PYTHON_CALLS_H

#include "source.h"
#include "capture/capture.h"
#include "savefile/savefile.h"

struct nm_deliver_calls {
    size_t size; /* of this table: both sides must have been built from the same header */
    void (*free)(struct nm_capture *);
    int (*enter)(struct nm_capture *);
    int (*await)(struct nm_capture *);
    int (*enter_aside)(struct nm_capture *, int patient);
    void (*leave)(struct nm_capture *);
    int (*is_closed)(struct nm_capture *);
    struct nm_window *(*window)(struct nm_capture *);
    int (*refill)(struct nm_capture *, struct nm_deadline *);
    int (*stopped)(struct nm_capture *);
    uint64_t (*measure)(struct nm_capture *, uint32_t n);
    struct nm_slab *(*share)(struct nm_capture *, uint32_t n, uint64_t *size);
    void (*take)(struct nm_capture *, uint32_t n, void *data, void *columns);
    void (*release)(struct nm_slab *);
    void (*reserve)(struct nm_capture *, uint32_t capacity);
    int (*inject)(struct nm_capture *, const struct nm_frame *, uint32_t n, struct nm_deadline *, uint32_t *sent);
    int (*append)(struct nm_writer *, const struct nm_view *, uint32_t);
    const char *(*name)(struct nm_capture *);
    const char *(*msg)(struct nm_capture *);
};

/* nm_deliver_calls - the table, a struct nm_deliver_calls. */
const void *nm_deliver_calls(void);

#endif
