/*
 * Prints what x86_64_asm.h writes, an instruction a line: its bytes, a tab, and the instruction as an
 * assembler reads it, to be compared with what one makes of it (test_asm.py).
 */
#include "bpf/x86_64_asm.h"
#include "show.h"

enum { REGISTERS = 12 };

static const char *const r32[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp",
                                  "esi", "edi", "r8d", "r9d", "r10d", "r11d"};
static const char *const r64[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp",
                                  "rsi", "rdi", "r8",  "r9",  "r10", "r11"};
static const char *const r16[] = {"ax", "cx", "dx", "bx", "sp", "bp"};

static const uint32_t of_a_byte[] = {1, 15, 127, -1u, -128u};
static const uint32_t larger[] = {128, 255, 256, 0x800, 0x12345678, 0x80000000, -129u};
static const uint32_t displacements[] = {0, 1, 127, -1u, -128u};

#define EACH_REGISTER(r) for (uint32_t r = 0; r < REGISTERS; r++)

/* The operand for a constant beside the code; a wrong constant there cannot be assembled. */
static const char *beside(uint32_t k)
{
    static char text[64];

    if (e.nconstants != 1 || constants[0] != k)
        return "wrong constant";
    snprintf(text, sizeof(text), "dword ptr [rip + %u]", e.constants_at - e.length);
    return text;
}

static const char *text_of(struct mem m)
{
    static char text[64];

    if (m.index == NO_INDEX)
        snprintf(text, sizeof(text), "[%s + %d]", r64[m.base], (int32_t)m.disp);
    else
        snprintf(text, sizeof(text), "[%s + %s * %d + %d]", r64[m.base], r64[m.index], 1 << m.log2_scale,
                 (int32_t)m.disp);
    return text;
}

/* ---- what takes memory ------------------------------------------------------------------ */

static void show_mem(struct mem m)
{
    EACH_REGISTER(reg) {
        mov_r32_mem(&e, reg, m);
        show("mov %s, dword ptr %s", r32[reg], text_of(m));
        mov_mem_r32(&e, m, reg);
        show("mov dword ptr %s, %s", text_of(m), r32[reg]);
    }
    movzx_r32_mem8(&e, RCX, m);
    show("movzx ecx, byte ptr %s", text_of(m));
    movzx_r32_mem16(&e, R9, m);
    show("movzx r9d, word ptr %s", text_of(m));
    lea_r64_mem(&e, R11, m);
    show("lea r11, %s", text_of(m));
    bt_mem32_imm8(&e, m, 13);
    show("bt dword ptr %s, 13", text_of(m));
}

static void show_all_mem(void)
{
    EACH_REGISTER(base) {
        EACH(disp, displacements)
            show_mem(at(base, disp));
        EACH_REGISTER(index) {
            if (index == RSP)
                continue;
            show_mem(at_index(base, index, 0));
            show_mem(at_index(base, index, 100));
            show_mem(at_word(base, index));
        }
    }
}

/* ---- what takes registers and constants ------------------------------------------------- */

