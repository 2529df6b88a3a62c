/*
 * emitter: where the machine code of a program is written, by one file a processor.
 *
 * The program is written several times over: first only measured, every jump in its long
 * form; then measured with short jumps wherever the first layout had room for them; at
 * last into memory. Sizes only shrink, so a jump once short enough stays so.
 */
#ifndef NMPCAP_BPF_EMITTER_H
#define NMPCAP_BPF_EMITTER_H

#include "bpf/lowered.h"

struct nm_emitter {
    const struct nm_lowered *program;
    uint8_t *out;          /* NULL while measuring */
    uint32_t length;       /* written, or measured, so far */
    uint32_t *constants;   /* words beside the code, which cannot be executed; NULL while measuring */
    uint32_t nconstants;   /* written, or measured, so far */
    uint32_t constants_at; /* address of the first; as all addresses, from where the code begins */
    uint32_t current;      /* the operation being written */
    uint32_t *layout;      /* in: addresses of the operations; [count] is the reject exit */
    uint32_t *written;     /* out: the same of this pass */
    const uint32_t *rough; /* layout to choose jumps by; NULL: all long */
};

/* nm_emit_machine - "jit-" and the processor, or NULL where there is no translation. */
extern const char *const nm_emit_machine;

/* nm_emit_blinds - whether instructions can begin at any byte, so that keys in the code are to be blinded;
 * if not, the program's blind is 0. */
extern const bool nm_emit_blinds;

/* nm_emit_program - writes prologue, operations and reject exit, one pass. */
void nm_emit_program(struct nm_emitter *e);

/* nm_emit_near - whether a jump in the current operation to target certainly spans at most span bytes. */
static inline bool nm_emit_near(const struct nm_emitter *e, uint32_t target, uint32_t span)
{
    uint32_t low, high, at;

    if (!e->rough)
        return false;
    at = e->rough[target];
    low = e->rough[e->current];
    high = e->rough[e->current + 1];
    return (at > low ? at - low : high - at) <= span;
}

static inline void nm_emit_byte(struct nm_emitter *e, uint32_t byte)
{
    if (e->out)
        e->out[e->length] = (uint8_t)byte;
    e->length++;
}

/* nm_emit_word - 32 bits, least significant byte first. */
static inline void nm_emit_word(struct nm_emitter *e, uint32_t word)
{
    for (int shift = 0; shift < 32; shift += 8)
        nm_emit_byte(e, word >> shift);
}

/* nm_emit_constant - writes a word beside the code and gives its address. */
static inline uint32_t nm_emit_constant(struct nm_emitter *e, uint32_t k)
{
    if (e->constants)
        e->constants[e->nconstants] = k;
    return e->constants_at + 4 * e->nconstants++;
}

#endif
