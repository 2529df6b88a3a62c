/*
 * savefile.h - pcap and pcapng files, read and written.
 *
 * Reading: a savefile is a source (source.h). It takes its bytes from a descriptor, or is
 * fed them by the caller, who then owns all input and output (decompression, file objects):
 *
 *     source = nm_savefile_open(fd or -1, flags, msg)
 *     nm_savefile_begin(source)          until it stops asking for bytes (-EAGAIN)
 *     fill ... fill                      views (view.h) point into the reader's own memory
 *     close
 *
 * Writing: a writer gathers records in a buffer and hands it, whole, to its descriptor, or
 * to the caller (nm_writer_pending), and reports a failure in the call that met it.
 *
 * Errors are negative errno values, and -EBADMSG for bytes that the format does not allow;
 * the message says what and at which byte. Link types are DLT_* as the rest of the core has
 * them; the files' own LINKTYPE_* appear only where the name says so.
 */

#ifndef NMPCAP_SAVEFILE_H
#define NMPCAP_SAVEFILE_H

#include <stddef.h>
#include <stdint.h>

#include "view.h"

#pragma GCC visibility push(default)

struct nm_source;
struct nm_writer;

#define NM_SAVEFILE_PCAP 1
#define NM_SAVEFILE_PCAPNG 2

/* ---- reading ----------------------------------------------------------------------- */

#define NM_SAVEFILE_SALVAGE 1 /* after damage look for the next believable record and go on */
#define NM_SAVEFILE_BLOCKS 2  /* pcapng: a view is a whole block, of any type, unaltered */

/* What an interface counts for, whoever keeps it: here it is a fifth of that, in a program's list the rest. */
#define NM_SAVEFILE_INTERFACE_COST 512

#define NM_SAVEFILE_SWAPPED 0x8000 /* in the flags of a block's view: not this machine's byte order */

/* What the file's header says. */
struct nm_savefile_info {
    uint32_t format;        /* NM_SAVEFILE_*; 0 until begin has seen the header */
    uint32_t linktype;      /* DLT of the file, or of the first interface */
    uint32_t file_linktype; /* LINKTYPE_* word as it stands in the file, FCS bits included */
    uint32_t snaplen;       /* limit in force: 0 and absurd values replaced as libpcap does */
    uint32_t version_major;
    uint32_t version_minor;
    int32_t thiszone;       /* pcap: seconds, as written; not applied */
    int32_t fcs_len;        /* octets of frame check sequence, -1 where the file does not say */
    uint8_t swapped;        /* the other byte order than this machine's */
    uint8_t nano;           /* time stamps finer than microseconds */
    uint8_t modified;       /* pcap: 24-byte record headers (Kuznetzov) */
    uint8_t reserved;
};

/* One interface of the file; a pcap file has exactly one. */
struct nm_savefile_interface {
    uint32_t linktype;      /* DLT */
    uint32_t file_linktype; /* LINKTYPE */
    uint32_t snaplen;       /* as written; 0 is no limit */
    uint32_t section;       /* which section of the file, from 0 */
    int64_t tsoffset_s;     /* seconds added to each time stamp */
    uint64_t ts_units;      /* units a second */
    const uint8_t *options; /* pcapng: the block's options as they stand; valid until the next fill */
    uint32_t options_len;
    uint8_t swapped;        /* byte order of those options */
    uint8_t reserved[3];
};

/* How much of a damaged file was passed over. */
struct nm_savefile_damage {
    uint64_t places;  /* times that reading had to resynchronise */
    uint64_t skipped; /* bytes passed over in all */
};

/*
 * nm_savefile_open - a source named "savefile" that has read nothing yet.
 *
 * @fd     where the bytes come from; the source's own from here on, closed with it (also when
 *         this fails). -1: the caller feeds them
 * @flags  NM_SAVEFILE_SALVAGE, NM_SAVEFILE_BLOCKS
 * @max_memory  bytes that may be kept of interfaces: NM_SAVEFILE_INTERFACE_COST for each, and twice its options; one
 *         too many is damage
 * @msg    NM_MSG_SIZE bytes, receives the reason of a failure
 *
 * Plain files are read in large pieces and never waited for. From pipes and the like what is
 * there is taken; fill gives 0 and wait waits where there is nothing.
 */
struct nm_source *nm_savefile_open(int fd, int flags, uint64_t max_memory, char *msg);

