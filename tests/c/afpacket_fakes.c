/*
 * Parts of a packet socket over a kernel and an adapter that are made up: counts beyond 32 bits, and an
 * adapter with a clock.
 * core: message.c
 * modes: plain asan
 */
#include <stdio.h>
#include <stdlib.h>

#ifndef __linux__
int main(void)
{
    puts("no packet sockets; to run it: use Linux");
    return 77;
}
#else

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int fake_getsockopt(int fd, int level, int name, void *value, socklen_t *size);
static int fake_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
static int fake_ioctl(int fd, unsigned long request, void *argument);
static void *fake_mmap(void *at, size_t size, int access, int flags, int fd, off_t offset);

#define getsockopt fake_getsockopt
#define setsockopt fake_setsockopt
#define ioctl fake_ioctl
#define mmap fake_mmap
#include "afpacket/ring.c"
#include "afpacket/statistics.c"
#include "afpacket/timestamp.c"
#include "check.h"

static struct {
    uint32_t drops;  /* that the kernel has counted since it was last asked */
    uint64_t missed; /* by the adapter, ever */
    int gone;
    struct ethtool_ts_info clocks;
    struct hwtstamp_config config; /* what the adapter is set to */
    int refuse;                    /* errno of setting it */
    int chosen;                    /* PACKET_TIMESTAMP */
    uint32_t most;                 /* blocks of a ring that there is memory for */
    size_t mapped;
} fake;

static int fails_with(int error)
{
    errno = error;
    return error ? -1 : 0;
}

static int fake_getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    struct tpacket_stats stats = {.tp_packets = 7, .tp_drops = fake.drops};

    (void)fd;
    CHECK(level == SOL_PACKET && name == PACKET_STATISTICS && *size >= sizeof(stats));
    memcpy(value, &stats, sizeof(stats));
    fake.drops = 0;
    return 0;
}

static int fake_setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    (void)fd;
    CHECK(level == SOL_PACKET);
    if (name == PACKET_RX_RING) {
        const struct tpacket_req3 *ring = value;

        CHECK(size == sizeof(*ring) && (uint64_t)ring->tp_block_nr * ring->tp_block_size <= UINT32_MAX);
        return fails_with(ring->tp_block_nr > fake.most ? ENOMEM : 0);
    }
    CHECK(name == PACKET_TIMESTAMP && size == sizeof(int));
    memcpy(&fake.chosen, value, size);
    return 0;
}

static void *fake_mmap(void *at, size_t size, int access, int flags, int fd, off_t offset)
{
    (void)at, (void)access, (void)flags, (void)fd, (void)offset;
    fake.mapped = size;
    errno = ENOMEM;
    return fake.most == 3 ? MAP_FAILED : &fake;
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
    struct ifreq *about = argument;

    (void)fd;
    CHECK(strcmp(about->ifr_name, "eth7") == 0);
    switch (request) {
    case SIOCETHTOOL:
        memcpy(about->ifr_data, &fake.clocks, sizeof(fake.clocks));
        return 0;
    case SIOCGHWTSTAMP:
        memcpy(about->ifr_data, &fake.config, sizeof(fake.config));
        return 0;
    case SIOCSHWTSTAMP:
        if (!fake.refuse)
            memcpy(&fake.config, about->ifr_data, sizeof(fake.config));
        return fails_with(fake.refuse);
    default:
        return fails_with(ENOTTY);
    }
}

int nm_link_open(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0);
}

int nm_link_ask(int fd, const char *name, int ifindex, struct nm_link *link)
{
    (void)fd;
    CHECK(name || ifindex == 3);
    *link = (struct nm_link){.ifindex = 3, .name = "eth7", .missed = fake.missed};
    return fake.gone ? -ENODEV : 0;
}

int nm_packet_fail(struct nm_packet *p, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(p->base.msg, sizeof(p->base.msg), format, arguments);
    va_end(arguments);
    return -error;
}

static void test_counters_have_64_bits(void)
{
    struct nm_packet p = {.ifindex = 3, .version = TPACKET_V3, .lock = PTHREAD_MUTEX_INITIALIZER,
                          .if_dropped_before = 100};
    struct nm_counters counters;

    for (uint64_t i = 1; i <= 5; i++) {
        fake.drops = UINT32_MAX;
        fake.missed = 100 + i * UINT32_MAX;
        if (i % 2)
            nm_packet_count_drops(&p);
        nm_packet_counters(&p.base, &counters);
        CHECK(counters.dropped == i * UINT32_MAX && counters.if_dropped == i * UINT32_MAX);
    }
    /* An adapter that begins again, one that has gone, and all of them. */
    fake.missed = 5;
    nm_packet_counters(&p.base, &counters);
    CHECK(counters.dropped == 5 * (uint64_t)UINT32_MAX && counters.if_dropped == 0);
    fake.missed = 1000;
    fake.gone = 1;
    nm_packet_counters(&p.base, &counters);
    CHECK(counters.if_dropped == 0);
    fake.gone = 0;
    p.ifindex = 0;
    nm_packet_counters(&p.base, &counters);
    CHECK(counters.if_dropped == 0 && counters.received == 0);
}

