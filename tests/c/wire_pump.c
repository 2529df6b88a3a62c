/*
 * Two pumps between the same two handles, opposite ways, while a third thread changes what they do and asks: every
 * packet is sent, or counted for why it was not; and what is on its way when a handle is closed is let go.
 * core: slab.c capture bpf wire
 * modes: plain asan tsan
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "../fake_source.c"

#include "capture/capture.h"
#include "check.h"
#include "wire/pump.h"
#include "wire/wire.h"

#define PACKETS 20000

struct end {
    struct control control;
    struct nm_source *source;
    struct nm_capture *capture;
};

struct way {
    struct nm_wire *wire;
    struct nm_pump *pump;
    pthread_t thread;
    int status;
};

static void *run(void *argument)
{
    struct way *way = argument;

    do
        way->status = nm_pump_run(way->pump, 50000000);
    while (way->status == 0 || way->status == -EINTR);
    return NULL;
}

static struct nm_wire_config config_of(uint64_t part)
{
    return (struct nm_wire_config){
        .rate = 1000000000, .queue = NM_WIRE_QUEUE_PACKETS, .queue_limit = 5000, .loss = NM_WIRE_CERTAIN / 20 * part,
        .delay_ns = (int64_t)(part * 100000), .jitter_ns = 50000, .keep_order = part % 2, .reorder = NM_WIRE_CERTAIN / 10,
        .reorder_ns = 200000, .duplicate = NM_WIRE_CERTAIN / 10, .corrupt = NM_WIRE_CERTAIN / 2,
    };
}

static void open_end(struct end *end, uint64_t end_at)
{
    end->control = (struct control){.available = PACKETS, .end_at = end_at, .per_fill = 100, .min_size = 60,
                                    .spread = 900, .fail_at = UINT64_MAX, .room = 300, .per_flush = 300,
                                    .max_frame = 950};
    end->source = fake_new(&end->control);
    CHECK(nm_capture_new(end->source, "fake", 262144, &end->capture) == 0);
}

static void open_way(struct way *way, struct end *from, struct end *to, uint32_t direction, int trace)
{
    struct nm_wire_config config = config_of(1);

    CHECK(nm_wire_new(1, direction, &config, &way->wire) == 0);
    CHECK(nm_pump_new(from->capture, to->capture, way->wire, NULL, 1 << 26, trace, &way->pump) == 0);
    CHECK(pthread_create(&way->thread, NULL, run, way) == 0);
}

static void check_counts(const struct way *way)
{
    struct nm_pump_counters pump;
    struct nm_wire_counters wire;
    uint64_t late = 0, fates = 0;

    nm_pump_count(way->pump, &pump);
    nm_pump_wire_count(way->pump, &wire);
    for (int i = 0; i < 40; i++)
        late += pump.late[i];
    for (int i = 0; i < NM_WIRE_FATES; i++)
        fates += wire.fate[i];
    CHECK(wire.offered == fates && wire.offered == pump.received);
    CHECK(late == pump.sent);
    CHECK(wire.fate[NM_WIRE_DELIVERED] + wire.duplicated ==
          pump.sent + pump.unsent + pump.no_memory + pump.waiting);
}

static void close_way(struct way *way)
{
    nm_pump_free(way->pump);
    nm_wire_free(way->wire);
}

static void both_ways(int closing, int trace)
{
    struct end a, b;
    struct way there, back;

    open_end(&a, closing ? UINT64_MAX : PACKETS);
    open_end(&b, closing ? UINT64_MAX : PACKETS);
    open_way(&there, &a, &b, 0, trace);
    open_way(&back, &b, &a, 1, trace);
    for (uint64_t i = 0; i < 50; i++) {
        struct nm_wire_config config = config_of(i % 4);
        struct nm_pump_counters counters;

        CHECK(nm_pump_configure(i % 2 ? there.pump : back.pump, &config) == 0);
        nm_pump_count(there.pump, &counters);
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    if (closing)
        nm_capture_close(a.capture);
    pthread_join(there.thread, NULL);
    pthread_join(back.thread, NULL);
    CHECK(there.status == (closing ? NM_CAPTURE_STOPPED : NM_CAPTURE_END));
    CHECK(back.status == there.status);
    check_counts(&there);
    check_counts(&back);
    close_way(&there);
    close_way(&back);
    nm_capture_close(a.capture);
    nm_capture_close(b.capture);
    CHECK(a.control.violations == 0 && b.control.violations == 0);
    nm_capture_free(a.capture);
    nm_capture_free(b.capture);
}

int main(void)
{
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

    CHECK(nowhere >= 0);
    both_ways(0, -1);
    both_ways(0, nowhere);
    for (int i = 0; i < 10; i++)
        both_ways(1, -1);
    close(nowhere);
    return 0;
}
