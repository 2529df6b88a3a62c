/* copyin: the caller's memory, at addresses that a request gives. */
#ifndef NMPCAP_USERNET_COPYIN_H
#define NMPCAP_USERNET_COPYIN_H

#include <stddef.h>
#include <stdint.h>

int nmu_copyin(void *to, uint64_t from, size_t size); /* 0 or EFAULT, never a signal */
int nmu_copyout(uint64_t to, const void *from, size_t size);

#endif
