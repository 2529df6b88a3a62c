/*
 * Turns in the handle: one thread reads, others send and set, one closes it, all at once.
 * core: slab.c capture bpf
 * modes: plain asan tsan
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../fake_source.c"

#include "capture/capture.h"
#include "check.h"

#define PACKETS 20000
#define SENDERS 3
#define FRAMES 300

struct shared {
    struct nm_capture *capture;
    struct nm_source *source;
    struct control control;
    uint64_t got;
    int closing; /* calls may find it closed */
};

/* Waits for a turn for as long as it takes; false once the handle is closed. */
static int enter_aside(struct shared *s)
{
    int error = nm_capture_enter_aside(s->capture, 0);

    while (error == -EINTR)
        error = nm_capture_enter_aside(s->capture, 1);
    CHECK(error == 0 || (s->closing && error == -EBADF));
    return error == 0;
}

/* Reads to the end, or until the handle is closed; leaves between two windows, as a program does. */
static void *read_all(void *argument)
{
    struct shared *s = argument;
    struct nm_window *w = nm_capture_window(s->capture);

    for (;;) {
        struct nm_deadline deadline = {.timeout_ns = -1};
        int n = nm_capture_enter(s->capture);

        while (n == -EINTR)
            n = nm_capture_await(s->capture);
        CHECK(n == 0 || (s->closing && n == -EBADF));
        if (n)
            return NULL;
        do
            n = nm_capture_refill(s->capture, &deadline);
        while (n == -EINTR);
        while (n > 0 && w->taken < w->passed) {
            CHECK(w->next->data[0] == (uint8_t)(w->next->ts_ns / 1000));
            s->got++;
            w->next++;
            __atomic_store_n(&w->taken, w->taken + 1, __ATOMIC_RELEASE);
            if (__atomic_load_n(&w->stop, __ATOMIC_RELAXED) && nm_capture_stopped(s->capture))
                n = NM_CAPTURE_STOPPED;
        }
        nm_capture_leave(s->capture);
        if (n == NM_CAPTURE_END || (n == NM_CAPTURE_STOPPED && s->closing))
            return NULL;
        CHECK(n >= 0 || n == NM_CAPTURE_STOPPED);
    }
}

static void *send_all(void *argument)
{
    struct shared *s = argument;
    uint8_t bytes[60] = {0};
    struct nm_frame frame = {bytes, sizeof(bytes)};

    for (int i = 0; i < FRAMES && enter_aside(s); i++) {
        struct nm_deadline deadline = {.timeout_ns = -1};
        uint32_t sent = 0;
        int error;

        do
            error = nm_capture_inject(s->capture, &frame, 1, &deadline, &sent);
        while (error == -EINTR);
        nm_capture_leave(s->capture);
        CHECK((error == 0 && sent == 1) || (s->closing && error == NM_CAPTURE_STOPPED));
        if (error)
            break;
    }
    return NULL;
}

static void *set_all(void *argument)
{
    struct shared *s = argument;

    for (int i = 0; i < FRAMES && enter_aside(s); i++) {
        nm_capture_filter(s->capture, NULL, 1, 0);
        nm_capture_direction(s->capture, 0);
        nm_capture_leave(s->capture);
    }
    return NULL;
}

static void run(int closing)
{
    struct shared s = {.control = {.available = closing ? 0 : PACKETS, .end_at = closing ? UINT64_MAX : PACKETS,
                                   .per_fill = 7, .min_size = 60, .fail_at = UINT64_MAX, .room = 50, .per_flush = 7,
                                   .max_frame = 1514},
                       .closing = closing};
    pthread_t reader, threads[SENDERS + 1];

    s.source = fake_new(&s.control);
    CHECK(nm_capture_new(s.source, "fake", 262144, &s.capture) == 0);
    CHECK(pthread_create(&reader, NULL, read_all, &s) == 0);
    for (int i = 0; i <= SENDERS; i++)
        CHECK(pthread_create(&threads[i], NULL, i < SENDERS ? send_all : set_all, &s) == 0);
    if (closing) {
        nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
        nm_capture_close(s.capture);
    }
    pthread_join(reader, NULL);
    for (int i = 0; i <= SENDERS; i++)
        pthread_join(threads[i], NULL);
    CHECK(closing || s.got == PACKETS);
    nm_capture_close(s.capture);
    CHECK(s.control.violations == 0 && s.control.closes == 1);
    nm_capture_free(s.capture);
}

int main(void)
{
    run(0);
    for (int i = 0; i < 30; i++)
        run(1);
    return 0;
}
