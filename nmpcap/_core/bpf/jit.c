/* The passes over a program, and the memory its machine code lives in. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/emitter.h"
#include "bpf/jit.h"

enum { MAX_OPS = 2 << 20 }; /* an AArch64 branch reaches 128 MiB, an operation takes up to 48 bytes */

static void pass(const struct nm_lowered *lowered, uint32_t *layout, uint32_t *written,
                 const uint32_t *rough, struct nm_jit *jit, uint8_t *out)
{
    struct nm_emitter e = {
        .program = lowered,
        .out = out,
        .layout = layout,
        .written = written,
        .rough = rough,
    };

    nm_emit_program(&e);
    jit->length = e.length;
}

static int map(struct nm_jit *jit)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    jit->mapped = (jit->length + page - 1) / page * page;
    jit->mem = mmap(NULL, jit->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (jit->mem == MAP_FAILED) {
        jit->mem = NULL;
        return errno;
    }
    return 0;
}

static int make_executable(struct nm_jit *jit)
{
    /* SELinux (execmem), PaX and W^X kernels refuse here. */
    if (mprotect(jit->mem, jit->mapped, PROT_READ | PROT_EXEC)) {
        int error = errno;

        nm_jit_free(jit);
        return error;
    }
    __builtin___clear_cache((char *)jit->mem, (char *)jit->mem + jit->length);
    return 0;
}

const char *nm_jit_machine(void)
{
    return nm_emit_machine;
}

int nm_jit_compile(const struct nm_lowered *lowered, struct nm_jit *jit)
{
    size_t entries = (size_t)lowered->count + 1;
    uint32_t *rough, *layout;
    int error;

    *jit = (struct nm_jit){0};
    if (!nm_emit_machine || lowered->count > MAX_OPS)
        return ENOTSUP;
    rough = calloc(entries * 2, sizeof(*rough));
    if (!rough)
        return ENOMEM;
    layout = rough + entries;

    pass(lowered, rough, rough, NULL, jit, NULL);
    pass(lowered, layout, layout, rough, jit, NULL);
    error = map(jit);
    if (!error) {
        pass(lowered, layout, layout, rough, jit, jit->mem);
        error = make_executable(jit);
    }
    free(rough);
    return error;
}

void nm_jit_free(struct nm_jit *jit)
{
    if (jit->mem)
        munmap(jit->mem, jit->mapped);
    *jit = (struct nm_jit){0};
}
