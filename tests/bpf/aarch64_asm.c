/*
 * Prints what aarch64_asm.h writes, a call a line: the bytes, a tab, and the instructions as an assembler
 * reads them, to be compared with what one makes of them (test_asm.py).
 */
#include "bpf/aarch64_asm.h"
#include "show.h"

static const uint32_t registers[] = {0, 5, 9, 17, 30};
enum { VIA = 7 };

/* ---- constants ---------------------------------------------------------------------------- */

static void show_moves(uint32_t r)
{
    static const uint32_t one[] = {0, 1, 0xffff, 0x10000, 0xabcd0000, 0xffffffff, 0xffff1234};
    static const uint32_t two[] = {0x10001, 0x12345678, 0x80000001, 0xfffeffff};

    EACH(k, one) {
        mov_w_imm(&e, r, k);
        show("mov w%u, #0x%x", r, k);
    }
    mov_w_imm(&e, r, 0xffff0000); /* assemblers take movz for it */
    show("movn w%u, #0xffff", r);
    EACH(k, two) {
        mov_w_imm(&e, r, k);
        show("movz w%u, #0x%x, lsl #16; movk w%u, #0x%x", r, k >> 16, r, k & 0xffff);
    }
    mov_x_imm(&e, r, 0x123456789abcdef0);
    show("movz w%u, #0x9abc, lsl #16; movk w%u, #0xdef0; movk x%u, #0x5678, lsl #32; movk x%u, #0x1234, "
         "lsl #48", r, r, r, r);
}

