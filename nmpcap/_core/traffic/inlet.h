/* inlet: what a sink keeps of its packets, and the two ways to them: the rx rings of a netmap port, or a handle. */
#ifndef NMPCAP_TRAFFIC_INLET_H
#define NMPCAP_TRAFFIC_INLET_H

#include "traffic/sink.h"

#define NM_SINK_NO_SPACE 99999

struct nm_sink {
    struct nm_desc *desc;
    struct nm_capture *capture;
    struct nm_sink_config config;
    struct nm_sink_counters counters;
    struct nm_sequence *sequence;
    uint32_t least_space;
};

/* What one look at a port came to. */
struct nm_haul {
    uint64_t packets, bytes, damaged, not_numbered;
};

/* Takes up to limit packets, waiting until end_ns if there are none. Results as of nm_sink_run; 0 with none: look again. */
int nm_take_rings(struct nm_sink *sink, uint64_t limit, int64_t end_ns, struct nm_haul *haul);
int nm_take_capture(struct nm_sink *sink, uint64_t limit, int64_t end_ns, struct nm_haul *haul);

/* nm_sink_see - a packet's bytes, as many as are there: its number goes into the sequence. */
void nm_sink_see(struct nm_sink *sink, const uint8_t *data, uint32_t length, struct nm_haul *haul);

#endif
