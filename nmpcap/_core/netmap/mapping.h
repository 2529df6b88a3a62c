/*
 * mapping: a region mapped once and used by many.
 *
 * Descriptors opened with a parent in the same region, and every view a program holds
 * of the memory, share one mapping, and the last of them unmaps it, whatever the order
 * of closing. As netmap(4) has it, a mapping keeps the port it was made through bound:
 * a port whose mapping is still shared leaves its switch only with the last sharer.
 *
 * Threads: references may be taken and dropped in any thread.
 */
#ifndef NMPCAP_MAPPING_H
#define NMPCAP_MAPPING_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

struct nm_device;
struct nm_mapping;

/* nm_mapping_open - maps length bytes at offset of the device's region; the caller has the first reference. */
int nm_mapping_open(struct nm_device *device, size_t length, int64_t offset, struct nm_mapping **mapping);

/* nm_mapping_file - maps a whole file, shared and writable: external memory for the EXTMEM option. */
int nm_mapping_file(const char *path, struct nm_mapping **mapping);

void *nm_mapping_mem(struct nm_mapping *mapping);
size_t nm_mapping_length(struct nm_mapping *mapping);

/* nm_mapping_back - sees to it that length bytes at offset are there: a region's file has holes, and memory for one
 * that is touched is asked for only then, where refusing it ends the program. EINVAL: not inside; ENOMEM: no room. */
int nm_mapping_back(struct nm_mapping *mapping, size_t offset, size_t length);

/* nm_mapping_ref - one more user. Returns its argument. */
struct nm_mapping *nm_mapping_ref(struct nm_mapping *mapping);

/* nm_mapping_unref - one user less; the last one unmaps. The argument is void so that it can be
 * handed to a caller that knows no more than that a pointer has to be given back. */
void nm_mapping_unref(void *mapping);

#pragma GCC visibility pop

#endif
