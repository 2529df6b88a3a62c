/*
 * bpf.h - BPF programs: check them, own them, run them.
 *
 * A program decides how many bytes of a packet to keep; 0 drops it. It is checked once,
 * when it is loaded, and then runs without further ado: as machine code where the
 * processor and the system allow, else in an interpreter. Both give the same verdicts.
 *
 * What the instructions mean is libpcap's bpf_filter: loads are big-endian and bounded by
 * the bytes captured; a load beyond them and a division by a register that is 0 end the
 * program with 0; shifts by 32 and more give 0; scratch words start as 0. Packets end at
 * 2 GiB. A program may jump backwards NM_BPF_BACKWARD_LIMIT times; the next such jump
 * ends it with 0.
 *
 * A loaded program never changes: any number of threads may run it at once.
 */
#ifndef NMPCAP_BPF_BPF_H
#define NMPCAP_BPF_BPF_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(default)

#define NM_BPF_BACKWARD_LIMIT 8192 /* 8-byte extension headers in 64 KiB */
#define NM_BPF_MEMWORDS 16

struct nm_insn {
    uint16_t code;
    uint8_t jt;
    uint8_t jf;
    uint32_t k;
};

/*
 * What Linux ancillary loads (k = 0xfffff000 + n) find: value[n / 4], where bit n / 4 of
 * known is set. Without the bit, or without a metadata structure, the load is one
 * beyond the packet, as in libpcap.
 */
struct nm_metadata {
    uint32_t known;
    uint32_t value[16];
};

enum { /* of which word is what: SKF_AD_* of linux/filter.h, a fourth of it */
    NM_META_TYPE = 1,
    NM_META_IFINDEX = 2,
    NM_META_HATYPE = 7,
    NM_META_TAG = 11,
    NM_META_TAGGED = 12,
    NM_META_TPID = 15,
};

/*
 * nm_bpf_check - whether a program may run.
 *
 * Returns NULL if it may, else the reason, with *index the instruction to blame, from 0.
 */
const char *nm_bpf_check(const struct nm_insn *insns, uint32_t count, uint32_t *index);

/* Which machine nm_program_new may choose. */
#define NM_BPF_AUTO 0        /* machine code where possible, unless NMPCAP_JIT=0 is in the environment */
#define NM_BPF_INTERPRETER 1
#define NM_BPF_JIT 2         /* machine code or nothing */

struct nm_program;

/*
 * nm_program_new - checks, copies and loads a program.
 *
 * @machine  NM_BPF_AUTO, NM_BPF_INTERPRETER or NM_BPF_JIT
 * @program  receives the program with one reference; NULL on failure
 * @msg      NM_MSG_SIZE bytes, receives the reason of a failure
 *
 * EINVAL: not a valid program; ENOMEM; with NM_BPF_JIT, ENOTSUP on a processor or for a
 * program (over 2 million instructions) without a translation, and what the system says
 * where it forbids fresh executable memory (mostly EACCES).
 */
int nm_program_new(const struct nm_insn *insns, uint32_t count, int machine,
                   struct nm_program **program, char *msg);

/* nm_program_ref - one more owner; nm_program_unref - one less, the last one frees. From any thread; NULL
 * is no program and does nothing. */
struct nm_program *nm_program_ref(struct nm_program *program);
void nm_program_unref(struct nm_program *program);

/* nm_program_machine - "jit-x86_64", "jit-aarch64" or "interpreter". */
const char *nm_program_machine(const struct nm_program *program);

/* nm_program_metadata - what its ancillary loads ask for: a bit for each word of nm_metadata.value. */
uint32_t nm_program_metadata(const struct nm_program *program);

/* nm_program_code - the machine code, for a disassembler, or NULL; *size is its bytes. It lives as long
 * as the program. */
const uint8_t *nm_program_code(const struct nm_program *program, size_t *size);

/*
 * nm_program_run - the verdict over one packet: bytes to keep, 0 to drop.
 *
 * @wirelen   the packet's length on the wire
 * @caplen    bytes at pkt
 * @metadata  for ancillary loads, or NULL
 */
uint32_t nm_program_run(const struct nm_program *program, const uint8_t *pkt, uint32_t wirelen,
                        uint32_t caplen, const struct nm_metadata *metadata);

struct nm_view;

/*
 * nm_program_filter - runs over count views and keeps those that pass, in order, at the front.
 *
 * caplen of a kept view is cut to the verdict. The views dropped are lost.
 *
 * @metadata  one for each view, or NULL
 *
 * Returns how many were kept.
 */
uint32_t nm_program_filter(const struct nm_program *program, struct nm_view *views,
                           const struct nm_metadata *metadata, uint32_t count);

#pragma GCC visibility pop

#endif
