/* The passes over a program, and the memory its machine code lives in. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/emitter.h"
#include "bpf/jit.h"

enum { MAX_OPS = 2 << 20 }; /* an AArch64 branch reaches 128 MiB, an operation takes up to 48 bytes */

/* What the mapping is divided into. */
struct parts {
    size_t code;      /* bytes, whole pages */
    size_t constants; /* the same */
};

static size_t whole_pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (bytes + page - 1) / page * page;
}

static int map(struct nm_jit *jit, const struct parts *parts)
{
    jit->mapped = parts->code + parts->constants;
    jit->mem = mmap(NULL, jit->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (jit->mem == MAP_FAILED) {
        jit->mem = NULL;
        return errno;
    }
    return 0;
}

static int protect(struct nm_jit *jit, const struct parts *parts)
{
    uint8_t *constants = (uint8_t *)jit->mem + parts->code;

    /* SELinux (execmem), PaX and W^X kernels refuse the first. */
    if (mprotect(jit->mem, parts->code, PROT_READ | PROT_EXEC) ||
        (parts->constants && mprotect(constants, parts->constants, PROT_READ))) {
        int error = errno;

        nm_jit_free(jit);
        return error;
    }
    __builtin___clear_cache((char *)jit->mem, (char *)jit->mem + jit->length);
    return 0;
}

/* Runs a pass over the program from its beginning. */
static void pass(struct nm_emitter *e)
{
    e->length = 0;
    e->nconstants = 0;
    nm_emit_program(e);
}

const char *nm_jit_machine(void)
{
    return nm_emit_machine;
}

bool nm_jit_blinds(void)
{
    return nm_emit_blinds;
}

int nm_jit_compile(const struct nm_lowered *lowered, struct nm_jit *jit)
{
    size_t entries = (size_t)lowered->count + 1;
    uint32_t *addresses;
    struct nm_emitter e = {.program = lowered};
    struct parts parts;
    int error;

    *jit = (struct nm_jit){0};
    if (!nm_emit_machine || lowered->count > MAX_OPS)
        return ENOTSUP;
    addresses = calloc(entries * 2, sizeof(*addresses));
    if (!addresses)
        return ENOMEM;

    e.layout = e.written = addresses;
    pass(&e);
    e.rough = addresses;
    e.layout = e.written = addresses + entries;
    pass(&e);

    parts = (struct parts){whole_pages(e.length), whole_pages(e.nconstants * sizeof(*e.constants))};
    error = map(jit, &parts);
    if (!error) {
        e.out = jit->mem;
        e.constants_at = (uint32_t)parts.code;
        e.constants = (uint32_t *)(e.out + parts.code);
        pass(&e);
        jit->length = e.length;
        error = protect(jit, &parts);
    }
    free(addresses);
    return error;
}

void nm_jit_free(struct nm_jit *jit)
{
    if (jit->mem)
        munmap(jit->mem, jit->mapped);
    *jit = (struct nm_jit){0};
}