/*
 * nm_savefile_begin - reads as far as the first interface, so that the link type is known.
 *
 * 0; -EAGAIN: a fed source needs more bytes; -EINTR: look after signals, then call again;
 * -EBADMSG and others: not a savefile, or not readable; the source can then only be closed.
 */
int nm_savefile_begin(struct nm_source *source);

/*
 * nm_savefile_feed - appends bytes to what a fed source has yet to read (they are copied).
 *
 * Ends the life of the views of the last fill. A fed source that has run out says so by 0
 * from fill and by -EAGAIN from wait. A source with a descriptor takes, before begin, what the
 * caller has read from it already (to see whether it is compressed).
 */
int nm_savefile_feed(struct nm_source *source, const void *bytes, size_t len);

/* nm_savefile_finish - no more bytes will be fed: what is incomplete now is cut off. */
void nm_savefile_finish(struct nm_source *source);

/* nm_savefile_fill, _wait, _close - the source's own operations, for callers that cannot follow a C
 * pointer. A damaged file gives what could be read, then -EBADMSG once, then NM_SOURCE_END (-1000). */
int nm_savefile_fill(struct nm_source *source, struct nm_view *views, uint32_t capacity);
int nm_savefile_wait(struct nm_source *source, int timeout_ms);
void nm_savefile_close(struct nm_source *source);

/* nm_savefile_msg - why the last call failed: libpcap's words; nm_savefile_offset is the place. */
const char *nm_savefile_msg(struct nm_source *source);

/* nm_savefile_offset - the byte the next record starts at; after -EBADMSG, where the damaged one starts. */
uint64_t nm_savefile_offset(struct nm_source *source);

void nm_savefile_get_info(struct nm_source *source, struct nm_savefile_info *info);
void nm_savefile_get_damage(struct nm_source *source, struct nm_savefile_damage *damage);

/* nm_savefile_interfaces - how many interfaces have been met so far, over all sections. A view's ifindex
 * counts them in that order and stays below this number. */
uint32_t nm_savefile_interfaces(struct nm_source *source);

/* nm_savefile_interface - one of them; 0, or -EINVAL for an index not met yet. */
int nm_savefile_interface(struct nm_source *source, uint32_t ifindex, struct nm_savefile_interface *interface);

/* ---- writing ----------------------------------------------------------------------- */

struct nm_writer_config {
    uint32_t format;   /* NM_SAVEFILE_* */
    uint32_t linktype; /* DLT of the file (pcap), or of packets that do not say (pcapng) */
    uint32_t snaplen;  /* longer packets are cut to this; 0: 262144 */
    uint32_t told_snaplen; /* pcap: what the header says instead, and longer packets are refused; 0: snaplen */
    uint8_t nano;      /* nanosecond time stamps */
    uint8_t append;    /* the file has its header already; fd stands at its end */
    uint8_t reserved[2];
    uint32_t options_len;   /* pcapng: the section header's options, encoded, with their end; copied */
    const uint8_t *options;
    uint64_t max_bytes;     /* a packet that would make the file longer is not taken; 0: no limit */
    uint64_t max_packets;   /* nor one more than these */
};

/*
 * nm_writer_open - a writer whose file header is pending, unless it appends.
 *
 * @fd      where the bytes go; the writer's own from here on (also when this fails).
 *          -1: the caller takes them with nm_writer_pending
 * @writer  receives the writer; NULL on failure
 *
 * 0, -EINVAL (a link type that savefiles have no number for), -ENOMEM.
 */
int nm_writer_open(int fd, const struct nm_writer_config *config, struct nm_writer **writer, char *msg);

/* Where packets come from is a number of the caller's. An interface that is described for any source is theirs
 * whose own has not been described. */
#define NM_WRITER_ANY_SOURCE 0xffffffff

/*
 * nm_writer_write - appends one packet.
 *
 * @ts_ns     since the epoch; -ERANGE where the format cannot hold it
 * @len       bytes the packet had
 * @linktype  DLT; -EINVAL where it is not a pcap file's own
 * @source, @ifindex  pcapng: which interface of which source it came from; each new one, and each new link type
 *            on it, is described in the file
 * @options   pcapng: the block's options, encoded in the section's byte order, with their end; or NULL
 *
 * -EAGAIN: the caller takes the bytes, and must do so first. -EOVERFLOW: the file has reached its limit
 * (but one packet always fits). Any other failure to write what was pending comes out here as well, and the packet is then
 * not taken: nothing is lost, the call may be repeated once there is room again.
 */
