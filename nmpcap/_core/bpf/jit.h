/*
 * jit: machine code from the lowered form.
 *
 * jit.c owns the memory and the passes; one file a processor knows instructions. The
 * memory is writable while the code is written and executable afterwards, never both.
 */
#ifndef NMPCAP_BPF_JIT_H
#define NMPCAP_BPF_JIT_H

#include "bpf/lowered.h"

typedef uint32_t nm_jit_run(const uint8_t *pkt, uint32_t wirelen, uint32_t caplen,
                            const struct nm_metadata *metadata);

struct nm_jit {
    void *mem; /* mapping; NULL: no machine code */
    size_t mapped;
    size_t length; /* bytes of code in it */
};

/* nm_jit_compile - ENOTSUP where there is no translation; ENOMEM; what mmap or mprotect answered. */
int nm_jit_compile(const struct nm_lowered *lowered, struct nm_jit *jit);
void nm_jit_free(struct nm_jit *jit);

static inline nm_jit_run *nm_jit_entry(const struct nm_jit *jit)
{
    return (nm_jit_run *)jit->mem;
}

/* nm_jit_name - "jit-" and the processor, or NULL where there is no translation. */
extern const char *const nm_jit_name;

/* ---- between jit.c and the processors -------------------------------------------------
 *
 * The program is written several times over: first only measured, every jump in its long
 * form; then measured with short jumps wherever the first layout had room for them; at
 * last into memory. Sizes only shrink, so a jump once short enough stays so. */

struct nm_emitter {
    const struct nm_lowered *program;
    uint8_t *out;                /* NULL while measuring */
    uint32_t length;             /* written, or measured, so far */
    uint32_t current;            /* the operation being written */
    uint32_t *layout;            /* in: addresses of the operations; [count] is the reject exit */
    uint32_t *written;           /* out: the same of this pass */
    const uint32_t *rough;       /* layout to choose jumps by; NULL: all long */
};

/* nm_jit_emit - writes prologue, operations and reject exit, one pass. */
void nm_jit_emit(struct nm_emitter *e);

/* nm_jit_near - whether a jump in the current operation to target certainly spans at most span bytes. */
static inline bool nm_jit_near(const struct nm_emitter *e, uint32_t target, uint32_t span)
{
    uint32_t low, high, at;

    if (!e->rough)
        return false;
    at = e->rough[target];
    low = e->rough[e->current];
    high = e->rough[e->current + 1];
    return (at > low ? at - low : high - at) <= span;
}

static inline void nm_jit_byte(struct nm_emitter *e, uint8_t byte)
{
    if (e->out)
        e->out[e->length] = byte;
    e->length++;
}

/* nm_jit_word - 32 bits, least significant byte first. */
static inline void nm_jit_word(struct nm_emitter *e, uint32_t word)
{
    for (int shift = 0; shift < 32; shift += 8)
        nm_jit_byte(e, (uint8_t)(word >> shift));
}

#endif
