/*
 * member: who takes part in a runtime directory, told apart from all who ever did, and whether it still can write.
 *
 * A member is one device in one process. It has a number of its own, and a lock of the kernel's on the byte of the
 * registry file that has that number, held by a mapping which neither fork nor exec passes on: the kernel drops
 * it when the process's memory goes, whatever way that went, and not a moment before. So who finds the byte
 * free knows that its member will store nothing any more. A stopped process still holds its byte; a process
 * with the number of a dead one does not; and neither who looks nor who is looked at need be in the same
 * namespace of processes.
 */
#ifndef NMPCAP_USERNET_MEMBER_H
#define NMPCAP_USERNET_MEMBER_H

#include "usernet/impl.h"

#define NMU_MEMBERS 0x3fffffffu /* numbers are 1 up to this, and then begin again */

/* Becomes a member of the mapped registry, if this process is not one yet: 0, or an errno value with a message. */
int nmu_member_join(struct nmu_device *);

/* Ends it. No lock may be held. */
void nmu_member_leave(struct nmu_device *);

/* Whether a member's process still has its memory. Where that cannot be found out: true. */
bool nmu_member_lives(const struct nmu_device *, uint32_t member);

/* This process's number; 0: none yet, or this is a child that has inherited the device. */
static inline uint32_t nmu_member(const struct nmu_device *dev)
{
    return dev->own ? atomic_load_explicit(&dev->own->member, memory_order_relaxed) : 0;
}

#endif
