/*
 * capture.h - the handle: a source, a filter and a snaplen, read in batches.
 *
 *     source -> filter -> snaplen -> window -> program
 *
 * The window holds the packets that got through and that the program has not taken yet. They
 * are taken one by one or many at a time; only an empty window is refilled, so that no packet
 * is lost between two calls, however a call ended.
 *
 * Threads: whoever reads, sends or sets something first enters the handle, and leaves it afterwards; a thread
 * may enter again what it has entered. One thread reads; the others get a turn between two of its packets, or out of
 * its wait. Every function marked "any thread" may be called without entering, at any moment.
 *
 * Errors are negative errno values; nm_capture_msg says what was tried and why it failed.
 */
#ifndef NMPCAP_CAPTURE_H
#define NMPCAP_CAPTURE_H

#include "slab.h"
#include "view.h"

#pragma GCC visibility push(default)

struct nm_source;
struct nm_capture;
struct nm_program;
struct nm_insn;

enum {
    NM_CAPTURE_END = -1000,     /* the savefile has ended, the device is gone */
    NM_CAPTURE_STOPPED = -1001, /* nm_capture_break or nm_capture_close ended the call */
};

/* What waits for the program. Written by the thread that has entered; `stop` by any thread. */
struct nm_window {
    const struct nm_view *next; /* the oldest packet, where taken < passed */
    uint64_t taken;             /* packets the program has got since the handle was made */
    uint64_t passed;            /* packets that got through the filter since then */
    int stop;                   /* a break or close has come: end the call in progress */
};

/* How long a call may take. Begin with at_ns 0; the clock is read when there is first a reason to wait. */
struct nm_deadline {
    int64_t timeout_ns; /* 0: do not wait; -1: for ever */
    int64_t at_ns;      /* CLOCK_MONOTONIC */
};

/* Every counter runs from the opening of the handle and never goes back. */
struct nm_stats {
    uint64_t received;   /* packets taken from the source */
    uint64_t bytes;      /* their lengths on the wire, summed */
    uint64_t filtered;   /* of these: refused by the filter; goes back where a new one lets pass what an old one refused */
    uint64_t delivered;  /* of these: handed to the program */
    uint64_t waiting;    /* of these: in the window still; received = filtered + delivered + waiting */
    uint64_t dropped;    /* lost for want of room in a ring or buffer of the source */
    uint64_t if_dropped; /* lost by the interface before that */
    uint64_t sent;       /* frames accepted by inject */
    uint64_t unsent;     /* frames that found no room before their deadline; not those behind them */
    uint64_t unread;     /* waiting in the source, not received yet; of netmap's rings, slots */
    uint64_t forwarded;  /* on a switch, of the sent: to one port, */
    uint64_t flooded;    /* to all others, */
    uint64_t discarded;  /* to nobody */
};

/*
 * nm_capture_new - a handle on a source, which is the handle's own from here on (also when
 * this fails).
 *
 * @name     of the port, for messages; copied
 * @snaplen  bytes kept of each packet
 */
int nm_capture_new(struct nm_source *source, const char *name, uint32_t snaplen, struct nm_capture **capture);

/* nm_capture_free - closes and frees; nobody may be in the handle. */
void nm_capture_free(struct nm_capture *capture);

/*
 * nm_capture_enter - takes the handle for this thread, to read.
 *
 * 0; -EBUSY: another thread is reading; -EINTR: another thread has a turn, call nm_capture_await; -EBADF: it is
 * closed. These leave no message.
 */
int nm_capture_enter(struct nm_capture *capture);

/* nm_capture_await - waits, for a tenth of a second at most, to enter to read: as nm_capture_enter; -EINTR: look
 * after signals, then call again. */
int nm_capture_await(struct nm_capture *capture);

/*
 * nm_capture_enter_aside - takes the handle for this thread, to send or to set something; a thread that reads
 * passes it on for that.
 *
 * @patient  0: only if it is free; 1: waits for a turn, a tenth of a second at most
 *
 * 0; -EINTR: not yet; -EBADF: it is closed. These leave no message.
 */
int nm_capture_enter_aside(struct nm_capture *capture, int patient);

/* nm_capture_leave - undoes one enter. The last one out of a closed handle closes the source. */
void nm_capture_leave(struct nm_capture *capture);

/* nm_capture_window - lives as long as the handle. */
struct nm_window *nm_capture_window(struct nm_capture *capture);

/*
 * nm_capture_refill - waits until packets have got through the filter; the window must be empty.
 *
 * The packets in it live until the next refill or until the source is closed.
 *
 * > 0: how many; 0: the deadline has come; NM_CAPTURE_END; NM_CAPTURE_STOPPED; -EINTR: look
 * after signals, then call again with the same deadline (also comes by itself from time to
 * time, so that a signal that slipped in before the wait is not kept waiting); -EAGAIN: a filter
 * is wanted (nm_capture_wanted), or the source wants to be fed; other errors are the source's.
 */
int nm_capture_refill(struct nm_capture *capture, struct nm_deadline *deadline);

/* nm_capture_stopped - whether a break or close has come; a break is used up by being seen. */
int nm_capture_stopped(struct nm_capture *capture);

/* nm_capture_measure - the captured bytes of the n oldest packets in the window, summed. */
uint64_t nm_capture_measure(struct nm_capture *capture, uint32_t n);

/*
 * nm_capture_share - the memory that the n oldest packets in the window lie in, one behind the other, held
 * for the caller, who releases it; NULL where they have to be copied, because it is the source's, or would be
 * much for few packets.
 *
 * @size  from the first byte of the first to the last byte of the last
 */
