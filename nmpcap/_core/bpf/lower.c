/* The stages of lowering: translate, bounds, searches, layout; dead code goes in between. */
#include <errno.h>
#include <stdlib.h>

#include "bpf/bounds.h"
#include "bpf/layout.h"
#include "bpf/lower.h"
#include "bpf/search.h"

/* ---- translate: one operation an instruction, jumps made absolute ------------------- */

static bool is_forward_ja(const struct nm_insn *insn)
{
    return insn->code == (BPF_JMP | BPF_JA) && (int32_t)insn->k >= 0;
}

static struct nm_op translate_one(const struct nm_insn *insn)
{
    struct nm_op op = {.operation = (uint8_t)nm_bpf_operation(insn->code), .k = insn->k};
    uint32_t slot = (insn->k - BPF_AD_OFF) / 4;

    switch (op.operation) {
    case NM_OP_LD_ABS_W:
    case NM_OP_LD_ABS_H:
    case NM_OP_LD_ABS_B:
        if (insn->k >= BPF_AD_OFF && insn->k % 4 == 0 && slot < BPF_AD_WORDS)
            op = (struct nm_op){.operation = NM_OP_LD_METADATA, .k = slot};
        break;
    case NM_OP_LSH_K:
    case NM_OP_RSH_K:
        if (insn->k >= 32)
            op = (struct nm_op){.operation = NM_OP_LD_IMM};
        break;
    }
    return op;
}

static int translate(const struct nm_insn *insns, uint32_t count, struct nm_op *ops)
{
    uint32_t *lands = malloc(count * sizeof(*lands)); /* where a jump to i ends up */

    if (!lands)
        return ENOMEM;
    for (uint32_t i = count; i-- > 0;)
        lands[i] = is_forward_ja(&insns[i]) ? lands[i + 1 + insns[i].k] : i;
    for (uint32_t i = 0; i < count; i++) {
        struct nm_op *op = &ops[i];

        *op = translate_one(&insns[i]);
        if (nm_op_branches(op->operation)) {
            op->jt = lands[i + 1 + insns[i].jt];
            op->jf = lands[i + 1 + insns[i].jf];
        } else if (is_forward_ja(&insns[i])) {
            op->operation = NM_OP_JUMP;
            op->jt = lands[i];
        } else if (op->operation == NM_OP_JA) {
            op->jt = lands[(uint32_t)((int64_t)i + 1 + (int32_t)insns[i].k)];
        } else if (!nm_op_returns(op->operation)) {
            op->jf = lands[i + 1];
        }
    }
    free(lands);
    return 0;
}

/* ---- dead code ---------------------------------------------------------------------- */

struct worklist {
    uint32_t *stack;
    uint32_t depth;
    bool *seen;
};

static void reach(struct worklist *work, uint32_t i)
{
    if (work->seen[i])
        return;
    work->seen[i] = true;
    work->stack[work->depth++] = i;
}

static void reach_successors(struct worklist *work, const struct nm_op *op,
                             const struct nm_searches *searches)
{
    if (nm_op_returns(op->operation))
        return;
    if (op->operation == NM_OP_SEARCH) {
        const struct nm_search *search = &searches->list[op->k];

        for (uint32_t i = 0; i < search->count; i++)
            reach(work, searches->keys[search->first + i].target);
        reach(work, search->otherwise);
        return;
    }
    if (nm_op_jumps(op->operation) || nm_op_branches(op->operation))
        reach(work, op->jt);
    if (!nm_op_jumps(op->operation))
        reach(work, op->jf);
}

static int bury_unreachable(struct nm_op *ops, uint32_t count, const struct nm_searches *searches)
{
    struct worklist work = {
        .stack = malloc(count * sizeof(*work.stack)),
        .seen = calloc(count, sizeof(*work.seen)),
    };
    int error = work.stack && work.seen ? 0 : ENOMEM;

    if (!error) {
        reach(&work, 0);
        while (work.depth) {
            work.depth--;
            reach_successors(&work, &ops[work.stack[work.depth]], searches);
        }
        for (uint32_t i = 0; i < count; i++)
            if (!work.seen[i])
                ops[i] = (struct nm_op){.operation = NM_OP_DEAD};
    }
    free(work.stack);
    free(work.seen);
    return error;
}

/* ---- all of it ------------------------------------------------------------------------ */

static int run_stages(const struct nm_insn *insns, uint32_t count, struct nm_op *ops,
                      struct nm_searches *searches, struct nm_lowered *lowered)
{
    int error = translate(insns, count, ops);

    if (!error)
        error = bury_unreachable(ops, count, searches);
    if (!error)
        error = nm_bpf_bounds(ops, count);
    if (!error)
        error = nm_bpf_searches(ops, count, searches);
    if (!error)
        error = bury_unreachable(ops, count, searches);
    if (!error)
        error = nm_bpf_lay_out(ops, count, searches, lowered);
    return error;
}

int nm_bpf_lower(const struct nm_insn *insns, uint32_t count, uint32_t blind, struct nm_lowered *lowered)
{
    struct nm_op *ops = calloc(count, sizeof(*ops));
    struct nm_searches searches = {.blind = blind};
    int error = ENOMEM;

    *lowered = (struct nm_lowered){.blind = blind};
    if (ops)
        error = run_stages(insns, count, ops, &searches, lowered);
    nm_searches_free(&searches);
    free(ops);
    if (error)
        nm_lowered_free(lowered);
    return error;
}
