/* Packets out of a handle: those in its window, which is refilled when it is empty. */
#include <errno.h>

#include "capture/capture.h"
#include "clock.h"
#include "traffic/inlet.h"

static void take(struct nm_sink *sink, struct nm_window *window, uint64_t limit, struct nm_haul *haul)
{
    uint64_t n = window->passed - window->taken;

    if (n > limit)
        n = limit;
    for (uint64_t i = 0; i < n; i++) {
        const struct nm_view *view = &window->next[i];

        haul->bytes += view->len;
        if (sink->sequence)
            nm_sink_see(sink, view->data, view->caplen, haul);
    }
    haul->packets = n;
    window->next += n;
    __atomic_store_n(&window->taken, window->taken + n, __ATOMIC_RELEASE);
}

int nm_take_capture(struct nm_sink *sink, uint64_t limit, int64_t end_ns, struct nm_haul *haul)
{
    struct nm_window *window = nm_capture_window(sink->capture);
    int64_t now_ns = nm_clock_ns(CLOCK_MONOTONIC);
    struct nm_deadline deadline = {.timeout_ns = end_ns == INT64_MAX ? -1 : end_ns > now_ns ? end_ns - now_ns : 0};
    int n = nm_capture_enter(sink->capture);

    if (n == -EINTR)
        n = nm_capture_await(sink->capture);
    if (n)
        return n == -EBADF ? NM_CAPTURE_STOPPED : n;
    if (window->taken == window->passed)
        n = nm_capture_refill(sink->capture, &deadline);
    if (n >= 0)
        take(sink, window, limit, haul);
    nm_capture_leave(sink->capture);
    return n < 0 ? n : 0;
}
