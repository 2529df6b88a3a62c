/*
 * The handle between threads: who is in it, breaks, closing, counters.
 * core: slab.c capture bpf
 * modes: plain asan tsan
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../fake_source.c"

#include "capture/capture.h"
#include "check.h"

static const struct control quiet = {
    .end_at = UINT64_MAX, .per_fill = 7, .min_size = 60, .fail_at = UINT64_MAX,
    .room = UINT64_MAX, .per_flush = UINT64_MAX, .max_frame = 1514};

struct shared {
    struct nm_capture *capture;
    struct nm_source *source;
    struct control control;
    uint64_t total;  /* packets that the readers got, in all */
    int stop;
};

static void set_up(struct shared *s, const struct control *control)
{
    *s = (struct shared){.control = *control};
    s->source = fake_new(&s->control);
    CHECK(nm_capture_new(s->source, "fake", 262144, &s->capture) == 0);
}

static pthread_t start(void *(*function)(void *), struct shared *s)
{
    pthread_t thread;

    CHECK(pthread_create(&thread, NULL, function, s) == 0);
    return thread;
}

static void check_packet(const struct nm_view *v)
{
    uint64_t number = v->ts_ns / 1000;

    CHECK(v->caplen == 60 && v->len == 70);
    for (uint32_t k = 0; k < v->caplen; k++)
        CHECK(v->data[k] == (uint8_t)(number + k * 7));
}

/* One reading: up to one window. Returns what refill said. */
static int read_window(struct shared *s, uint64_t *last)
{
    struct nm_window *w = nm_capture_window(s->capture);
    struct nm_deadline deadline = {.timeout_ns = 20000000};
    int n = w->passed - w->taken;

    if (n == 0)
        n = nm_capture_refill(s->capture, &deadline);
    while (w->taken < w->passed) {
        uint64_t number = w->next->ts_ns / 1000;

        check_packet(w->next);
        CHECK(number >= *last);
        *last = number;
        w->next++;
        __atomic_store_n(&w->taken, w->taken + 1, __ATOMIC_RELEASE);
        __atomic_add_fetch(&s->total, 1, __ATOMIC_RELAXED);
        if (number % 5 == 0)
            break;
    }
    return n;
}

static void *reader(void *arg)
{
    struct shared *s = arg;
    uint64_t last = 0;
    int n = 0;

    while (n != NM_CAPTURE_END) {
        n = nm_capture_enter(s->capture);
        if (n == -EBUSY) {
            sched_yield();
            continue;
        }
        CHECK(n == 0);
        n = read_window(s, &last);
        CHECK(n >= 0 || n == NM_CAPTURE_END || n == NM_CAPTURE_STOPPED || n == -EINTR);
        nm_capture_leave(s->capture);
    }
    return NULL;
}

static void *feeder(void *arg)
{
    struct shared *s = arg;

    while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
        if (__atomic_load_n(&s->control.available, __ATOMIC_SEQ_CST) < s->control.end_at)
            fake_push(s->source, 5);
        sched_yield();
    }
    return NULL;
}

static void *breaker(void *arg)
{
    struct shared *s = arg;

    while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
        nm_capture_break(s->capture);
        usleep(50);
    }
    return NULL;
}

static void *accountant(void *arg)
{
    struct shared *s = arg;

    while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
        struct nm_stats stats;

        nm_capture_stats(s->capture, &stats);
        CHECK(stats.received >= stats.filtered + stats.delivered);
        CHECK(stats.waiting <= 7);
        CHECK(stats.bytes % 70 == 0);
        sched_yield();
    }
    return NULL;
}

static void test_threads_share_without_loss(void)
{
    struct control control = quiet;
    struct shared s;
    pthread_t readers[3], others[3];
    struct nm_stats stats;

    control.end_at = 20000;
    set_up(&s, &control);
    for (int i = 0; i < 3; i++)
        readers[i] = start(reader, &s);
    others[0] = start(feeder, &s);
    others[1] = start(breaker, &s);
    others[2] = start(accountant, &s);
    for (int i = 0; i < 3; i++)
        pthread_join(readers[i], NULL);
    __atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 3; i++)
        pthread_join(others[i], NULL);
    nm_capture_stats(s.capture, &stats);
    CHECK(s.total == 20000 && stats.received == 20000 && stats.delivered == 20000);
    nm_capture_free(s.capture);
    CHECK(s.control.violations == 0 && s.control.closes == 1);
}

/* Reads until the handle is closed; the source must be gone afterwards, whoever closed it. */
static void *until_closed(void *arg)
{
    struct shared *s = arg;
    uint64_t last = 0;

    while (nm_capture_enter(s->capture) == 0) {
        (void)read_window(s, &last);
        nm_capture_leave(s->capture);
    }
    return NULL;
}

static void *closer(void *arg)
{
    nm_capture_close(((struct shared *)arg)->capture);
    return NULL;
}

static void test_closing_at_any_moment(void)
{
    for (int round = 0; round < 1500; round++) {
        struct control control = quiet;
        struct shared s;
        pthread_t threads[3];

        control.available = round % 3 ? UINT64_MAX / 2 : 0;
        set_up(&s, &control);
        threads[0] = start(until_closed, &s);
        if (round % 2)
            sched_yield();
        threads[1] = start(closer, &s);
        threads[2] = start(closer, &s);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        CHECK(nm_capture_is_closed(s.capture) && nm_capture_is_released(s.capture));
        CHECK(s.control.violations == 0 && s.control.closes == 1);
        nm_capture_free(s.capture);
        CHECK(s.control.closes == 1);
    }
}

