/*
 * jit: machine code from the lowered form.
 *
 * jit.c owns the memory and the passes; one file a processor knows instructions. The
 * memory is writable while the code is written and executable afterwards, never both.
 * Constants lie on pages of their own behind it, which can only be read.
 */
#ifndef NMPCAP_BPF_JIT_H
#define NMPCAP_BPF_JIT_H

#include "bpf/lowered.h"

typedef uint32_t nm_jit_run(const uint8_t *pkt, uint32_t wirelen, uint32_t caplen,
                            const struct nm_metadata *metadata);

struct nm_jit {
    void *mem; /* mapping; NULL: no machine code */
    size_t mapped;
    size_t length; /* bytes of code at its beginning */
};

/* nm_jit_machine - "jit-" and the processor, or NULL where there is no translation. */
const char *nm_jit_machine(void);

/* nm_jit_blinds - whether programs are to be lowered to a blind that nobody can guess; if not, to 0. */
bool nm_jit_blinds(void);

/* nm_jit_compile - ENOTSUP where there is no translation; ENOMEM; what mmap or mprotect answered. */
int nm_jit_compile(const struct nm_lowered *lowered, struct nm_jit *jit);
void nm_jit_free(struct nm_jit *jit);

static inline nm_jit_run *nm_jit_entry(const struct nm_jit *jit)
{
    return (nm_jit_run *)jit->mem;
}

#endif
