/* A loaded program: who owns it, and which machine runs it. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "bpf/jit.h"
#include "bpf/keep.h"
#include "bpf/lower.h"
#include "bpf/vm.h"
#include "msg.h"

struct nm_program {
    atomic_uint owners;
    struct nm_lowered lowered;
    struct nm_jit jit;
};

static int fail(int error, char *msg, const char *reason)
{
    snprintf(msg, NM_MSG_SIZE, "%s", reason);
    return error;
}

/* Machine code if wanted and possible. */
static int choose_machine(struct nm_program *program, int machine, char *msg)
{
    const char *setting = getenv("NMPCAP_JIT");
    int error;

    if (machine == NM_BPF_INTERPRETER || (machine == NM_BPF_AUTO && setting && !strcmp(setting, "0")))
        return 0;
    error = nm_jit_compile(&program->lowered, &program->jit);
    if (!error || machine == NM_BPF_AUTO)
        return 0;
    snprintf(msg, NM_MSG_SIZE, "BPF program: cannot be translated to machine code: %s",
             error == ENOTSUP ? "no translation for this processor or size"
             : error == ENOMEM ? "out of memory"
                               : "the system refuses executable memory");
    return error;
}

int nm_program_new(const struct nm_insn *insns, uint32_t count, int machine, struct nm_program **result,
                   char *msg)
{
    struct nm_program *program;
    const char *reason;
    uint32_t index, blind = 0;
    int error;

    *result = NULL;
    msg[0] = '\0';
    if (machine != NM_BPF_AUTO && machine != NM_BPF_INTERPRETER && machine != NM_BPF_JIT)
        return fail(EINVAL, msg, "BPF program: there are the machines 0 (auto), 1 (interpreter) and 2 (JIT)");
    reason = nm_bpf_check(insns, count, &index);
    if (reason) {
        snprintf(msg, NM_MSG_SIZE, "BPF program is not valid: instruction %u: %s", index, reason);
        return EINVAL;
    }
    if (machine != NM_BPF_INTERPRETER && nm_jit_blinds() && getentropy(&blind, sizeof(blind)))
        return fail(errno, msg, "BPF program: the system has no random numbers to blind it with");
    program = calloc(1, sizeof(*program));
    if (!program)
        return fail(ENOMEM, msg, "BPF program: out of memory");
    atomic_init(&program->owners, 1);
    error = nm_bpf_lower(insns, count, blind, &program->lowered);
    if (error) {
        free(program);
        return fail(error, msg, "BPF program: out of memory");
    }
    nm_vm_prepare(&program->lowered);
    error = choose_machine(program, machine, msg);
    if (error) {
        nm_program_unref(program);
        return error;
    }
    *result = program;
    return 0;
}

struct nm_program *nm_program_ref(struct nm_program *program)
{
    /* Relaxed: whoever calls owns the program already, so it cannot vanish meanwhile. */
    if (program)
        atomic_fetch_add_explicit(&program->owners, 1, memory_order_relaxed);
    return program;
}

void nm_program_unref(struct nm_program *program)
{
    /* Release and acquire: every owner's last use comes before the free. */
    if (!program || atomic_fetch_sub_explicit(&program->owners, 1, memory_order_acq_rel) != 1)
        return;
    nm_jit_free(&program->jit);
    nm_lowered_free(&program->lowered);
    free(program);
}

const char *nm_program_machine(const struct nm_program *program)
{
    return program->jit.mem ? nm_jit_machine() : "interpreter";
}

uint32_t nm_program_metadata(const struct nm_program *program)
{
    return program->lowered.metadata;
}

const uint8_t *nm_program_code(const struct nm_program *program, size_t *size)
{
    *size = program->jit.length;
    return program->jit.mem;
}

static inline uint32_t run(const struct nm_program *program, const uint8_t *pkt, uint32_t wirelen,
                           uint32_t caplen, const struct nm_metadata *metadata)
{
    if (caplen > NM_BPF_MAX_CAPLEN)
        caplen = NM_BPF_MAX_CAPLEN;
    if (program->jit.mem)
        return nm_jit_entry(&program->jit)(pkt, wirelen, caplen, metadata);
    return nm_vm_run(&program->lowered, pkt, wirelen, caplen, metadata);
}

uint32_t nm_program_run(const struct nm_program *program, const uint8_t *pkt, uint32_t wirelen,
                        uint32_t caplen, const struct nm_metadata *metadata)
{
    return run(program, pkt, wirelen, caplen, metadata);
}

uint32_t nm_program_filter(const struct nm_program *program, struct nm_view *views,
                           const struct nm_metadata *metadata, uint32_t count)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t verdict = run(program, views[i].data, views[i].len, views[i].caplen,
                               metadata ? &metadata[i] : NULL);

        kept = nm_keep(views, kept, i, verdict);
    }
    return kept;
}
