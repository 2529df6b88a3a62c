/* The layout: what is alive, in order, with searches written out. */
#include <errno.h>
#include <stdlib.h>

#include "bpf/layout.h"

#define NOWHERE UINT32_MAX

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

        emit(layout, (struct nm_op){.operation = NM_OP_KEY_GE, .k = keys[middle].value, .jf = at + 1,
                                    .local = LOCAL_JT | LOCAL_JF});
        emit_search(layout, keys, middle, otherwise);
        layout->out->ops[at].jt = layout->out->count;
        emit_search(layout, keys + middle, count - middle, otherwise);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool last = i == count - 1;

        emit(layout, (struct nm_op){.operation = NM_OP_KEY_EQ, .k = keys[i].value, .jt = keys[i].target,
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

static int emit_choice(struct layout *layout, const struct nm_search *search)
{
    const struct nm_key *keys = layout->searches->keys + search->first;
    struct nm_lowered *out = layout->out;
    struct nm_sieve *sieve = &out->sieves[out->nsieves];
    int error = nm_sieve_init(sieve, search->count);

    if (error)
        return error;
    for (uint32_t i = 0; i < search->count; i++)
        nm_sieve_add(sieve, keys[i].value + layout->searches->blind);
    emit(layout, (struct nm_op){.operation = NM_OP_SIEVE, .k = out->nsieves++, .jf = search->otherwise});
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

int nm_bpf_lay_out(const struct nm_op *ops, uint32_t count, const struct nm_searches *searches,
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
