/*
 * Rows of comparisons: jeq a, else jeq b, else jeq c ... on the same A.
 *
 * Compilers that know no better write a set of hosts so. A row of n comparisons costs
 * n steps, a search log n; below MIN_KEYS the row is as fast. Comparisons change nothing,
 * so a jump into the middle of a row is no obstacle: the rest of the row then exists twice.
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/lower.h"

enum {
    MIN_KEYS = 8,
    MAX_COPIES = 4, /* bounds the work on programs that jump into the middle again and again */
};

static bool in_row(const struct nm_op *op)
{
    return op->operation == NM_OP_JEQ_K;
}

static int by_value(const void *a, const void *b)
{
    const struct nm_key *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->target < y->target ? -1 : x->target > y->target;
}

/* Writes the keys of the row at head, each once, and returns how many. */
static uint32_t collect(const struct nm_op *ops, uint32_t head, struct nm_search *search,
                        struct nm_key *keys)
{
    uint32_t n = 0, kept = 0, i;

    /* Until they are sorted, a key's target is its comparison: of two alike the first one counts. */
    for (i = head; in_row(&ops[i]); i = ops[i].jf)
        keys[n++] = (struct nm_key){ops[i].k, i};
    search->otherwise = i;
    qsort(keys, n, sizeof(*keys), by_value);
    for (uint32_t j = 0; j < n; j++)
        if (!kept || keys[kept - 1].value != keys[j].value)
            keys[kept++] = (struct nm_key){keys[j].value, ops[keys[j].target].jt};
    return kept;
}

/* Marks what is reached otherwise than as the next comparison of a row. */
static void mark_entries(const struct nm_op *ops, uint32_t count, bool *entered)
{
    entered[0] = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct nm_op *op = &ops[i];

        if (op->operation == NM_OP_DEAD || nm_op_returns(op->operation))
            continue;
        if (nm_op_jumps(op->operation) || nm_op_branches(op->operation))
            entered[op->jt] = true;
        if (!nm_op_jumps(op->operation) && !in_row(op))
            entered[op->jf] = true;
    }
}

/* length[i]: comparisons in the row from i on, where that is a head worth a search, else 0. */
static void choose_heads(const struct nm_op *ops, uint32_t count, uint32_t *length,
                         struct nm_searches *found)
{
    bool *entered = (bool *)(length + count);
    uint64_t budget = (uint64_t)count * MAX_COPIES;

    for (uint32_t i = count; i-- > 0;)
        length[i] = in_row(&ops[i]) ? 1 + length[ops[i].jf] : 0;
    mark_entries(ops, count, entered);
    for (uint32_t i = 0; i < count; i++) {
        if (!entered[i] || length[i] < MIN_KEYS || length[i] > budget) {
            length[i] = 0;
            continue;
        }
        budget -= length[i];
        found->nkeys += length[i];
        found->count++;
    }
}

int nm_bpf_searches(struct nm_op *ops, uint32_t count, struct nm_searches *found)
{
    uint32_t *length = calloc(count, sizeof(*length) + sizeof(bool));
    uint32_t searches = 0, keys = 0;

    *found = (struct nm_searches){0};
    if (!length)
        return ENOMEM;
    choose_heads(ops, count, length, found);
    if (found->count) {
        found->list = calloc(found->count, sizeof(*found->list));
        found->keys = calloc(found->nkeys, sizeof(*found->keys));
        if (!found->list || !found->keys) {
            free(length);
            nm_searches_free(found);
            return ENOMEM;
        }
    }
    /* Rows may share their ends: all are read before the first head changes. */
    for (uint32_t i = 0; i < count; i++) {
        if (!length[i])
            continue;
        found->list[searches].first = keys;
        found->list[searches].count = collect(ops, i, &found->list[searches], found->keys + keys);
        keys += length[i];
        searches++;
    }
    searches = 0;
    for (uint32_t i = 0; i < count; i++)
        if (length[i])
            ops[i] = (struct nm_op){.operation = NM_OP_SEARCH, .k = searches++};
    free(length);
    return 0;
}

void nm_searches_free(struct nm_searches *found)
{
    free(found->list);
    free(found->keys);
    *found = (struct nm_searches){0};
}
