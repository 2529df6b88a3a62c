/*
 * Fuzz target: any bytes as a filter program and a packet. A program that the check lets through ends, looks at
 * nothing beyond the packet, and has one verdict by the interpreter and by machine code.
 *
 * Bytes 0 and 1: instructions (up to 512); byte 2: length on the wire beyond what was captured; byte 3: which
 * metadata are known; then the instructions, 8 bytes each, in memory's order; then the packet.
 *
 * core: bpf
 */
#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "bpf/bpf.h"

#define MOST 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Verdicts of one program over the packet; the packet is a copy, so that reading beyond it is found. */
static uint32_t verdict(const struct nm_program *program, const uint8_t *packet, uint32_t caplen, uint32_t wirelen,
                        const struct nm_metadata *metadata)
{
    uint8_t *copy = malloc(caplen ? caplen : 1);
    uint32_t kept;

    if (!copy)
        abort();
    memcpy(copy, packet, caplen);
    kept = nm_program_run(program, copy, wirelen, caplen, metadata);
    free(copy);
    return kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nm_insn insns[MOST];
    struct nm_metadata metadata = {0};
    struct nm_program *slow, *fast;
    char msg[NM_MSG_SIZE];
    uint32_t count, index, caplen, wirelen, kept;
    const char *fault;

    if (size < 4)
        return 0;
    count = (data[0] | (uint32_t)data[1] << 8) % (MOST + 1);
    if (count * sizeof(insns[0]) > size - 4)
        count = (uint32_t)((size - 4) / sizeof(insns[0]));
    memcpy(insns, data + 4, count * sizeof(insns[0]));
    metadata.known = data[3] * 0x0101u;
    for (uint32_t i = 0; i < 16; i++)
        metadata.value[i] = data[3] * (i + 1);
    caplen = (uint32_t)(size - 4 - count * sizeof(insns[0]));
    wirelen = caplen + data[2];
    fault = nm_bpf_check(insns, count, &index);
    if ((nm_program_new(insns, count, NM_BPF_INTERPRETER, &slow, msg) == 0) != !fault)
        abort();
    if (fault)
        return 0;
    kept = verdict(slow, data + size - caplen, caplen, wirelen, &metadata);
    if (nm_program_new(insns, count, NM_BPF_JIT, &fast, msg) == 0) {
        if (verdict(fast, data + size - caplen, caplen, wirelen, &metadata) != kept)
            abort();
        nm_program_unref(fast);
    }
    nm_program_unref(slow);
    return 0;
}
