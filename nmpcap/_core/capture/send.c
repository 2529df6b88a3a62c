/* Sending through a handle: in order, flushed, and what does not fit is reported. */
#include "capture/impl.h"

/* How long a source that cannot say when it has room is left alone. */
#define RETRY_NS 200000

/* How long a wait for room keeps a thread that reads out of the handle. */
#define SHARED_MS 1

/* Lets time pass, and the caller look after signals: -EINTR; or 0, the deadline has come. */
static int pause_for(int ms)
{
    struct timespec retry = {.tv_nsec = RETRY_NS};

    if (ms == 0)
        return 0;
    nanosleep(&retry, NULL);
    return -EINTR;
}

/* Waits for room: 1 try again, 0 the deadline has come, or an error. */
static int wait_for_room(struct nm_capture *c, struct nm_deadline *deadline)
{
    int ms = nm_deadline_slice(deadline), n;

    if (__atomic_load_n(&c->window.stop, __ATOMIC_RELAXED) && nm_capture_stopped(c))
        return NM_CAPTURE_STOPPED;
    nm_capture_pass(c); /* to a thread that reads, whose turn it is again */
    if (nm_capture_is_closed(c))
        return NM_CAPTURE_STOPPED;
    if (!c->source->ops->room || ms == 0)
        return pause_for(ms);
    if (c->turns.reserved && ms > SHARED_MS) /* who reads may be what makes room */
        ms = SHARED_MS;
    n = c->source->ops->room(c->source, ms);
    return n ? n : -EINTR;
}

/* Pushes what is queued, waiting for room. What cannot go is taken back: so many frames, the last ones; it stays
 * where only the wait was interrupted. */
static int push(struct nm_capture *c, struct nm_deadline *deadline, uint32_t *back)
{
    const struct nm_source_ops *ops = c->source->ops;
    int error;

    while ((error = ops->flush ? ops->flush(c->source) : 0) == -EAGAIN) {
        error = wait_for_room(c, deadline);
        if (error == -EINTR)
            return error;
        if (error <= 0) {
            error = error ? error : -EAGAIN;
            break;
        }
    }
    if (!error || !ops->withdraw)
        return error;
    *back = (uint32_t)ops->withdraw(c->source);
    return error;
}

static int inject(struct nm_capture *c, const struct nm_frame *frames, uint32_t n, struct nm_deadline *deadline,
                  uint32_t *sent)
{
    const struct nm_source_ops *ops = c->source->ops;
    uint32_t begin = *sent, i = begin, back = 0;
    int error = 0, flushed;

    while (i < n) {
        error = ops->inject(c->source, frames[i].data, frames[i].len);
        if (error == -EAGAIN) {
            /* Pushing out what is queued may be all it takes. */
            error = ops->flush ? ops->flush(c->source) : 0;
            if (!error)
                error = ops->inject(c->source, frames[i].data, frames[i].len);
        }
        if (error == -EAGAIN) {
            error = wait_for_room(c, deadline);
            if (error > 0)
                continue;
            if (error == 0)
                error = -EAGAIN;
        }
        if (error)
            break;
        i++;
    }
    /* An interrupted call is made again, and goes on; one that has failed does not wait any more. */
    flushed = i && error != -EINTR ? push(c, error ? &(struct nm_deadline){0} : deadline, &back) : 0;
    /* What is taken back may be of an interrupted call: of this one, or of another, which was not made again. */
    nm_count(&c->sent, (uint64_t)i - begin - back);
    if (error == -EAGAIN || flushed == -EAGAIN)
        nm_count(&c->unsent, 1);
    *sent = i > back ? i - back : 0;
    return error ? error : flushed;
}

int nm_capture_inject(struct nm_capture *c, const struct nm_frame *frames, uint32_t n,
                      struct nm_deadline *deadline, uint32_t *sent)
{
    uintptr_t me = (uintptr_t)pthread_self(), before = c->turns.sending;
    int error;

    /* A thread that has passed the handle on while it waits for room is not done: frames of two are not mixed. */
    if (before && before != me) {
        error = pause_for(nm_deadline_slice(deadline));
        nm_capture_pass(c);
        return nm_capture_is_closed(c) ? NM_CAPTURE_STOPPED : error ? error : -EAGAIN;
    }
    c->turns.sending = me;
    error = inject(c, frames, n, deadline, sent);
    c->turns.sending = before;
    return error;
}

int nm_capture_room(struct nm_capture *c)
{
    int n = c->source->ops->room ? c->source->ops->room(c->source, 0) : 1;

    return n == -EINTR ? 0 : n;
}

int nm_capture_drain(struct nm_capture *c, struct nm_deadline *deadline)
{
    const struct nm_source_ops *ops = c->source->ops;
    int n = ops->flush ? ops->flush(c->source) : 0;

    if (n && n != -EAGAIN)
        return n;
    n = ops->queued ? ops->queued(c->source) : 0;
    if (n <= 0)
        return n;
    if (__atomic_load_n(&c->window.stop, __ATOMIC_RELAXED) && nm_capture_stopped(c))
        return NM_CAPTURE_STOPPED;
    /* No device tells when the last frame has gone: the caller looks again and again. */
    n = pause_for(nm_deadline_slice(deadline));
    return n ? n : -EAGAIN;
}
