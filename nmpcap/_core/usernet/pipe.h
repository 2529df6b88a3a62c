/* pipe: the syncs of pipes, and their rings. */
#ifndef NMPCAP_USERNET_PIPE_H
#define NMPCAP_USERNET_PIPE_H

#include "usernet/impl.h"

void nmu_pipe_free_buffers(struct nmu_device *, struct nmu_kring *tx, struct nmu_kring *rx);
void nmu_pipe_share_slots(struct nmu_device *, struct nmu_kring *from, struct nmu_kring *to);
/* Whether [hwcur, rhead) are slots that the sender may hand over. What the client says of itself is forgiven as the
 * module forgives it, unless the reader holds some of them. */
bool nmu_pipe_may_send(struct nmu_device *, const struct nmu_kring *tx);

void nmu_pipe_txsync(struct nmu_device *, struct nmu_kring *, struct netmap_ring *);
void nmu_pipe_rxsync(struct nmu_device *, struct nmu_kring *, struct netmap_ring *);

#endif
