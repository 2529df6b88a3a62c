"""What a BPF instruction is: four numbers, the bit fields of the first, and its name.

The names are those of bpf(4) without the prefix, so ``LD | H | ABS`` is ``ldh [k]``:

    bits 0-2  class     LD LDX ST STX ALU JMP RET MISC
    bits 3-4  size      W H B                             LD, LDX
    bits 5-7  mode      IMM ABS IND MEM LEN MSH           LD, LDX
    bit  3    source    K X                               ALU, JMP; RET: K, A at bits 3-4
    bits 4-7  operation ADD SUB ... , JA JEQ JGT JGE JSET ALU, JMP

``OPCODES`` holds the 49 combinations that exist. Jump distances count from the
instruction after the jump; a ``ja`` takes its distance from k, as a signed number.
"""

from __future__ import annotations

from typing import NamedTuple

# fmt: off
__all__ = [  # noqa: RUF022  (in the order of the bit fields)
    "Instruction", "Opcode", "OPCODES", "signed",
    "LD", "LDX", "ST", "STX", "ALU", "JMP", "RET", "MISC",
    "W", "H", "B", "IMM", "ABS", "IND", "MEM", "LEN", "MSH",
    "ADD", "SUB", "MUL", "DIV", "OR", "AND", "LSH", "RSH", "NEG", "MOD", "XOR",
    "JA", "JEQ", "JGT", "JGE", "JSET", "K", "X", "A", "TAX", "TXA",
    "MEMWORDS", "AD_OFF", "ANCILLARY",
]
# fmt: on

LD, LDX, ST, STX, ALU, JMP, RET, MISC = range(8)

W, H, B = 0x00, 0x08, 0x10
IMM, ABS, IND, MEM, LEN, MSH = 0x00, 0x20, 0x40, 0x60, 0x80, 0xA0

ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, NEG, MOD, XOR = range(0x00, 0xB0, 0x10)
JA, JEQ, JGT, JGE, JSET = range(0x00, 0x50, 0x10)

K, X, A = 0x00, 0x08, 0x10
TAX, TXA = 0x00, 0x80

MEMWORDS = 16

# Linux: loads at these addresses, far past any packet, ask about the packet instead.
AD_OFF = 0xFFFFF000
ANCILLARY = {
    0: "proto",
    4: "type",
    8: "ifidx",
    12: "nla",
    16: "nlan",
    20: "mark",
    24: "queue",
    28: "hatype",
    32: "rxhash",
    36: "cpu",
    40: "xor_x",
    44: "vlan_tci",
    48: "vlanp",
    52: "poff",
    56: "random",
    60: "vlan_tpid",
}


class Opcode(NamedTuple):
    """Name and operand of one operation; the operand is a format over ``k`` and ``signed`` (k as int32)."""

    mnemonic: str
    operand: str


def _opcodes() -> dict[int, Opcode]:
    table = {
        LD | IMM: Opcode("ld", "#0x{k:x}"),
        LDX | IMM: Opcode("ldx", "#0x{k:x}"),
        LD | MEM: Opcode("ld", "M[{signed}]"),
        LDX | MEM: Opcode("ldx", "M[{signed}]"),
        LD | LEN: Opcode("ld", "#pktlen"),
        LDX | LEN: Opcode("ldx", "#pktlen"),
        LDX | MSH | B: Opcode("ldxb", "4*([{signed}]&0xf)"),
        ST: Opcode("st", "M[{signed}]"),
        STX: Opcode("stx", "M[{signed}]"),
        ALU | NEG: Opcode("neg", ""),
        JMP | JA: Opcode("ja", "{signed}"),
        RET | K: Opcode("ret", "#{signed}"),
        RET | A: Opcode("ret", ""),
        MISC | TAX: Opcode("tax", ""),
        MISC | TXA: Opcode("txa", ""),
    }
    for size, mnemonic in ((W, "ld"), (H, "ldh"), (B, "ldb")):
        table[LD | size | ABS] = Opcode(mnemonic, "[{signed}]")
        table[LD | size | IND] = Opcode(mnemonic, "[x + {signed}]")
    decimal = {ADD: "add", SUB: "sub", MUL: "mul", DIV: "div", MOD: "mod", LSH: "lsh", RSH: "rsh"}
    bitwise = {OR: "or", AND: "and", XOR: "xor"}
    for operation, mnemonic in (decimal | bitwise).items():
        table[ALU | operation | K] = Opcode(mnemonic, "#{signed}" if operation in decimal else "#0x{k:x}")
        table[ALU | operation | X] = Opcode(mnemonic, "x")
    for operation, mnemonic in ((JEQ, "jeq"), (JGT, "jgt"), (JGE, "jge"), (JSET, "jset")):
        table[JMP | operation | K] = Opcode(mnemonic, "#0x{k:x}")
        table[JMP | operation | X] = Opcode(mnemonic, "x")
    return table


OPCODES = _opcodes()


class Instruction(NamedTuple):
    """One instruction: ``code`` of 16 bits, jump distances ``jt`` and ``jf`` of 8, operand ``k`` of 32.

    All four are unsigned. Only the checker knows whether they make sense.
    """

    code: int
    jt: int
    jf: int
    k: int

    @property
    def is_branch(self) -> bool:
        """Whether this is a conditional jump, the only kind that uses ``jt`` and ``jf``."""
        return self.code & 0x07 == JMP and self.code in OPCODES and self.code != JMP | JA

    @property
    def skip(self) -> int:
        """Where a ``ja`` goes, counted from the next instruction: k as a signed number."""
        return signed(self.k)

    @property
    def mnemonic(self) -> str:
        """The operation's name, ``unimp`` where there is none."""
        opcode = OPCODES.get(self.code)
        return opcode.mnemonic if opcode else "unimp"

    @property
    def operand(self) -> str:
        """The operand as tcpdump -d writes it, but for a jump's absolute targets."""
        opcode = OPCODES.get(self.code)
        if opcode is None:
            return f"0x{self.code:x}"
        if self.code & 0xE7 == LD | ABS and self.k - AD_OFF in ANCILLARY:
            return f"[{ANCILLARY[self.k - AD_OFF]}]"
        return opcode.operand.format(k=self.k, signed=signed(self.k))

    def __str__(self) -> str:
        text = f"{self.mnemonic} {self.operand}".rstrip()
        if self.is_branch:
            return f"{text} jt +{self.jt} jf +{self.jf}"
        return f"ja {self.skip:+d}" if self.code == JMP | JA else text


def signed(k: int) -> int:
    """Read 32 bits as two's complement."""
    return (k & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
