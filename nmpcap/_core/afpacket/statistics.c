/*
 * What was lost, and where.
 *
 *   dropped     packets that passed the kernel's filter and found the ring full: tp_drops of
 *               PACKET_STATISTICS, which has 32 bits and is cleared by being read
 *   if_dropped  how much the interface's rx_missed_errors and rx_fifo_errors have grown since the opening:
 *               packets that its adapter or driver had no room for; of `any`, 0
 *
 *   waiting     packets that passed and are in the ring still: the kernel's count, which has those in it that it
 *               dropped, less what was taken off the ring
 *
 * Packets taken in are counted by the handle, as they are taken.
 */
#include <sys/socket.h>

#include "afpacket/impl.h"

/* With the lock held. */
static void take_over(struct nm_packet *p)
{
    union tpacket_stats_u stats = {0};
    socklen_t size = p->version == TPACKET_V3 ? sizeof(stats.stats3) : sizeof(stats.stats1);

    /* Both shapes begin the same. */
    if (getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
        p->dropped += stats.stats1.tp_drops;
        p->arrived += stats.stats1.tp_packets - stats.stats1.tp_drops;
    }
}

void nm_packet_count_drops(struct nm_packet *p)
{
    pthread_mutex_lock(&p->lock);
    take_over(p);
    pthread_mutex_unlock(&p->lock);
}

void nm_packet_counters(struct nm_source *source, struct nm_counters *counters)
{
    struct nm_packet *p = nm_packet_self(source);
    struct nm_link link;
    uint64_t taken = __atomic_load_n(&p->taken, __ATOMIC_RELAXED); /* first: what comes meanwhile waits */

    pthread_mutex_lock(&p->lock);
    take_over(p);
    *counters = (struct nm_counters){.dropped = p->dropped, .waiting = p->arrived > taken ? p->arrived - taken : 0};
    /* An adapter that was reset counts from the beginning: less is not a loss. */
    if (p->ifindex && nm_link_ask(p->link_fd, NULL, p->ifindex, &link) == 0 &&
        link.missed > p->if_dropped_before)
        counters->if_dropped = link.missed - p->if_dropped_before;
    pthread_mutex_unlock(&p->lock);
}
