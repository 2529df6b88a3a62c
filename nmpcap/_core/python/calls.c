/* The core's side of the table that the extension modules work through. */
#include "python/calls.h"

const void *nm_deliver_calls(void)
{
    static const struct nm_deliver_calls calls = {
        .size = sizeof(calls),
        .free = nm_capture_free,
        .enter = nm_capture_enter,
        .await = nm_capture_await,
        .enter_aside = nm_capture_enter_aside,
        .leave = nm_capture_leave,
        .is_closed = nm_capture_is_closed,
        .window = nm_capture_window,
        .refill = nm_capture_refill,
        .stopped = nm_capture_stopped,
        .measure = nm_capture_measure,
        .share = nm_capture_share,
        .take = nm_capture_take,
        .release = nm_slab_release,
        .reserve = nm_capture_reserve,
        .inject = nm_capture_inject,
        .append = nm_writer_append,
        .name = nm_capture_name,
        .msg = nm_capture_msg,
    };

    return &calls;
}
