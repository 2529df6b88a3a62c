/* What a lowered program owns. */
#include <stdlib.h>

#include "bpf/lowered.h"

void nm_lowered_free(struct nm_lowered *lowered)
{
    for (uint32_t i = 0; i < lowered->nsieves; i++)
        nm_sieve_free(&lowered->sieves[i]);
    free(lowered->sieves);
    free(lowered->ops);
    *lowered = (struct nm_lowered){0};
}
