/*
 * How much of the packet each load must find, and who asks for it.
 *
 * Nothing a program does before it ends can be seen from outside, and a failed load ends
 * it with 0. So a load may fail early on behalf of any later load that is certain to come
 * unless the program returns 0 anyway. Two walks over the program, jumps going forward:
 *
 *   backwards  ahead[i]: bytes that every path from i on to a verdict other than 0 loads
 *   forwards   known[i]: bytes that every path to i has already asked for
 *
 * and the same relative to X, for [x + k], until X changes. A backward jump ends what
 * either walk knows.
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/bounds.h"

struct extent {
    uint32_t packet; /* bytes from the start */
    uint32_t x;      /* bytes from X on */
};

/* Past every packet; of a path that ends with 0 whatever it finds. */
static const struct extent no_limit = {UINT32_MAX, UINT32_MAX};
static const struct extent nothing = {0, 0};

static struct extent smaller(struct extent a, struct extent b)
{
    return (struct extent){
        a.packet < b.packet ? a.packet : b.packet,
        a.x < b.x ? a.x : b.x,
    };
}

static struct extent larger(struct extent a, struct extent b)
{
    return (struct extent){
        a.packet > b.packet ? a.packet : b.packet,
        a.x > b.x ? a.x : b.x,
    };
}

static uint64_t load_end(const struct nm_op *op)
{
    switch (op->operation) {
    case NM_OP_LD_ABS_W:
    case NM_OP_LD_IND_W:
        return (uint64_t)op->k + 4;
    case NM_OP_LD_ABS_H:
    case NM_OP_LD_IND_H:
        return (uint64_t)op->k + 2;
    case NM_OP_LD_ABS_B:
    case NM_OP_LD_IND_B:
    case NM_OP_LDX_MSH:
        return (uint64_t)op->k + 1;
    default:
        return 0;
    }
}

static bool is_indexed(uint8_t operation)
{
    return operation >= NM_OP_LD_IND_W && operation <= NM_OP_LD_IND_B;
}

/* What the operation itself needs. X is never negative: [x + k] needs k bytes of packet, too. */
static struct extent needed(const struct nm_op *op)
{
    uint32_t end = (uint32_t)load_end(op);

    return (struct extent){end, is_indexed(op->operation) ? end : 0};
}

static bool writes_x(uint8_t operation)
{
    return operation == NM_OP_TAX || (operation >= NM_OP_LDX_IMM && operation <= NM_OP_LDX_MSH);
}

static struct extent look_ahead(const struct nm_op *op, uint32_t i, const struct extent *ahead)
{
    struct extent rest;

    if (op->operation == NM_OP_RET_K && op->k == 0)
        return no_limit;
    if (nm_op_returns(op->operation))
        return nothing;
    if (nm_op_jumps(op->operation)) {
        rest = op->jt > i ? ahead[op->jt] : nothing;
    } else {
        rest = ahead[op->jf];
        if (nm_op_branches(op->operation))
            rest = smaller(rest, ahead[op->jt]);
    }
    if (writes_x(op->operation) && rest.packet != UINT32_MAX)
        rest.x = 0;
    return larger(rest, needed(op));
}

/* Sets op's needs from what is known before it; returns what is known after it. */
static struct extent ask(struct nm_op *op, struct extent ahead, struct extent known)
{
    struct extent own = needed(op);

    if (own.x > known.x) {
        op->need_x = ahead.x;
        known.x = ahead.x;
        known.packet = known.packet > ahead.x ? known.packet : ahead.x;
    }
    if (own.packet > known.packet) {
        op->need = ahead.packet;
        known.packet = ahead.packet;
    }
    if (writes_x(op->operation))
        known.x = 0;
    return known;
}

static void pass_on(struct extent *known, uint32_t from, uint32_t to, struct extent value)
{
    if (to > from)
        known[to] = smaller(known[to], value);
}

static void walk_backwards(struct nm_op *ops, uint32_t count, struct extent *ahead)
{
    for (uint32_t i = count; i-- > 0;) {
        struct nm_op *op = &ops[i];

        if (op->operation == NM_OP_DEAD)
            continue;
        if (load_end(op) > NM_BPF_MAX_CAPLEN)
            *op = (struct nm_op){.operation = NM_OP_RET_K};
        ahead[i] = look_ahead(op, i, ahead);
        if (ahead[i].packet == UINT32_MAX)
            *op = (struct nm_op){.operation = NM_OP_RET_K};
    }
}

static void walk_forwards(struct nm_op *ops, uint32_t count, const struct extent *ahead,
                          struct extent *known)
{
    for (uint32_t i = 0; i < count; i++) {
        struct nm_op *op = &ops[i];
        struct extent after;

        if (op->operation == NM_OP_DEAD || nm_op_returns(op->operation))
            continue;
        after = ask(op, ahead[i], known[i]);
        if (!nm_op_jumps(op->operation))
            pass_on(known, i, op->jf, after);
        if (nm_op_jumps(op->operation) || nm_op_branches(op->operation))
            pass_on(known, i, op->jt, after);
    }
}

int nm_bpf_bounds(struct nm_op *ops, uint32_t count)
{
    struct extent *ahead = calloc(count, sizeof(*ahead));
    struct extent *known = malloc(count * sizeof(*known));

    if (!ahead || !known) {
        free(ahead);
        free(known);
        return ENOMEM;
    }
    walk_backwards(ops, count, ahead);

    for (uint32_t i = 0; i < count; i++)
        known[i] = no_limit;
    known[0] = nothing;
    for (uint32_t i = 0; i < count; i++)
        if (nm_op_jumps(ops[i].operation) && ops[i].jt <= i)
            known[ops[i].jt] = nothing;
    walk_forwards(ops, count, ahead, known);

    free(ahead);
    free(known);
    return 0;
}
