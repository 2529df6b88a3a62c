/*
 * Packet sockets on the loopback interface of a network namespace of this test's own.
 * core: message.c device usernet interfaces afpacket
 * modes: plain asan tsan
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef __linux__
int main(void)
{
    puts("no packet sockets; to run it: use Linux");
    return 77;
}
#else

#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "afpacket/afpacket.h"
#include "source.h"
#include "check.h"

enum { BATCH = 64, LOOPBACK_MTU = 65536, TAG = 4, ADDRESSES = 12 };

static struct nm_view views[BATCH];

static void skip(const char *what)
{
    printf("%s: %s; to run it: be root, or allow user namespaces\n", what, strerror(errno));
    exit(77);
}

static void enter_namespace(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP};

    close(fd);
    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
        skip("a network namespace");
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(ioctl(fd, SIOCSIFFLAGS, &up) == 0);
    close(fd);
}

static struct nm_source *open_with(struct nm_packet_args args)
{
    struct nm_source *source;
    char msg[NM_MSG_SIZE];

    if (!args.name)
        args.name = "lo";
    if (!args.snaplen)
        args.snaplen = 262144;
    if (nm_packet_open(&args, &source, msg)) {
        fprintf(stderr, "%s\n", msg);
        exit(1);
    }
    return source;
}

static int sender(void)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = 1};
    int fd = socket(AF_PACKET, SOCK_RAW, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
    return fd;
}

/* Frame `number`, of 16 bytes at least, or else the kernel drops tagged ones: its bytes tell which it is, and where it is tagged also with what. */
static size_t make_frame(uint8_t *frame, uint32_t number, size_t size, bool tagged)
{
    size_t at = ADDRESSES;

    memset(frame, (int)number, size + TAG);
    if (tagged) {
        memcpy(frame + at, (uint8_t[]){0x81, 0x00, 0x20, (uint8_t)number}, TAG);
        at += TAG;
    }
    frame[at] = 0x88;
    frame[at + 1] = 0xb5;
    return size + (tagged ? TAG : 0);
}

static uint32_t next_batch(struct nm_source *source, struct nm_batch *batch)
{
    *batch = (struct nm_batch){.views = views, .capacity = BATCH};
    for (;;) {
        int n = source->ops->fill(source, batch);

        CHECK(n >= 0);
        if (n)
            return (uint32_t)n;
        CHECK(source->ops->wait(source, 5000) == 1);
    }
}

static void expect(const struct nm_view *view, const uint8_t *frame, size_t size, uint32_t snaplen)
{
    uint32_t kept = size < snaplen ? (uint32_t)size : snaplen;

    CHECK(view->len == size && view->caplen >= kept);
    CHECK(memcmp(view->data, frame, kept) == 0);
    CHECK(!(view->flags & NM_VIEW_OUT) && view->ifindex == 0);
}

static void test_frames_come_whole(uint8_t immediate, uint32_t snaplen)
{
    static const size_t sizes[] = {16, 60, 61, 1514, 9000, 9300, 65000, 17};
    enum { ROUNDS = 50, KINDS = sizeof(sizes) / sizeof(*sizes) };
    struct nm_source *source = open_with((struct nm_packet_args){.snaplen = snaplen, .immediate = immediate});
    uint8_t *frame = malloc(LOOPBACK_MTU + 64);
    int fd = sender();
    struct nm_batch batch = {.count = 0};

    CHECK(frame);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t seen = 0;

        for (uint32_t i = 0; i < KINDS; i++) {
            size_t size = make_frame(frame, i, sizes[i], (i + round) % 2);
            CHECK(send(fd, frame, size, 0) == (ssize_t)size);
        }
        while (seen < KINDS) {
            next_batch(source, &batch);
            for (uint32_t i = 0; i < batch.count; i++, seen++) {
                size_t size = make_frame(frame, seen, sizes[seen], (seen + round) % 2);
                expect(&batch.views[i], frame, size, snaplen);
            }
        }
    }
    source->ops->close(source);
    close(fd);
    free(frame);
}

static void test_any_is_cooked(uint8_t immediate)
{
    struct nm_source *source = open_with((struct nm_packet_args){.name = "any", .immediate = immediate});
    uint8_t frame[128];
    struct nm_batch batch;
    int fd = sender();

    for (uint32_t i = 0; i < 20; i++) {
        const uint8_t *data;
        size_t size = make_frame(frame, i, 60, i % 2);
        uint32_t header = i % 4 < 2 ? 20 : 16;

        CHECK(nm_packet_set_linktype(source, header == 20 ? 276 : 113) == 0);
        CHECK(send(fd, frame, size, 0) == (ssize_t)size);
        CHECK(next_batch(source, &batch) == 1);
        data = batch.views[0].data;
        CHECK(batch.views[0].len == header + size - 14 && batch.views[0].linktype == (header == 20 ? 276 : 113));
        CHECK(memcmp(data + (header == 20 ? 0 : 14), frame + ADDRESSES, 2) == 0);
        CHECK(memcmp(data + header, frame + 14, size - 14) == 0);
    }
    CHECK(nm_packet_set_linktype(source, 1) == -EINVAL);
    CHECK(nm_packet_interfaces(source) == 1 && strcmp(nm_packet_interface(source, 0), "lo") == 0);
    source->ops->close(source);
    close(fd);
}

