/* outlet: where a generator's frames go. One of two: the tx rings of a netmap port, or a handle. */
#ifndef NMPCAP_TRAFFIC_OUTLET_H
#define NMPCAP_TRAFFIC_OUTLET_H

#include <stdint.h>

struct nm_capture;
struct nm_desc;
struct nm_outlet;
struct nm_stream;

/* What one burst came to. */
struct nm_burst {
    uint32_t sent;
    uint64_t bytes;
    uint32_t filled; /* buffers that got the whole frame */
};

struct nm_outlet_ops {
    /* Makes the port this thread's, until leave. 0; NM_CAPTURE_STOPPED; -EINTR: not yet; -EBUSY. */
    int (*enter)(struct nm_outlet *);
    void (*leave)(struct nm_outlet *);

    /* Sends up to n frames, handed over. 0 with less than n sent: no room for more. */
    int (*send)(struct nm_outlet *, struct nm_stream *, uint32_t n, struct nm_burst *);

    /* Waits for room, so long at most. 0: there may be some; -EINTR. */
    int (*wait)(struct nm_outlet *, int timeout_ms);
    void (*free)(struct nm_outlet *);
};

struct nm_outlet {
    const struct nm_outlet_ops *ops;
};

/* Errors as of nm_generator_new. */
int nm_outlet_rings(struct nm_desc *desc, const struct nm_stream *stream, uint32_t fragment, struct nm_outlet **outlet);
int nm_outlet_capture(struct nm_capture *capture, const struct nm_stream *stream, uint32_t burst,
                      struct nm_outlet **outlet);

#endif