struct nm_slab *nm_capture_share(struct nm_capture *capture, uint32_t n, uint64_t *size);

/*
 * nm_capture_take - takes the n oldest packets out of the window.
 *
 * @data     where their bytes are copied to, one behind the other: nm_capture_measure(n) bytes. NULL: they
 *           stay where they are (nm_capture_share), and offsets count from the first packet's first byte
 * @columns  n * NM_COLUMNS_SIZE bytes, aligned to 8: int64_t ts_ns[n], int64_t offset[n] (into
 *           data), uint32_t caplen[n], len[n], ifindex[n], uint16_t linktype[n], flags[n]
 */
void nm_capture_take(struct nm_capture *capture, uint32_t n, void *data, void *columns);

#define NM_COLUMNS_SIZE 32

/* nm_capture_reserve - makes room for batches of so many packets; takes effect at the next refill. */
void nm_capture_reserve(struct nm_capture *capture, uint32_t capacity);

#define NM_FILTER_TAGS_ASIDE 1 /* the program finds VLAN tags where Linux' own filters do: beside the packet */
#define NM_FILTER_NEW_ONLY 2  /* packets that wait in the window need not pass it */
#define NM_FILTER_EACH_LINKTYPE 4    /* refill asks for the filters of other link types, when it meets one */

/*
 * nm_capture_filter - sets the filter, or takes it away (NULL). Packets that the program has not had
 * yet are judged by the new one, whatever the old one said of them.
 *
 * @program   the handle takes a reference of its own
 * @linktype  of the packets that the program can judge; others are refused
 * @flags     NM_FILTER_*
 */
void nm_capture_filter(struct nm_capture *capture, struct nm_program *program, uint16_t linktype, int flags);

/*
 * nm_capture_filter_for - sets the filter of packets of another link type than nm_capture_filter was told of.
 *
 * 0; -ENOMEM. With NM_FILTER_EACH_LINKTYPE refill says -EAGAIN when it has met packets that there is no filter for;
 * nm_capture_wanted is then their link type, and -1 otherwise.
 */
int nm_capture_filter_for(struct nm_capture *capture, struct nm_program *program, uint16_t linktype);
int nm_capture_wanted(struct nm_capture *capture);

/* nm_capture_judge_again - has the packets that the program has not had yet judged by the filters there are now, whatever
 * earlier ones said of them, by the bytes as they came. */
void nm_capture_judge_again(struct nm_capture *capture);

/*
 * nm_capture_kernel_filter - lets the kernel drop what a program refuses before it reaches the source. The
 * filter judges what is left, so that the program must accept at least what that accepts.
 *
 * @insns  of the program, for packets as the kernel has them (nmpcap/bpf/kernel.py); n 0: let it drop nothing
 *
 * 0; -ENOTSUP: the source has no kernel behind it; else why the kernel refused, which then goes on as before.
 */
int nm_capture_kernel_filter(struct nm_capture *capture, const struct nm_insn *insns, uint32_t n);

/* nm_capture_direction - delivers only packets that were being sent (NM_DIRECTION_OUT), or only others (NM_DIRECTION_IN),
 * or all (0). Packets that wait in the window are judged again, too. */
void nm_capture_direction(struct nm_capture *capture, int direction);

/*
 * nm_capture_inject - sends frames in their order, flushed.
 *
 * @sent  where to begin and, afterwards, how many of the n have been accepted
 *
 * 0: all; -EAGAIN: there was no room for the rest before the deadline, or never will be without
 * another's doing; -EINTR: look after signals, then call again with the same arguments;
 * NM_CAPTURE_STOPPED; other errors belong to frame *sent.
 */
int nm_capture_inject(struct nm_capture *capture, const struct nm_frame *frames, uint32_t n,
                      struct nm_deadline *deadline, uint32_t *sent);

/* nm_capture_room - whether inject would find room for a frame now: 1, also where only trying can tell, or 0, or an
 * error of the source. */
int nm_capture_room(struct nm_capture *capture);

/* nm_capture_drain - whether every accepted frame has left: 0; else, after a short wait, -EINTR: call again;
 * -EAGAIN: the deadline has come; NM_CAPTURE_STOPPED. */
int nm_capture_drain(struct nm_capture *capture, struct nm_deadline *deadline);

/* nm_capture_break - ends the call in progress, or else the next one. Any thread; a signal handler, too. */
void nm_capture_break(struct nm_capture *capture);

/* nm_capture_close - ends the call in progress and lets go of the source: at once, or when the thread that
 * is in the handle (be it this one, in a callback) leaves it. Any thread; may be repeated. */
void nm_capture_close(struct nm_capture *capture);

/* nm_capture_is_closed - whether close has been called; nm_capture_is_released - whether the source is gone, too. */
int nm_capture_is_closed(struct nm_capture *capture);
int nm_capture_is_released(struct nm_capture *capture);

/* nm_capture_stats - any thread; after close: as they were then. */
void nm_capture_stats(struct nm_capture *capture, struct nm_stats *stats);

/* nm_capture_fileno - for select and its kin: readable while packets wait in the source; -1: there is
 * none. Not any thread: the source's poll has to know from here on that the descriptor is watched. */
int nm_capture_fileno(struct nm_capture *capture);

const char *nm_capture_name(struct nm_capture *capture);
uint32_t nm_capture_snaplen(struct nm_capture *capture);

/* nm_capture_msg - why the last call failed; for the thread that has entered. */
const char *nm_capture_msg(struct nm_capture *capture);

#pragma GCC visibility pop

#endif
