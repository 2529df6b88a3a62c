/*
 * What was lost, and where.
 *
 *   dropped     packets that passed the kernel's filter and found the ring full: tp_drops of
 *               PACKET_STATISTICS, which has 32 bits and is cleared by being read
 *   if_dropped  how much the interface's rx_missed_errors and rx_fifo_errors have grown since the opening:
 *               packets that its adapter or driver had no room for; of `any`, 0
 *
 * Packets taken in are counted by the handle, as they are taken: the kernel's own count has those in it that
 * it dropped.
 */
#include <sys/socket.h>

#include "afpacket/impl.h"

/* With the lock held. */
static void take_over(struct nm_packet *p)
{
    union tpacket_stats_u stats = {0};
    socklen_t size = p->version == TPACKET_V3 ? sizeof(stats.stats3) : sizeof(stats.stats1);

    /* Both shapes begin the same. */
    if (getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
        p->dropped += stats.stats1.tp_drops;
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

    pthread_mutex_lock(&p->lock);
    take_over(p);
    *counters = (struct nm_counters){.dropped = p->dropped};
    /* An adapter that was reset counts from the beginning: less is not a loss. */
    if (p->ifindex && nm_link_ask(p->link_fd, NULL, p->ifindex, &link) == 0 &&
        link.missed > p->if_dropped_before)
        counters->if_dropped = link.missed - p->if_dropped_before;
    pthread_mutex_unlock(&p->lock);
}
