/*
 * The pump takes what has come out of the one handle, asks the wire, keeps what is on its way, and puts what is due
 * into the other handle. It is in one handle at a time, so that two pumps that go opposite ways cannot hold each
 * other up.
 *
 * Sources wait to the millisecond. When the next packet is due sooner than that the pump looks often instead, sleeps
 * in between and spins for the last 50 us, which makes it exact in the median and costs a few percent of a core.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/bpf.h"
#include "capture/capture.h"
#include "clock.h"
#include "wire/flight.h"
#include "wire/pace.h"
#include "wire/pump.h"
#include "wire/trace.h"

#define BATCH 256u
#define LOOK_NS 200000    /* between two looks at what has come, when something is due soon */
#define COARSE_NS 2000000 /* what is further away than this can be waited for in milliseconds */
#define PATIENCE_NS 2000000 /* for room; then what is due is lost, as on a wire that nobody listens to */
#define FRESH_NS 1000000000 /* a time stamp that is older is of another time: a savefile's */

struct nm_pump {
    struct nm_capture *from, *to, *failed;
    struct nm_wire *wire;
    struct nm_program *applies;
    struct nm_flight *flight;
    struct nm_trace *trace;
    pthread_mutex_t lock; /* of the wire */
    uint64_t memory;
    bool ended;
    int64_t arrival_ns[BATCH], departure_ns[BATCH];
    uint32_t len[BATCH];
    struct nm_view view[BATCH]; /* those that are offered */
    struct nm_wire_verdict verdict[BATCH];
    struct nm_frame frame[BATCH];
    struct nm_pump_counters counters;
};

int nm_pump_new(struct nm_capture *from, struct nm_capture *to, struct nm_wire *wire, struct nm_program *applies,
                uint64_t memory, int trace, struct nm_pump **pump)
{
    struct nm_pump *p = calloc(1, sizeof(*p));

    *pump = NULL;
    if (!p)
        return -ENOMEM;
    p->flight = nm_flight_new();
    p->trace = trace < 0 ? NULL : nm_trace_new(trace);
    if (!p->flight || (trace >= 0 && !p->trace) || pthread_mutex_init(&p->lock, NULL)) {
        nm_flight_free(p->flight);
        nm_trace_free(p->trace);
        free(p);
        return -ENOMEM;
    }
    p->from = from;
    p->to = to;
    p->wire = wire;
    p->applies = nm_program_ref(applies);
    p->memory = memory;
    *pump = p;
    return 0;
}

void nm_pump_free(struct nm_pump *pump)
{
    if (!pump)
        return;
    nm_program_unref(pump->applies);
    nm_flight_free(pump->flight);
    nm_trace_free(pump->trace);
    pthread_mutex_destroy(&pump->lock);
    free(pump);
}

/* ---- what has come ----------------------------------------------------------------- */