static void show_two_registers(uint32_t a, uint32_t b)
{
    mov_r32_r32(&e, a, b);
    show("mov %s, %s", r32[a], r32[b]);
    mov_r64_r64(&e, a, b);
    show("mov %s, %s", r64[a], r64[b]);
    add_r64_r64(&e, a, b);
    show("add %s, %s", r64[a], r64[b]);
    cmp_r64_r64(&e, a, b);
    show("cmp %s, %s", r64[a], r64[b]);
    test_r32_r32(&e, a, b);
    show("test %s, %s", r32[a], r32[b]);
    test_r64_r64(&e, a, b);
    show("test %s, %s", r64[a], r64[b]);
    imul_r32_r32(&e, a, b);
    show("imul %s, %s", r32[a], r32[b]);
    imul_r32_r32_imm32(&e, a, b, 0x9e3779b1);
    show("imul %s, %s, 0x9e3779b1", r32[a], r32[b]);
    bt_r32_r32(&e, a, b);
    show("bt %s, %s", r32[a], r32[b]);
#define SHOW(name, n) \
    name##_r32_r32(&e, a, b); \
    show(#name " %s, %s", r32[a], r32[b]);
    ARITHMETIC(SHOW)
#undef SHOW
}

static void show_constants(uint32_t reg)
{
    mov_r32_const(&e, reg, 0);
    show("xor %s, %s", r32[reg], r32[reg]);
    mov_r32_const(&e, reg, 255);
    show("mov %s, 255", r32[reg]);
    mov_r32_const(&e, reg, 256);
    show("mov %s, %s", r32[reg], beside(256));
    mov_r64_imm64(&e, reg, 0x123456789abcdef0);
    show("movabs %s, 0x123456789abcdef0", r64[reg]);
    EACH(k, of_a_byte) {
        imul_r32_const(&e, reg, k);
        show("imul %s, %s, %d", r32[reg], r32[reg], (int32_t)k);
    }
    EACH(k, larger) {
        imul_r32_const(&e, reg, k);
        show("imul %s, %s", r32[reg], beside(k));
        if (reg != RAX) { /* which has a form of its own that is not used */
            cmp_r32_imm32(&e, reg, k);
            show("cmp %s, 0x%x", r32[reg], k);
        }
    }
#define SHOW(name, n) \
    EACH(k, of_a_byte) { \
        name##_r32_const(&e, reg, k); \
        show(#name " %s, %d", r32[reg], (int32_t)k); \
    } \
    EACH(k, larger) { \
        name##_r32_const(&e, reg, k); \
        show(#name " %s, %s", r32[reg], beside(k)); \
    }
    ARITHMETIC(SHOW)
#undef SHOW
}

static void show_one_register(uint32_t reg)
{
    bswap_r32(&e, reg);
    show("bswap %s", r32[reg]);
    neg_r32(&e, reg);
    show("neg %s", r32[reg]);
    div_r32(&e, reg);
    show("div %s", r32[reg]);
    shl_r32_cl(&e, reg);
    show("shl %s, cl", r32[reg]);
    shr_r32_cl(&e, reg);
    show("shr %s, cl", r32[reg]);
    for (uint32_t count = 2; count < 32; count++) { /* by 1 there is a form of its own that is not used */
        shl_r32_imm8(&e, reg, count);
        show("shl %s, %u", r32[reg], count);
        shr_r32_imm8(&e, reg, count);
        show("shr %s, %u", r32[reg], count);
    }
    if (reg < sizeof(r16) / sizeof(*r16)) {
        rol_r16_imm8(&e, reg, 8);
        show("rol %s, 8", r16[reg]);
    }
    if (reg != RSP) {
        lea_r32_disp32(&e, RSI, reg, 0x87654321);
        show("lea esi, [%s - 0x789abcdf]", r64[reg]);
    }
}

static void show_the_rest(void)
{
    EACH(k, larger) {
        if (k <= 255)
            continue;
        test_eax_const(&e, k);
        show("test %s, eax", beside(k));
    }
    for (uint32_t k = 0; k < 256; k += 51) {
        test_eax_const(&e, k);
        show("test al, %u", k);
    }
    endbr64(&e);
    show("endbr64");
    ret(&e);
    show("ret");
}

/* ---- jumps ------------------------------------------------------------------------------ */

/* From address 0 to one, in a program whose only operation is the jump. */
static void show_jumps(uint32_t address)
{
    static const struct {
        int cc;
        const char *name;
    } conditions[] = {{CC_B, "jb"}, {CC_AE, "jae"}, {CC_E, "je"}, {CC_NE, "jne"}, {CC_A, "ja"}};
    uint32_t addresses[] = {0, address};

    e.layout = addresses;
    e.rough = addresses;
    jmp(&e, 1);
    show("jmp here + %u", address);
    for (uint32_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
        jcc(&e, (uint32_t)conditions[i].cc, 1);
        show("%s here + %u", conditions[i].name, address);
    }
}

int main(void)
{
    show_all_mem();
    EACH_REGISTER(a) {
        EACH_REGISTER(b)
            show_two_registers(a, b);
        show_constants(a);
        show_one_register(a);
    }
    show_the_rest();
    show_jumps(20);
    show_jumps(100);
    show_jumps(1000);
    show_jumps(100000);
    return 0;
}
