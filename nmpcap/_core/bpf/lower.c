/* The stages of lowering: translate, bounds, searches, layout; dead code goes in between. */
#include <errno.h>
#include <stdlib.h>

#include "bpf/lower.h"

#define NOWHERE UINT32_MAX

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

/* ---- layout: what is alive, in order, searches written out --------------------------- */

enum { LEAF_KEYS = 3, LOCAL_JT = 1, LOCAL_JF = 2 }; /* local: already an index into the layout */

struct layout {
    struct nm_lowered *out;
    const struct nm_op *ops;
    const struct nm_searches *searches;
    uint32_t *place; /* where operation i has gone */
};

static struct nm_op *emit(struct layout *layout, struct nm_op op)
{
    layout->out->ops[layout->out->count] = op;
    return &layout->out->ops[layout->out->count++];
}

static void emit_search(struct layout *layout, const struct nm_key *keys, uint32_t count,
                        uint32_t otherwise)
{
    if (count > LEAF_KEYS) {
        uint32_t middle = count / 2;
        uint32_t at = layout->out->count;

        emit(layout, (struct nm_op){.operation = NM_OP_JGE_K, .k = keys[middle].value, .jf = at + 1,
                                    .local = LOCAL_JT | LOCAL_JF});
        emit_search(layout, keys, middle, otherwise);
        layout->out->ops[at].jt = layout->out->count;
        emit_search(layout, keys + middle, count - middle, otherwise);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool last = i == count - 1;

        emit(layout, (struct nm_op){.operation = NM_OP_JEQ_K, .k = keys[i].value, .jt = keys[i].target,
                                    .jf = last ? otherwise : layout->out->count + 1,
                                    .local = last ? 0 : LOCAL_JF});
    }
}

/* Goes on at target, where next is what follows in the layout anyhow. */
static void emit_successor(struct layout *layout, uint32_t target, uint32_t next)
{
    if (target == next)
        return;
    if (nm_op_returns(layout->ops[target].operation))
        emit(layout, layout->ops[target]);
    else
        emit(layout, (struct nm_op){.operation = NM_OP_JUMP, .jt = target});
}

/* Sixteen bits a key: one value in sixteen that is no key is searched for all the same. */
static int add_sieve(struct nm_lowered *out, const struct nm_key *keys, uint32_t count)
{
    struct nm_sieve *sieve = &out->sieves[out->nsieves];
    uint32_t log = 6;

    while (log < 31 && 1u << log < (uint64_t)count * 16)
        log++;
    sieve->shift = 32 - log;
    sieve->words = calloc((size_t)1 << (log - 5), sizeof(*sieve->words));
    if (!sieve->words)
        return ENOMEM;
    out->nsieves++;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t hash = nm_sieve_hash(sieve, keys[i].value);

        sieve->words[hash / 32] |= 1u << hash % 32;
    }
    return 0;
}

static int emit_choice(struct layout *layout, const struct nm_search *search)
{
    const struct nm_key *keys = layout->searches->keys + search->first;
    uint32_t sieve = layout->out->nsieves;
    int error = add_sieve(layout->out, keys, search->count);

    if (error)
        return error;
    emit(layout, (struct nm_op){.operation = NM_OP_SIEVE, .k = sieve, .jf = search->otherwise});
    emit_search(layout, keys, search->count, search->otherwise);
    return 0;
}

static int emit_one(struct layout *layout, uint32_t i, uint32_t next)
{
    const struct nm_op *op = &layout->ops[i];

    layout->place[i] = layout->out->count;
    if (op->operation == NM_OP_JUMP) {
        emit_successor(layout, op->jt, next);
    } else if (op->operation == NM_OP_SEARCH) {
        return emit_choice(layout, &layout->searches->list[op->k]);
    } else {
        emit(layout, *op);
        if (op->operation == NM_OP_LD_MEM || op->operation == NM_OP_LDX_MEM)
            layout->out->mem_read |= (uint16_t)(1u << op->k);
        if (op->operation == NM_OP_LD_METADATA)
            layout->out->metadata |= (uint16_t)(1u << op->k);
        if (!nm_op_branches(op->operation) && !nm_op_returns(op->operation) && op->operation != NM_OP_JA)
            emit_successor(layout, op->jf, next);
    }
    return 0;
}

static void resolve(struct nm_lowered *out, const uint32_t *place)
{
    for (uint32_t i = 0; i < out->count; i++) {
        struct nm_op *op = &out->ops[i];

        if (!(op->local & LOCAL_JT))
            op->jt = place[op->jt];
        if (!(op->local & LOCAL_JF))
            op->jf = place[op->jf];
    }
}

static int lay_out(const struct nm_op *ops, uint32_t count, const struct nm_searches *searches,
                   struct nm_lowered *out)
{
    /* An operation and a jump behind it, or a sieve; a search has two comparisons a key. */
    size_t room = 2 * ((size_t)count + searches->nkeys);
    struct layout layout = {.out = out, .ops = ops, .searches = searches};
    uint32_t i = 0;
    int error = 0;

    out->ops = malloc(room * sizeof(*out->ops));
    layout.place = calloc(count, sizeof(*layout.place));
    out->sieves = calloc((size_t)searches->count + 1, sizeof(*out->sieves));
    if (!out->ops || !layout.place || !out->sieves)
        error = ENOMEM;
    while (!error && i < count) {
        uint32_t next = i + 1;

        while (next < count && ops[next].operation == NM_OP_DEAD)
            next++;
        error = emit_one(&layout, i, next < count ? next : NOWHERE);
        i = next;
    }
    if (!error)
        resolve(out, layout.place);
    free(layout.place);
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
        error = lay_out(ops, count, searches, lowered);
    return error;
}

int nm_bpf_lower(const struct nm_insn *insns, uint32_t count, struct nm_lowered *lowered)
{
    struct nm_op *ops = calloc(count, sizeof(*ops));
    struct nm_searches searches = {0};
    int error = ENOMEM;

    *lowered = (struct nm_lowered){0};
    if (ops)
        error = run_stages(insns, count, ops, &searches, lowered);
    nm_searches_free(&searches);
    free(ops);
    if (error)
        nm_lowered_free(lowered);
    return error;
}

void nm_lowered_free(struct nm_lowered *lowered)
{
    for (uint32_t i = 0; i < lowered->nsieves; i++)
        free(lowered->sieves[i].words);
    free(lowered->sieves);
    free(lowered->ops);
    *lowered = (struct nm_lowered){0};
}