struct shared {
    struct nm_source *source;
    int stop;
    uint64_t sent;
};

static void *send_many(void *argument)
{
    struct shared *s = argument;
    uint8_t frame[128];
    int fd = sender();

    for (uint32_t i = 0; i < 20000; i++) {
        size_t size = make_frame(frame, i, 60, false);
        CHECK(send(fd, frame, size, 0) == (ssize_t)size);
        __atomic_add_fetch(&s->sent, 1, __ATOMIC_RELAXED);
    }
    close(fd);
    return NULL;
}

static void *look_and_wake(void *argument)
{
    struct shared *s = argument;
    struct nm_counters now, last = {0};

    while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
        s->source->ops->counters(s->source, &now);
        CHECK(now.dropped >= last.dropped);
        last = now;
        s->source->ops->wake(s->source);
        usleep(100);
    }
    return NULL;
}

/* One thread reads, another reads the counters and wakes, a third sends: nothing is lost uncounted. */
static void test_threads(uint8_t immediate)
{
    struct shared s = {.source = open_with((struct nm_packet_args){.immediate = immediate, .buffer_size = 65536})};
    struct nm_batch batch = {.views = views, .capacity = BATCH};
    struct nm_counters counters;
    pthread_t sending, looking;
    uint64_t seen = 0;
    int idle = 0, n;

    CHECK(pthread_create(&sending, NULL, send_many, &s) == 0);
    CHECK(pthread_create(&looking, NULL, look_and_wake, &s) == 0);
    while (idle < 3) {
        n = s.source->ops->fill(s.source, &batch);
        CHECK(n >= 0);
        seen += (uint64_t)n;
        if (n == 0) {
            n = s.source->ops->wait(s.source, 200);
            CHECK(n == 0 || n == 1 || n == -EINTR);
            if (n == 1)
                idle = 0;
            else if (__atomic_load_n(&s.sent, __ATOMIC_RELAXED) == 20000 && (n == 0 || ++idle)) {
                /* Waking has nothing to do with packets: stop it, and wait in earnest. */
                __atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
                idle += n == 0;
            }
        }
    }
    CHECK(pthread_join(sending, NULL) == 0 && pthread_join(looking, NULL) == 0);
    s.source->ops->counters(s.source, &counters);
    CHECK(seen + counters.dropped == 20000 && counters.if_dropped == 0);
    s.source->ops->close(s.source);
}

/* How many descriptors are open. */
static int descriptors(void)
{
    int open = 0;

    for (int fd = 0; fd < 256; fd++)
        open += fcntl(fd, F_GETFD) >= 0;
    return open;
}

static int lowest_free(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

static void fails(struct nm_packet_args args, int error, const char *words)
{
    struct nm_source *source;
    char msg[NM_MSG_SIZE];
    int before = descriptors(), n;

    args.snaplen = 262144;
    n = nm_packet_open(&args, &source, msg);
    if (n != -error || source || !strstr(msg, words) || strncmp(msg, args.name, strlen(args.name)) != 0) {
        fprintf(stderr, "%d, not %d: %s\n", n, -error, msg);
        exit(1);
    }
    CHECK(descriptors() == before);
}

/* Whatever step of the opening fails, what was done before it is undone. */
static void test_failures_leave_nothing(void)
{
    struct rlimit limit, few;
    struct nm_source *member = open_with((struct nm_packet_args){.fanout = 1, .fanout_group = 7});

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    for (int more = 0; more < 3; more++) {
        few = limit;
        few.rlim_cur = (rlim_t)(lowest_free() + more);
        CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
        fails((struct nm_packet_args){.name = "lo"}, EMFILE, "Too many open files");
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    fails((struct nm_packet_args){.name = "none"}, ENODEV, "No such device exists");
    fails((struct nm_packet_args){.name = ""}, ENODEV, "No such device exists");
    fails((struct nm_packet_args){.name = "lo", .tstamp_type = 4}, ENOTSUP, "time stamp");
    fails((struct nm_packet_args){.name = "any", .tstamp_type = 3}, ENOTSUP, "time stamp");
    fails((struct nm_packet_args){.name = "lo", .tstamp_type = 200}, ENOTSUP, "time stamp");
    fails((struct nm_packet_args){.name = "lo", .fanout = 1, .fanout_mode = 1, .fanout_group = 7}, EINVAL,
          "fan-out group 7");
    member->ops->close(member);
}

static void test_wake_is_kept(void)
{
    struct nm_source *source = open_with((struct nm_packet_args){.promisc = 1});

    source->ops->wake(source);
    source->ops->wake(source);
    CHECK(source->ops->wait(source, 5000) == -EINTR);
    CHECK(source->ops->wait(source, 0) == 0);
    source->ops->close(source);
}

int main(void)
{
    enter_namespace();
    for (uint8_t immediate = 0; immediate < 2; immediate++) {
        test_frames_come_whole(immediate, 262144);
        test_frames_come_whole(immediate, 100);
        test_frames_come_whole(immediate, 7);
        test_any_is_cooked(immediate);
        test_threads(immediate);
    }
    test_failures_leave_nothing();
    test_wake_is_kept();
    return 0;
}

#endif