static void show_arithmetic(uint32_t d, uint32_t n)
{
    static const uint32_t constants[] = {0, 1, 0xfff, 0x1000, 0x5a000, 0xfff000};
    static const uint32_t through_register[] = {0x1001, 0xffff};

#define SHOW(name, two, constant) \
    EACH(k, constants) { \
        name##_w_imm(&e, d, n, k, VIA); \
        show(#name " w%u, w%u, #%u", d, n, k); \
        name##_x_imm(&e, d, n, k, VIA); \
        show(#name " x%u, x%u, #%u", d, n, k); \
    } \
    EACH(k, through_register) { \
        name##_w_imm(&e, d, n, k, VIA); \
        show("mov w%u, #%u; " #name " w%u, w%u, w%u", VIA, k, d, n, VIA); \
        name##_x_imm(&e, d, n, k, VIA); \
        show("mov w%u, #%u; " #name " x%u, x%u, x%u", VIA, k, d, n, VIA); \
    }
    ARITHMETIC(SHOW)
#undef SHOW
}

static void show_logic(uint32_t d, uint32_t n)
{
    static const uint32_t through_register[] = {0, 5, 0xa5, 0x1001};

#define SHOW(name, two, constant) \
    for (uint32_t ones = 1; ones < 32; ones++) \
        for (uint32_t up = 0; up < 32; up++) { \
            uint32_t run = (1u << ones) - 1, k = up ? run << up | run >> (32 - up) : run; \
\
            name##_w_imm(&e, d, n, k, VIA); \
            show(#name " w%u, w%u, #0x%x", d, n, k); \
        } \
    EACH(k, through_register) { \
        name##_w_imm(&e, d, n, k, VIA); \
        show("mov w%u, #%u; " #name " w%u, w%u, w%u", VIA, k, d, n, VIA); \
    }
    LOGIC(SHOW)
#undef SHOW
}

/* ---- registers ---------------------------------------------------------------------------- */

static void show_three_registers(uint32_t d, uint32_t n, uint32_t m)
{
#define SHOW_W(name, ...) \
    name##_w(&e, d, n, m); \
    show(#name " w%u, w%u, w%u", d, n, m);
#define SHOW_BOTH(name, ...) \
    SHOW_W(name) \
    name##_x(&e, d, n, m); \
    show(#name " x%u, x%u, x%u", d, n, m);
    ARITHMETIC(SHOW_BOTH)
    LOGIC(SHOW_W)
    SHOW_W(mul)
    SHOW_W(udiv)
    SHOW_W(lslv)
    SHOW_W(lsrv)
#undef SHOW_BOTH
#undef SHOW_W
    msub_w(&e, d, n, m, 3);
    show("msub w%u, w%u, w%u, w3", d, n, m);
    csel_w(&e, d, n, m, CC_LO);
    show("csel w%u, w%u, w%u, lo", d, n, m);
    ldr_w_scaled(&e, d, n, m);
    show("ldr w%u, [x%u, x%u, lsl #2]", d, n, m);
}

static void show_two_registers(uint32_t a, uint32_t b)
{
    mov_w(&e, a, b);
    show("mov w%u, w%u", a, b);
    neg_w(&e, a, b);
    show("neg w%u, w%u", a, b);
    cmp_w(&e, a, b);
    show("cmp w%u, w%u", a, b);
    cmp_x(&e, a, b);
    show("cmp x%u, x%u", a, b);
    tst_w(&e, a, b);
    show("tst w%u, w%u", a, b);
    csel_w(&e, a, b, ZERO, CC_HI);
    show("csel w%u, w%u, wzr, hi", a, b);
    rev_w(&e, a, b);
    show("rev w%u, w%u", a, b);
    rev16_w(&e, a, b);
    show("rev16 w%u, w%u", a, b);
    for (uint32_t k = 0; k < 32; k++) {
        lsl_w_imm(&e, a, b, k);
        show("lsl w%u, w%u, #%u", a, b, k);
        lsr_w_imm(&e, a, b, k);
        show("lsr w%u, w%u, #%u", a, b, k);
    }
    ubfiz_w(&e, a, b, 2, 4);
    show("ubfiz w%u, w%u, #2, #4", a, b);
}

static void show_one_register(uint32_t r)
{
    cmp_w_imm(&e, r, 32, VIA);
    show("cmp w%u, #32", r);
    cmp_x_imm(&e, r, 0, VIA);
    show("cmp x%u, #0", r);
    tst_w_imm(&e, r, 0xff00, VIA);
    show("tst w%u, #0xff00", r);
    add_x_imm(&e, SP, SP, 64, VIA);
    show("add sp, sp, #64");
    sub_x_imm(&e, SP, SP, 64, VIA);
    show("sub sp, sp, #64");
    for (uint32_t n = 0; n < 16; n++) {
        str_w(&e, r, SP, n);
        show("str w%u, [sp, #%u]", r, 4 * n);
        ldr(&e, LOG2_W, r, SP, 4 * n, VIA);
        show("ldr w%u, [sp, #%u]", r, 4 * n);
    }
    str_w(&e, ZERO, SP, 15);
    show("str wzr, [sp, #60]");
}

static void show_loads(uint32_t t, uint32_t n)
{
    static const struct {
        uint32_t log2_size;
        const char *name;
    } sizes[] = {{LOG2_B, "ldrb"}, {LOG2_H, "ldrh"}, {LOG2_W, "ldr"}};
    static const uint32_t near[] = {0, 1, 2, 3, 4, 14, 255, 256, 4092};
    static const uint32_t far[] = {0x4000, 0xffff};

    for (uint32_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        EACH(k, near) {
            ldr(&e, sizes[i].log2_size, t, n, k, VIA);
            show("%s w%u, [x%u, #%u]", sizes[i].name, t, n, k);
        }
        EACH(k, far) {
            ldr(&e, sizes[i].log2_size, t, n, k, VIA);
            show("mov w%u, #%u; %s w%u, [x%u, x%u]", VIA, k, sizes[i].name, t, n, VIA);
        }
    }
}

/* ---- jumps -------------------------------------------------------------------------------- */

/* From address 0 to one, in a program whose only operation is the jump. */
static void show_jumps(uint32_t address, bool near)
{
    static const struct {
        uint32_t condition;
        const char *name, *opposite;
    } conditions[] = {{CC_EQ, "eq", "ne"}, {CC_NE, "ne", "eq"}, {CC_HS, "hs", "lo"},
                      {CC_LO, "lo", "hs"}, {CC_HI, "hi", "ls"}};
    uint32_t addresses[] = {0, address};

    e.layout = addresses;
    e.rough = addresses;
    b(&e, 1);
    show("b here + %u", address);
    for (uint32_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
        b_cond(&e, conditions[i].condition, 1);
        if (near)
            show("b.%s here + %u", conditions[i].name, address);
        else
            show("b.%s here + 8; b here + %u", conditions[i].opposite, address);
    }
}

int main(void)
{
    EACH(d, registers) {
        EACH(n, registers) {
            EACH(m, registers)
                show_three_registers(d, n, m);
            show_two_registers(d, n);
            show_arithmetic(d, n);
            show_loads(d, n);
        }
        show_moves(d);
        show_logic(d, 4);
        show_one_register(d);
    }
    show_jumps(8, true);
    show_jumps(100000, true);
    show_jumps(100000000, false);
    bti_c(&e);
    show("hint #34"); /* bti c, for assemblers that are not told of it */
    ret(&e);
    show("ret");
    return 0;
}
