/* What is common to the programs that print an assembler's instructions, to be compared with others' (test_asm.py). */
#ifndef TESTS_BPF_SHOW_H
#define TESTS_BPF_SHOW_H

#include <stdarg.h>
#include <stdio.h>

#include "bpf/emitter.h"

static uint8_t out[64];
static uint32_t constants[4];
static struct nm_emitter e = {.out = out, .constants = constants, .constants_at = 0x1000};

#define EACH(k, list) \
    for (uint32_t k, i_##k = 0; i_##k < sizeof(list) / sizeof(*(list)) && (k = (list)[i_##k], 1); i_##k++)

/* Prints a line: the bytes written since the last, a tab, and how an assembler reads them. */
__attribute__((format(printf, 1, 2))) static void show(const char *format, ...)
{
    va_list arguments;

    for (uint32_t i = 0; i < e.length; i++)
        printf("%02x", out[i]);
    printf("\t");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    e.length = e.nconstants = 0;
}

#endif
