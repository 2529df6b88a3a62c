/* header: virtio-net headers of different lengths. */
#ifndef NMPCAP_USERNET_HEADER_H
#define NMPCAP_USERNET_HEADER_H

#include <stdbool.h>
#include <stdint.h>

bool nmu_convertible(const uint8_t *from, uint32_t from_header, uint32_t to_header, bool whole);
uint32_t nmu_convert_header(uint8_t *to, uint32_t room, uint32_t to_header, const uint8_t *from, uint32_t len,
                            uint32_t from_header, bool whole);

#endif