static uint32_t types(void)
{
    uint32_t found;
    char msg[NM_MSG_SIZE];

    CHECK(nm_packet_tstamp_types("eth7", &found, msg) == 0);
    return found;
}

static void test_an_adapters_clock(void)
{
    struct nm_packet p = {.ifindex = 3, .lock = PTHREAD_MUTEX_INITIALIZER};
    const struct hwtstamp_config before = {.rx_filter = HWTSTAMP_FILTER_PTP_V2_EVENT,
                                           .tx_type = HWTSTAMP_TX_ON};

    CHECK(types() == 1 << NM_PACKET_HOST);
    fake.clocks.so_timestamping = SOF_TIMESTAMPING_RAW_HARDWARE;
    CHECK(types() == 1 << NM_PACKET_HOST); /* no good without stamping every packet */
    fake.clocks.rx_filters = 1 << HWTSTAMP_FILTER_ALL;
    CHECK(types() == (1 << NM_PACKET_HOST | 1 << NM_PACKET_ADAPTER_UNSYNCED));
    CHECK(nm_packet_set_clock(&p, NM_PACKET_ADAPTER) == -ENOTSUP);

    fake.config = before;
    fake.refuse = EPERM;
    CHECK(nm_packet_set_clock(&p, NM_PACKET_ADAPTER_UNSYNCED) == -EPERM);
    CHECK(strstr(p.base.msg, "CAP_NET_ADMIN"));
    nm_packet_restore_clock(&p);
    CHECK(fake.config.rx_filter == before.rx_filter && fake.chosen == 0);

    fake.refuse = 0;
    CHECK(nm_packet_set_clock(&p, NM_PACKET_ADAPTER_UNSYNCED) == 0);
    CHECK(fake.config.rx_filter == HWTSTAMP_FILTER_ALL && fake.config.tx_type == HWTSTAMP_TX_ON);
    CHECK(fake.chosen == SOF_TIMESTAMPING_RAW_HARDWARE);
    nm_packet_restore_clock(&p);
    CHECK(fake.config.rx_filter == before.rx_filter && fake.config.tx_type == before.tx_type);

    /* Found on, it is left on. */
    p.restore_tstamp = false;
    fake.config = (struct hwtstamp_config){.rx_filter = HWTSTAMP_FILTER_ALL, .tx_type = HWTSTAMP_TX_ON};
    CHECK(nm_packet_set_clock(&p, NM_PACKET_ADAPTER_UNSYNCED) == 0);
    nm_packet_restore_clock(&p);
    CHECK(fake.config.rx_filter == HWTSTAMP_FILTER_ALL);

    fake.gone = 1;
    CHECK(nm_packet_set_clock(&p, NM_PACKET_ADAPTER_UNSYNCED) == -ENOTSUP);
    fake.gone = 0;
}

/* As large as there is memory for, nearly, and never less than two blocks. */
static void test_a_ring_shrinks_until_it_fits(void)
{
    static const uint32_t fits[] = {1000000, 32, 31, 20, 5, 4, 2};

    for (size_t i = 0; i < sizeof(fits) / sizeof(*fits); i++) {
        struct nm_packet p = {.version = TPACKET_V3, .snaplen = 262144};
        uint32_t most = fits[i] < 32 ? fits[i] : 32;

        fake.most = fits[i];
        CHECK(nm_packet_make_ring(&p, NM_PACKET_BUFFER) == 0);
        CHECK(p.rx.blocks <= most && p.rx.blocks >= most * 7 / 10 && p.rx.blocks >= 2);
        CHECK(fake.mapped == (size_t)p.rx.blocks * p.rx.block_size && p.rx.base == (uint8_t *)&fake);
    }
    for (fake.most = 1; fake.most <= 3; fake.most += 2) {
        struct nm_packet p = {.version = TPACKET_V3, .snaplen = 262144};

        errno = EPERM;
        CHECK(nm_packet_make_ring(&p, UINT64_MAX) < 0 && p.rx.base == NULL && *p.base.msg);
    }
}

int main(void)
{
    test_a_ring_shrinks_until_it_fits();
    test_counters_have_64_bits();
    test_an_adapters_clock();
    return 0;
}

#endif
