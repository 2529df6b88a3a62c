/* trace: a line of text for every decision of a wire. */
#ifndef NMPCAP_WIRE_TRACE_H
#define NMPCAP_WIRE_TRACE_H

#include "wire/wire.h"

struct nm_trace;

/* nm_trace_new - writes to a descriptor that stays the caller's; NULL without memory. */
struct nm_trace *nm_trace_new(int fd);
void nm_trace_free(struct nm_trace *trace);

/* nm_trace_put - adds a line (pump.h says what is in it). 0, or the negative errno of write(2). */
int nm_trace_put(struct nm_trace *trace, int64_t arrival_ns, uint32_t len, const struct nm_wire_verdict *verdict);
int nm_trace_flush(struct nm_trace *trace);

#endif
