/* Processors whose machine code nobody here knows: the interpreter runs every program. */
#include "bpf/emitter.h"

#if !defined(__x86_64__) && !defined(__aarch64__)

const char *const nm_emit_machine = NULL;
const bool nm_emit_blinds = false;

void nm_emit_program(struct nm_emitter *e)
{
    (void)e;
}

#endif
