/*
 * Choices: comparisons of A with constants whose outcomes lead to more such comparisons.
 *
 * A set of hosts or ports comes as a row (jeq a, else jeq b, else ...) from compilers that
 * know no better and as a tree (jgt m, then ..., else ...) from those that do. Either maps
 * some values to targets and all the rest to one other target; so it is gathered here, for
 * the layout to write it out in the best way it knows.
 *
 * Comparisons change nothing, so a jump into the middle is no obstacle: what can be
 * reached from there then exists twice.
 */
#include <errno.h>
#include <stdlib.h>

#include "bpf/search.h"

enum {
    MIN_KEYS = 8,    /* fewer are as fast one after the other */
    STEPS_AN_OP = 4, /* bounds the work on programs whose choices overlap */
};

/* What is known of the comparison at an index, or of any other operation there. */
struct choice {
    uint32_t otherwise; /* where all but single values end up; itself if there is no such place */
    uint32_t steps;     /* comparisons on the way, each as often as there are ways to it */
    bool entered;       /* reached from outside of a choice */
};

/* Still to be followed: the operation at, with A between low and high. */
struct span {
    uint32_t at, low, high;
};

struct walk {
    const struct nm_op *ops;
    const struct choice *choices;
    struct span *pending;
    uint32_t npending;
    struct nm_key *keys;
    uint32_t nkeys;
    uint32_t blind;
};

static bool splits(const struct nm_op *op)
{
    return op->operation == NM_OP_JGT_K || op->operation == NM_OP_JGE_K;
}

static uint32_t sum(uint32_t a, uint32_t b)
{
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

/* ---- which choices there are --------------------------------------------------------- */

/* Successors of a comparison have higher indexes, so they are known already. */
static struct choice choice_at(const struct nm_op *ops, uint32_t i, const struct choice *choices)
{
    const struct nm_op *op = &ops[i];
    struct choice itself = {.otherwise = i};

    if (op->operation == NM_OP_JEQ_K)
        return (struct choice){choices[op->jf].otherwise, sum(1, choices[op->jf].steps), false};
    if (!splits(op) || choices[op->jt].otherwise != choices[op->jf].otherwise)
        return itself;
    return (struct choice){
        choices[op->jf].otherwise,
        sum(1, sum(choices[op->jt].steps, choices[op->jf].steps)),
        false,
    };
}

static void mark_entries(const struct nm_op *ops, uint32_t count, struct choice *choices)
{
    choices[0].entered = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct nm_op *op = &ops[i];
        bool inside = choices[i].otherwise != i;

        if (op->operation == NM_OP_DEAD || nm_op_returns(op->operation))
            continue;
        if ((nm_op_jumps(op->operation) || nm_op_branches(op->operation)) && !(inside && splits(op)))
            choices[op->jt].entered = true;
        if (!nm_op_jumps(op->operation) && !inside)
            choices[op->jf].entered = true;
    }
}

/* ---- gathering one ------------------------------------------------------------------- */

static void add_key(struct walk *walk, uint32_t value, uint32_t target)
{
    walk->keys[walk->nkeys] = (struct nm_key){value - walk->blind, target, walk->nkeys};
    walk->nkeys++;
}

static void later(struct walk *walk, uint32_t at, uint32_t low, uint32_t high)
{
    walk->pending[walk->npending++] = (struct span){at, low, high};
}

/* Goes the way a comparison of size leads A between low and high; where both ways are open, one of
 * them is left for later. */
static void split(struct walk *walk, const struct nm_op *op, struct span *span)
{
    uint64_t first = (uint64_t)op->k + (op->operation == NM_OP_JGT_K); /* true from here on */

    if (first <= span->low) {
        span->at = op->jt;
    } else if (first > span->high) {
        span->at = op->jf;
    } else {
        later(walk, op->jt, (uint32_t)first, span->high);
        span->high = (uint32_t)first - 1;
        span->at = op->jf;
    }
}

static void follow(struct walk *walk, struct span span)
{
    while (walk->choices[span.at].otherwise != span.at) {
        const struct nm_op *op = &walk->ops[span.at];

        if (splits(op)) {
            split(walk, op, &span);
            continue;
        }
        if (op->k >= span.low && op->k <= span.high)
            add_key(walk, op->k, op->jt);
        span.at = op->jf;
    }
}

static int by_value(const void *a, const void *b)
{
    const struct nm_key *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Fills the search with the choice at head. Of two comparisons with one value the first counts. */
static void gather(struct walk *walk, uint32_t head, struct nm_search *search)
{
    uint32_t kept = 0;

    walk->nkeys = 0;
    later(walk, head, 0, UINT32_MAX);
    while (walk->npending)
        follow(walk, walk->pending[--walk->npending]);
    qsort(walk->keys, walk->nkeys, sizeof(*walk->keys), by_value);
    for (uint32_t i = 0; i < walk->nkeys; i++)
        if (!kept || walk->keys[kept - 1].value != walk->keys[i].value)
            walk->keys[kept++] = walk->keys[i];
    search->count = kept;
    search->otherwise = walk->choices[head].otherwise;
}

/* ---- all of them --------------------------------------------------------------------- */

static void gather_all(struct nm_op *ops, uint32_t count, struct choice *choices, struct walk *walk,
                       struct nm_searches *searches)
{
    uint64_t budget = (uint64_t)count * STEPS_AN_OP;

    for (uint32_t i = count; i-- > 0;)
        choices[i] = choice_at(ops, i, choices);
    mark_entries(ops, count, choices);
    for (uint32_t i = 0; i < count; i++) {
        struct nm_search *search = &searches->list[searches->count];

        if (!choices[i].entered || choices[i].steps < MIN_KEYS || choices[i].steps > budget)
            continue;
        budget -= choices[i].steps;
        search->head = i;
        search->first = searches->nkeys;
        walk->keys = searches->keys + searches->nkeys;
        gather(walk, i, search);
        if (search->count < MIN_KEYS)
            continue;
        searches->nkeys += search->count;
        searches->count++;
    }
    /* Choices overlap: all are read before the first head changes. */
    for (uint32_t i = 0; i < searches->count; i++)
        ops[searches->list[i].head] = (struct nm_op){.operation = NM_OP_SEARCH, .k = i};
}

int nm_bpf_searches(struct nm_op *ops, uint32_t count, struct nm_searches *searches)
{
    struct choice *choices = malloc(count * sizeof(*choices));
    struct walk walk = {
        .ops = ops,
        .choices = choices,
        .pending = malloc((size_t)count * STEPS_AN_OP * sizeof(*walk.pending)),
        .blind = searches->blind,
    };
    int error = 0;

    /* A comparison visited makes at most one key, and leaves at most one way for later. */
    searches->list = malloc(((size_t)count + 1) * sizeof(*searches->list));
    searches->keys = malloc((size_t)count * STEPS_AN_OP * sizeof(*searches->keys));
    if (choices && walk.pending && searches->list && searches->keys)
        gather_all(ops, count, choices, &walk, searches);
    else
        error = ENOMEM;
    free(walk.pending);
    free(choices);
    return error;
}

void nm_searches_free(struct nm_searches *searches)
{
    free(searches->list);
    free(searches->keys);
    *searches = (struct nm_searches){0};
}