static void flip(uint8_t *bytes, uint32_t len, uint32_t bit)
{
    if (bit / 8 < len)
        bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

static void keep(struct nm_pump *pump, const struct nm_view *view, const struct nm_wire_verdict *verdict)
{
    for (uint32_t i = 0; i < verdict->copies; i++) {
        uint8_t *bytes = NULL;

        if (nm_flight_bytes(pump->flight) + view->caplen <= pump->memory)
            bytes = nm_flight_add(pump->flight, verdict->departure_ns, view->caplen, !verdict->passable);
        if (!bytes) {
            nm_pace_count(&pump->counters.no_memory, 1);
            continue;
        }
        memcpy(bytes, view->data, view->caplen);
        flip(bytes, view->caplen, verdict->corrupt_bit);
    }
    __atomic_store_n(&pump->counters.waiting, nm_flight_packets(pump->flight), __ATOMIC_RELAXED);
}

static int decide(struct nm_pump *pump, uint32_t n)
{
    int error = 0;

    pthread_mutex_lock(&pump->lock);
    nm_wire_offer(pump->wire, pump->arrival_ns, pump->len, n, pump->verdict);
    pthread_mutex_unlock(&pump->lock);
    for (uint32_t i = 0; i < n; i++) {
        keep(pump, &pump->view[i], &pump->verdict[i]);
        if (pump->trace && !error)
            error = nm_trace_put(pump->trace, pump->arrival_ns[i], pump->len[i], &pump->verdict[i]);
    }
    return error;
}

/* When a packet came, by the clock of departures. */
static int64_t arrival(const struct nm_view *view, int64_t now_ns, int64_t epoch_ns)
{
    int64_t age_ns = epoch_ns + now_ns - view->ts_ns;

    return age_ns > 0 && age_ns < FRESH_NS ? now_ns - age_ns : now_ns;
}

/* Takes all that is in the window. */
static int take(struct nm_pump *pump)
{
    struct nm_window *window = nm_capture_window(pump->from);
    int64_t now_ns = nm_clock_ns(CLOCK_MONOTONIC), epoch_ns = nm_clock_ns(CLOCK_REALTIME) - now_ns;
    int error = 0;

    while (window->taken < window->passed && !error) {
        uint64_t left = window->passed - window->taken;
        uint32_t n = left < BATCH ? (uint32_t)left : BATCH, offered = 0;

        for (uint32_t i = 0; i < n; i++) {
            const struct nm_view *view = &window->next[i];
            const struct nm_wire_verdict through = {.departure_ns = now_ns, .corrupt_bit = UINT32_MAX, .copies = 1, .passable = 1};

            nm_pace_count(&pump->counters.cut, view->caplen < view->len);
            if (pump->applies && !nm_program_run(pump->applies, view->data, view->len, view->caplen, NULL)) {
                nm_pace_count(&pump->counters.passed, 1);
                keep(pump, view, &through);
                continue;
            }
            pump->arrival_ns[offered] = arrival(view, now_ns, epoch_ns);
            pump->len[offered] = view->len;
            pump->view[offered++] = *view;
        }
        nm_pace_count(&pump->counters.received, n);
        error = decide(pump, offered);
        window->next += n;
        __atomic_store_n(&window->taken, window->taken + n, __ATOMIC_RELEASE);
    }
    return error;
}

/* > 0: something came. */
static int receive(struct nm_pump *pump, int64_t timeout_ns)
{
    struct nm_deadline deadline = {.timeout_ns = timeout_ns};
    int n = nm_capture_enter(pump->from), error;

    if (n == -EINTR)
        n = nm_capture_await(pump->from);
    pump->failed = pump->from;
    if (n)
        return n == -EBADF ? NM_CAPTURE_STOPPED : n;
    n = nm_capture_refill(pump->from, &deadline);
    error = n > 0 ? take(pump) : 0;
    nm_capture_leave(pump->from);
    if (error)
        pump->failed = NULL;
    return error ? error : n;
}

/* ---- what is due ------------------------------------------------------------------- */

static void count_sent(struct nm_pump *pump, uint32_t n)
{
    int64_t now_ns = nm_clock_ns(CLOCK_MONOTONIC);

    for (uint32_t i = 0; i < n; i++) {
        int64_t late_ns = now_ns - pump->departure_ns[i];

        nm_pace_count(&pump->counters.late[nm_pace_class(late_ns)], 1);
        if (late_ns > pump->counters.latest_ns)
            __atomic_store_n(&pump->counters.latest_ns, late_ns, __ATOMIC_RELAXED);
        nm_pace_count(&pump->counters.sent_bytes, pump->frame[i].len);
    }
    nm_pace_count(&pump->counters.sent, n);
}

/* What a frame can be refused for, without anything being wrong with the handle. */
static bool refused(int error)
{
    return error == -EAGAIN || error == -EMSGSIZE || error == -ENOBUFS || error == -ENETDOWN;
}

static int inject(struct nm_pump *pump, uint32_t n)
{
    struct nm_deadline patience = {.timeout_ns = PATIENCE_NS};
    uint32_t sent = 0, unsent = 0;
    int error = 0;

    while (sent < n) {
        error = nm_capture_inject(pump->to, pump->frame, n, &patience, &sent);
        if (error == -EINTR)
            continue;
        if (!refused(error))
            break;
        /* Where there was no room there is none for the others, either. */
        unsent += error == -EMSGSIZE ? 1 : n - sent;
        sent += error == -EMSGSIZE ? 1 : n - sent;
        error = 0;
    }
    nm_pace_count(&pump->counters.unsent, unsent + n - sent);
    count_sent(pump, sent - unsent);
    return error;
}

static int send_due(struct nm_pump *pump)
{
    uint32_t n = nm_flight_take(pump->flight, nm_clock_ns(CLOCK_MONOTONIC), pump->frame, pump->departure_ns, BATCH);
    int error;

    if (!n)
        return 0;
    pump->failed = pump->to;
    while ((error = nm_capture_enter_aside(pump->to, 1)) == -EINTR)
        ;
    if (!error) {
        error = inject(pump, n);
        nm_capture_leave(pump->to);
    } else {
        nm_pace_count(&pump->counters.unsent, n);
        error = error == -EBADF ? NM_CAPTURE_STOPPED : error;
    }
    nm_flight_release(pump->flight);
    __atomic_store_n(&pump->counters.waiting, nm_flight_packets(pump->flight), __ATOMIC_RELAXED);
    return error < 0 ? error : (int)n;
}

/* ---- running ----------------------------------------------------------------------- */

/* One look at what has come, and as much of a pause as there is time for. */
static int wait(struct nm_pump *pump, int64_t until_ns)
{
    int64_t now_ns = nm_clock_ns(CLOCK_MONOTONIC), left_ns = until_ns == INT64_MAX ? INT64_MAX : until_ns - now_ns;
    int n = 0;

    if (!pump->ended) {
        n = receive(pump, left_ns <= COARSE_NS ? 0 : left_ns == INT64_MAX ? -1 : left_ns - COARSE_NS / 2);
        if (n == NM_CAPTURE_END)
            pump->ended = true;
        else if (n)
            return n;
    }
    if (left_ns > COARSE_NS && !pump->ended)
        return 0;
    if (left_ns > NM_PACE_SPIN_NS)
        nm_pace_sleep(!pump->ended && left_ns - NM_PACE_SPIN_NS > LOOK_NS ? now_ns + LOOK_NS : until_ns - NM_PACE_SPIN_NS);
    return 0;
}

int nm_pump_run(struct nm_pump *pump, int64_t for_ns)
{
    int64_t end_ns = for_ns < 0 ? INT64_MAX : nm_clock_ns(CLOCK_MONOTONIC) + for_ns;

    nm_pace_begin();
    for (;;) {
        int64_t next_ns = nm_flight_next(pump->flight);
        int n = send_due(pump);

        if (n < 0)
            return n;
        if (n > 0)
            continue;
        if (pump->ended && next_ns == INT64_MAX)
            return NM_CAPTURE_END;
        if (nm_clock_ns(CLOCK_MONOTONIC) >= end_ns)
            return 0;
        n = wait(pump, next_ns < end_ns ? next_ns : end_ns);
        if (n < 0)
            return n;
    }
}

struct nm_capture *nm_pump_failed(struct nm_pump *pump)
{
    return pump->failed;
}

/* ---- for others -------------------------------------------------------------------- */

void nm_pump_count(const struct nm_pump *pump, struct nm_pump_counters *counters)
{
    const uint64_t *from = (const uint64_t *)&pump->counters;
    uint64_t *to = (uint64_t *)counters;

    for (size_t i = 0; i < sizeof(*counters) / sizeof(*to); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

int nm_pump_configure(struct nm_pump *pump, const struct nm_wire_config *config)
{
    int error;

    pthread_mutex_lock(&pump->lock);
    error = nm_wire_configure(pump->wire, config);
    pthread_mutex_unlock(&pump->lock);
    return error;
}

void nm_pump_wire_count(struct nm_pump *pump, struct nm_wire_counters *counters)
{
    pthread_mutex_lock(&pump->lock);
    nm_wire_count(pump->wire, counters);
    pthread_mutex_unlock(&pump->lock);
}
