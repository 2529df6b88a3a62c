/* Replay: what is due goes in one call, straight from where the source has it. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "capture/capture.h"
#include "wire/pace.h"
#include "wire/replay.h"

#define BATCH 256u
#define SECOND_NS 1000000000

struct nm_replay {
    struct nm_capture *to, *failed;
    struct nm_replay_config config;
    bool begun;            /* the round has */
    int64_t base_ns;       /* when its first packet was due */
    int64_t first_ts_ns;   /* of that packet */
    int64_t last_due_ns;
    uint64_t packets, bytes; /* of the round, before the next packet */
    struct nm_frame frame[BATCH];
    int64_t due_ns[BATCH];
    struct nm_replay_counters counters;
};

int nm_replay_new(struct nm_capture *to, const struct nm_replay_config *config, struct nm_replay **replay)
{
    struct nm_replay *r = calloc(1, sizeof(*r));

    *replay = r;
    if (!r)
        return -ENOMEM;
    r->to = to;
    r->config = *config;
    return 0;
}

void nm_replay_free(struct nm_replay *replay)
{
    free(replay);
}

void nm_replay_next_round(struct nm_replay *replay, int64_t pause_ns)
{
    replay->begun = false;
    replay->last_due_ns += pause_ns;
    replay->packets = replay->bytes = 0;
}

struct nm_capture *nm_replay_failed(struct nm_replay *replay)
{
    return replay->failed;
}