static void *one_break(void *arg)
{
    nm_capture_break(((struct shared *)arg)->capture);
    return NULL;
}

/* Wherever between entering and sleeping the reader is when it comes. A wake-up that got lost would show
 * only in the time: waits are made in slices. */
static void test_a_break_is_never_lost(void)
{
    struct shared s;
    time_t begin = time(NULL);

    set_up(&s, &quiet);
    for (int round = 0; round < 1000; round++) {
        struct nm_deadline for_ever = {.timeout_ns = -1};
        pthread_t thread;
        int n;

        CHECK(nm_capture_enter(s.capture) == 0);
        thread = start(one_break, &s);
        if (round % 2)
            sched_yield();
        do
            n = nm_capture_refill(s.capture, &for_ever);
        while (n == -EINTR);
        CHECK(n == NM_CAPTURE_STOPPED);
        pthread_join(thread, NULL);
        CHECK(!nm_capture_stopped(s.capture));
        nm_capture_leave(s.capture);
    }
    CHECK(time(NULL) - begin < 20);
    nm_capture_free(s.capture);
    CHECK(s.control.violations == 0);
}

static void *sender(void *arg)
{
    struct shared *s = arg;
    uint8_t bytes[100] = {0};
    struct nm_frame frames[20];

    for (int i = 0; i < 20; i++)
        frames[i] = (struct nm_frame){.data = bytes, .len = 60 + i};
    for (int round = 0; round < 500;) {
        struct nm_deadline deadline = {.timeout_ns = 1000000};
        uint32_t sent = 0;
        int n = nm_capture_enter(s->capture);

        if (n == -EBUSY) {
            sched_yield();
            continue;
        }
        CHECK(n == 0);
        while ((n = nm_capture_inject(s->capture, frames, 20, &deadline, &sent)) == -EINTR)
            ;
        CHECK((n == 0 && sent == 20) || (n == -EAGAIN && sent < 20) || n == NM_CAPTURE_STOPPED);
        nm_capture_leave(s->capture);
        __atomic_add_fetch(&s->total, sent, __ATOMIC_RELAXED);
        round++;
    }
    return NULL;
}

static void test_threads_send_in_turns(void)
{
    struct control control = quiet;
    struct shared s;
    pthread_t senders[3], other;
    struct nm_stats stats;

    control.room = 30;
    control.per_flush = 3;
    set_up(&s, &control);
    for (int i = 0; i < 3; i++)
        senders[i] = start(sender, &s);
    other = start(breaker, &s);
    for (int i = 0; i < 3; i++)
        pthread_join(senders[i], NULL);
    __atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
    pthread_join(other, NULL);
    nm_capture_stats(s.capture, &stats);
    CHECK(stats.sent == s.total);
    nm_capture_free(s.capture);
    CHECK(s.control.violations == 0);
}

/* A program that asks for the tag beside the packet, over every cut: the packets are as they were, to the byte. */
static void test_tags_are_taken_out_and_put_back(void)
{
    static const struct nm_insn tagged[] = {{0x30, 0, 0, 0xfffff030}, {0x16, 0, 0, 0}}; /* ldb [vlanp]; ret a */
    static const struct nm_insn all[] = {{0x30, 0, 0, 0xfffff030}, {0x06, 0, 0, 262144}};
    const struct control control = {.end_at = UINT64_MAX, .per_fill = 64, .min_size = 16, .spread = 5,
                                    .fail_at = UINT64_MAX, .available = 64, .tags = 4};

    for (uint32_t snaplen = 1; snaplen < 22; snaplen++) {
        struct nm_deadline now = {.timeout_ns = 0};
        struct nm_program *program;
        struct nm_window *w;
        struct shared s = {.control = control};
        char msg[NM_MSG_SIZE];

        s.source = fake_new(&s.control);
        CHECK(nm_capture_new(s.source, "fake", snaplen, &s.capture) == 0 && nm_capture_enter(s.capture) == 0);
        CHECK(nm_program_new(all, 2, NM_BPF_AUTO, &program, msg) == 0);
        nm_capture_filter(s.capture, program, 1, NM_FILTER_TAGS_ASIDE);
        CHECK(nm_capture_refill(s.capture, &now) == 64);
        nm_capture_filter(s.capture, program, 1, NM_FILTER_TAGS_ASIDE); /* over the cut ones */
        nm_program_unref(program);
        w = nm_capture_window(s.capture);
        for (uint64_t i = 0; i < 64; i++) {
            const struct nm_view *v = &w->next[i];
            uint32_t size = 16 + i % 5;

            CHECK(v->len == size + 10 && v->caplen == (size < snaplen ? size : snaplen));
            for (uint32_t k = 0; k < v->caplen; k++) {
                const uint8_t tag[] = {0x81, 0x00, 0x00, (uint8_t)i};

                CHECK(v->data[k] == (i % 4 == 0 && k >= 12 && k < 16 ? tag[k - 12] : (uint8_t)(i + k * 7)));
            }
        }
        CHECK(nm_program_new(tagged, 2, NM_BPF_AUTO, &program, msg) == 0);
        nm_capture_filter(s.capture, program, 1, NM_FILTER_TAGS_ASIDE);
        nm_program_unref(program);
        CHECK(w->passed - w->taken == 16);
        nm_capture_leave(s.capture);
        nm_capture_free(s.capture);
    }
}

int main(void)
{
    test_tags_are_taken_out_and_put_back();
    test_threads_share_without_loss();
    test_closing_at_any_moment();
    test_a_break_is_never_lost();
    test_threads_send_in_turns();
    return 0;
}
