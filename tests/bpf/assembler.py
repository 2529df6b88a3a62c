"""Programs for tests, written as tcpdump -d lists them but with labels for targets.

            ldh [12]
            jeq #0x800, ip, other       where to if true, if false; one label: if true, else go on
    ip:     ret #262144
    other:  ret #0

Knows the machine's opcodes by itself: 49 forms, each a mnemonic and the shape of an operand.
"""

from __future__ import annotations

import re

from nmpcap.bpf import Instruction

NUMBER = r"(-?(?:0x[0-9a-f]+|\d+))"
CONSTANT = f"#{NUMBER}"
FORMS: tuple[tuple[str, str, int], ...] = (
    ("ld", CONSTANT, 0x00),
    ("ldx", CONSTANT, 0x01),
    ("ld", rf"\[{NUMBER}\]", 0x20),
    ("ldh", rf"\[{NUMBER}\]", 0x28),
    ("ldb", rf"\[{NUMBER}\]", 0x30),
    ("ld", rf"\[x \+ {NUMBER}\]", 0x40),
    ("ldh", rf"\[x \+ {NUMBER}\]", 0x48),
    ("ldb", rf"\[x \+ {NUMBER}\]", 0x50),
    ("ld", rf"M\[{NUMBER}\]", 0x60),
    ("ldx", rf"M\[{NUMBER}\]", 0x61),
    ("ld", "#pktlen", 0x80),
    ("ldx", "#pktlen", 0x81),
    ("ldxb", rf"4\*\(\[{NUMBER}\]&0xf\)", 0xB1),
    ("st", rf"M\[{NUMBER}\]", 0x02),
    ("stx", rf"M\[{NUMBER}\]", 0x03),
    ("neg", "", 0x84),
    ("tax", "", 0x07),
    ("txa", "", 0x87),
    ("ret", CONSTANT, 0x06),
    ("ret", "", 0x16),
    *((name, CONSTANT, 0x04 + 0x10 * i) for i, name in enumerate(("add", "sub", "mul", "div", "or", "and"))),
    *((name, "x", 0x0C + 0x10 * i) for i, name in enumerate(("add", "sub", "mul", "div", "or", "and"))),
    ("lsh", CONSTANT, 0x64),
    ("lsh", "x", 0x6C),
    ("rsh", CONSTANT, 0x74),
    ("rsh", "x", 0x7C),
    ("mod", CONSTANT, 0x94),
    ("mod", "x", 0x9C),
    ("xor", CONSTANT, 0xA4),
    ("xor", "x", 0xAC),
    *((name, CONSTANT, 0x15 + 0x10 * i) for i, name in enumerate(("jeq", "jgt", "jge", "jset"))),
    *((name, "x", 0x1D + 0x10 * i) for i, name in enumerate(("jeq", "jgt", "jge", "jset"))),
)
JUMP_ALWAYS = 0x05


def assemble(text: str) -> tuple[Instruction, ...]:
    """Translate a program; ValueError for what is no instruction."""
    labels: dict[str, int] = {}
    lines: list[str] = []
    for line in text.splitlines():
        *names, rest = re.split(r":\s*", line.strip())
        labels |= dict.fromkeys(names, len(lines))
        lines += [rest] if rest else []
    return tuple(_instruction(line, pos, labels) for pos, line in enumerate(lines))


def _instruction(line: str, pos: int, labels: dict[str, int]) -> Instruction:
    statement, *targets = re.split(r"\s*,\s*", line)
    mnemonic, _, operand = statement.partition(" ")
    skips = [labels[target] - pos - 1 for target in targets]
    if mnemonic == "ja":
        return Instruction(JUMP_ALWAYS, 0, 0, labels[operand.strip()] - pos - 1 & 0xFFFFFFFF)
    for name, shape, code in FORMS:
        match = re.fullmatch(shape, operand.strip())
        if name == mnemonic and match:
            jt, jf = (*skips, 0, 0)[:2]
            k = int(match[1], 0) if match.groups() else 0
            return Instruction(code, jt, jf, k & 0xFFFFFFFF)
    raise ValueError(f"not an instruction: {line!r}")
