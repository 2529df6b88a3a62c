/*
 * flight: packets on their way, with their bytes, by the time of their departure.
 *
 * Those in order are one behind the other in large pieces of memory; those that others may pass are in a heap.
 */
#ifndef NMPCAP_WIRE_FLIGHT_H
#define NMPCAP_WIRE_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "view.h"

struct nm_flight;

struct nm_flight *nm_flight_new(void);
void nm_flight_free(struct nm_flight *flight);

/* nm_flight_add - room for the bytes of a packet, to be filled before the next call; NULL without memory. inserted
 * in order (departures that do not go back), or wherever its time is. */
uint8_t *nm_flight_add(struct nm_flight *flight, int64_t departure_ns, uint32_t len, bool in_order);

/* nm_flight_next - when the next one leaves; INT64_MAX: none is on its way. */
int64_t nm_flight_next(const struct nm_flight *flight);

/* nm_flight_take - up to n packets that leave until then, in their order; their bytes and times last until release. */
uint32_t nm_flight_take(struct nm_flight *flight, int64_t until_ns, struct nm_frame *frames, int64_t *departure_ns, uint32_t n);
void nm_flight_release(struct nm_flight *flight);

uint64_t nm_flight_packets(const struct nm_flight *flight);
uint64_t nm_flight_bytes(const struct nm_flight *flight);

#endif