void nm_replay_count(const struct nm_replay *replay, struct nm_replay_counters *counters)
{
    const uint64_t *from = (const uint64_t *)&replay->counters;
    uint64_t *to = (uint64_t *)counters;

    for (size_t i = 0; i < sizeof(*counters) / sizeof(*to); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* ---- when -------------------------------------------------------------------------- */

static void begin(struct nm_replay *replay, const struct nm_view *first, int64_t now_ns)
{
    replay->begun = true;
    replay->base_ns = replay->counters.sent + replay->counters.failed ? replay->last_due_ns : now_ns;
    replay->first_ts_ns = first->ts_ns;
    if (!replay->counters.began_ns)
        replay->counters.began_ns = now_ns;
}

static int64_t scaled(unsigned __int128 amount, uint64_t factor, uint64_t divisor)
{
    unsigned __int128 ns = amount * factor / divisor;

    return ns < INT64_MAX / 2 ? (int64_t)ns : INT64_MAX / 2;
}

/* When a packet that has so many of the round before it is due. Times that go back are the first one's. */
static int64_t due(const struct nm_replay *replay, const struct nm_view *view, uint64_t packets, uint64_t bytes)
{
    const struct nm_replay_config *config = &replay->config;

    switch (config->timing) {
    case NM_REPLAY_SPEED:
        if (view->ts_ns < replay->first_ts_ns)
            return replay->base_ns;
        return replay->base_ns + scaled((uint64_t)view->ts_ns - (uint64_t)replay->first_ts_ns, config->divisor, config->value);
    case NM_REPLAY_PACKETS:
        return replay->base_ns + scaled((unsigned __int128)packets * SECOND_NS, config->divisor, config->value);
    case NM_REPLAY_BITS:
        bytes += packets * config->overhead;
        return replay->base_ns + scaled((unsigned __int128)bytes * 8 * SECOND_NS, config->divisor, config->value);
    default: return replay->base_ns;
    }
}

/* ---- sending ----------------------------------------------------------------------- */

/* Frames for those at the head of the window that are due; *next_ns is when the first that is not will be. */
static uint32_t gather(struct nm_replay *replay, const struct nm_window *window, int64_t now_ns, int64_t *next_ns)
{
    uint64_t left = window->passed - window->taken, packets = replay->packets, bytes = replay->bytes;
    uint64_t done = replay->counters.sent + replay->counters.failed;
    uint32_t n = 0;

    if (replay->config.limit && left > replay->config.limit - done)
        left = replay->config.limit - done;
    *next_ns = INT64_MAX;
    for (; n < left && n < BATCH; n++) {
        const struct nm_view *view = &window->next[n];

        replay->due_ns[n] = due(replay, view, packets, bytes);
        if (replay->due_ns[n] > now_ns && replay->config.timing != NM_REPLAY_AT_ONCE) {
            *next_ns = replay->due_ns[n];
            break;
        }
        replay->frame[n] = (struct nm_frame){view->data, view->caplen};
        packets++;
        bytes += view->caplen;
    }
    return n;
}

/* n packets have been dealt with; the window goes on to the next. */
static void advance(struct nm_replay *replay, struct nm_window *window, uint32_t n, bool sent)
{
    int64_t now_ns = nm_clock_ns(CLOCK_MONOTONIC);

    for (uint32_t i = 0; i < n; i++) {
        const struct nm_view *view = &window->next[i];
        int64_t late_ns = now_ns - replay->due_ns[i];

        replay->packets++;
        replay->bytes += view->caplen;
        replay->last_due_ns = replay->due_ns[i];
        if (!sent)
            continue;
        nm_pace_count(&replay->counters.bytes, view->caplen);
        nm_pace_count(&replay->counters.cut, view->caplen < view->len);
        if (replay->config.timing == NM_REPLAY_AT_ONCE)
            continue;
        nm_pace_count(&replay->counters.late[nm_pace_class(late_ns)], 1);
        if (late_ns > replay->counters.latest_ns)
            __atomic_store_n(&replay->counters.latest_ns, late_ns, __ATOMIC_RELAXED);
    }
    nm_pace_count(sent ? &replay->counters.sent : &replay->counters.failed, n);
    __atomic_store_n(&replay->counters.ended_ns, now_ns, __ATOMIC_RELAXED);
    window->next += n;
    __atomic_store_n(&window->taken, window->taken + n, __ATOMIC_RELEASE);
}

/* What the port refuses for what the packet is; everything else is an error of the port. */
static bool refused(int error)
{
    return error == -EMSGSIZE || error == -EINVAL;
}

/* Sends n packets from the window, waiting for room a little: who replays slows down rather than lose any. */
static int send(struct nm_replay *replay, struct nm_window *window, uint32_t n)
{
    struct nm_deadline patience = {.timeout_ns = SECOND_NS / 10};
    uint32_t sent = 0;
    int error = nm_capture_enter_aside(replay->to, 1);

    replay->failed = replay->to;
    if (error)
        return error == -EBADF ? NM_CAPTURE_STOPPED : error;
    error = nm_capture_inject(replay->to, replay->frame, n, &patience, &sent);
    nm_capture_leave(replay->to);
    advance(replay, window, sent, true);
    if (!refused(error)) {
        nm_pace_count(&replay->counters.waited, error == -EAGAIN || error == -EINTR);
        return error == -EAGAIN ? -EINTR : error;
    }
    replay->due_ns[0] = replay->due_ns[sent];
    advance(replay, window, 1, false);
    return 0;
}

static int refill(struct nm_replay *replay, struct nm_capture *from, int64_t end_ns)
{
    int64_t now_ns = nm_clock_ns(CLOCK_MONOTONIC);
    struct nm_deadline deadline = {.timeout_ns = end_ns == INT64_MAX ? -1 : end_ns > now_ns ? end_ns - now_ns : 0};
    int n = nm_capture_enter(from);

    replay->failed = from;
    if (n == -EINTR)
        n = nm_capture_await(from);
    if (n)
        return n == -EBADF ? NM_CAPTURE_STOPPED : n;
    n = nm_capture_refill(from, &deadline);
    nm_capture_leave(from);
    return n;
}

static bool done(const struct nm_replay *replay)
{
    return replay->config.limit && replay->counters.sent + replay->counters.failed >= replay->config.limit;
}

int nm_replay_run(struct nm_replay *replay, struct nm_capture *from, int64_t for_ns)
{
    struct nm_window *window = nm_capture_window(from);
    int64_t end_ns = for_ns < 0 ? INT64_MAX : nm_clock_ns(CLOCK_MONOTONIC) + for_ns;

    nm_pace_begin();
    for (;;) {
        int64_t now_ns = nm_clock_ns(CLOCK_MONOTONIC), next_ns;
        int n;

        if (done(replay))
            return NM_CAPTURE_END;
        if (now_ns >= end_ns)
            return 0;
        if (window->taken == window->passed) {
            n = refill(replay, from, end_ns);
            if (n < 0)
                return n;
            continue;
        }
        if (!replay->begun)
            begin(replay, window->next, now_ns);
        n = (int)gather(replay, window, now_ns, &next_ns);
        if (n) {
            n = send(replay, window, (uint32_t)n);
            if (n)
                return n;
            continue;
        }
        if (next_ns > end_ns)
            next_ns = end_ns;
        if (next_ns - now_ns > NM_PACE_SPIN_NS)
            nm_pace_sleep(next_ns - NM_PACE_SPIN_NS);
    }
}