int nm_writer_write(struct nm_writer *writer, int64_t ts_ns, const void *data, uint32_t caplen, uint32_t len,
                    uint32_t linktype, uint32_t source, uint32_t ifindex, const void *options, uint32_t options_len);

/* nm_writer_append - appends one packet, of an interface that has been described, where there is room for it
 * in memory: 0. Otherwise it is not taken, and nm_writer_write does what is needed, or says what is wrong. */
int nm_writer_append(struct nm_writer *writer, const struct nm_view *view, uint32_t source);

/*
 * nm_writer_interface - pcapng: describes an interface before its first packet.
 *
 * @source, @ifindex, @linktype  which packets are its own
 * @options             encoded, with their end, without if_tsresol, which the writer adds; or NULL
 *
 * Its number in the section, or a failure as of nm_writer_write.
 */
int nm_writer_interface(struct nm_writer *writer, uint32_t source, uint32_t ifindex, uint32_t linktype,
                        uint32_t snaplen, const void *options, uint32_t options_len);

/* nm_writer_block - pcapng: appends a whole block as it is; a section header begins a section, in its byte
 * order. -EINVAL: not framed as a block of the section's byte order. Other failures as of nm_writer_write. */
int nm_writer_block(struct nm_writer *writer, const void *bytes, uint32_t len);

/* nm_writer_swapped - whether the section is in the other byte order. */
int nm_writer_swapped(struct nm_writer *writer);

/*
 * nm_writer_views - appends packets that still lie where their source keeps them.
 *
 * Returns how many were taken, or the failure where none was. Each view's link type must be
 * the file's.
 */
int nm_writer_views(struct nm_writer *writer, const struct nm_view *views, uint32_t count, uint32_t source);

/* Packets in columns, as a program keeps many: each array has count elements. */
struct nm_columns {
    uint32_t count;
    uint32_t source;
    const int64_t *ts_ns;
    const int64_t *offsets; /* into data */
    const uint32_t *caplens;
    const uint32_t *lens;
    const uint32_t *interfaces;
    const uint16_t *linktypes;
    const uint16_t *flags; /* NM_VIEW_* */
    const uint8_t *data;
    size_t data_len;
};

/* nm_writer_columns - appends the packets from number first on; results as of nm_writer_views, and -EINVAL for
 * a packet that does not lie within data. */
int nm_writer_columns(struct nm_writer *writer, const struct nm_columns *columns, uint32_t first);

/* nm_writer_flush - hands everything pending to the descriptor. After a failure what could not
 * be written is still pending. -EINTR: look after signals, then call again (also comes by itself from time
 * to time while a pipe takes nothing). */
int nm_writer_flush(struct nm_writer *writer);

/*
 * nm_writer_close - flushes, closes, frees.
 *
 * @msg  NM_MSG_SIZE bytes, receives the reason of a failure
 *
 * The writer is gone whatever is returned. Where the flush failed on a plain file, a record
 * cut in the middle is taken off its end, and the message says how many packets are missing.
 * Flush first where that may take long: here -EINTR is a failure.
 */
int nm_writer_close(struct nm_writer *writer, char *msg);

/* nm_writer_pending - the bytes not handed on yet, valid until the next call on the writer;
 * nm_writer_taken tells how many of them the caller has taken off its hands. */
size_t nm_writer_pending(struct nm_writer *writer, const uint8_t **bytes);
void nm_writer_taken(struct nm_writer *writer, size_t len);

/* nm_writer_position - length of the file once everything pending is written. */
uint64_t nm_writer_position(struct nm_writer *writer);

/* nm_writer_snaplen - the snapshot length in force. */
uint32_t nm_writer_snaplen(struct nm_writer *writer);

/* nm_writer_packets - packets taken since open. */
uint64_t nm_writer_packets(struct nm_writer *writer);

const char *nm_writer_msg(struct nm_writer *writer);

/* ---- link types -------------------------------------------------------------------- */

/* nm_dlt_to_linktype - the number a link type has in files, or -1 where it has none. */
int nm_dlt_to_linktype(uint32_t dlt);
uint32_t nm_linktype_to_dlt(uint32_t linktype);

/* nm_linktype_snaplen - a snapshot length as it is applied: 0, and what no signed int holds, mean the most
 * that packets of this link type (DLT) can have. */
uint32_t nm_linktype_snaplen(uint32_t dlt, uint32_t snaplen);

#pragma GCC visibility pop

#endif
