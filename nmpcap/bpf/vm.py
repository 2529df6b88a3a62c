"""The machine in Python: slow, and meant to be read and to be compared with.

Machines agree on nearly everything. Where they do not, ``Rules`` has a field:

    case                                libpcap and this package    Linux
    shift by X >= 32                    0                           by X mod 32
    shift by constant >= 32             0 (libpcap: undefined)      refused
    [x + k] past 2^32                   packet rejected             wraps
    loads at k >= 0xfffff000            rejected without metadata   ancillary data
    loads at 0xfff00000..0xfffff000     rejected                    from the network header
    M[k] read before written            0                           refused
    jump backwards                      bounded; see below          refused

A jump backwards beyond the ``BACKWARD_LIMIT``-th rejects the packet: 64 KiB hold no more
extension headers of 8 bytes, and a crafted packet could otherwise hold the loop for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nmpcap.bpf import insn as op
from nmpcap.bpf.insn import Instruction

__all__ = ["BACKWARD_LIMIT", "LIBPCAP", "LINUX", "Rules", "run"]

BACKWARD_LIMIT = 8192

_MASK = 0xFFFFFFFF
_NET_OFF = 0xFFF00000
_SIZES = {op.W: 4, op.H: 2, op.B: 1}


@dataclass(frozen=True)
class Rules:
    """What machines disagree about; ``network`` is where the network header starts in the packet."""

    shift_wraps: bool = False
    index_wraps: bool = False
    network: int | None = None


LIBPCAP = Rules()
LINUX = Rules(shift_wraps=True, index_wraps=True, network=0)


class _Reject(Exception):
    """The program ended by itself: a load past the end, or a division by zero."""


def run(
    instructions: Sequence[Instruction],
    packet: bytes | bytearray | memoryview,
    wirelen: int | None = None,
    *,
    ancillary: Mapping[str, int] | None = None,
    rules: Rules = LIBPCAP,
) -> int:
    """Run a checked program over a packet and return the number of bytes it wants kept, 0 to drop.

    ``wirelen`` is the packet's length before it was cut, by default that of ``packet``.
    ``ancillary`` holds what ``ld [vlan_tci]`` and its kin find, by the names of ``insn.ANCILLARY``;
    what is missing there counts as past the end.
    """
    machine = _Machine(instructions, packet, wirelen, ancillary or {}, rules)
    try:
        while machine.verdict is None:
            machine.step()
    except _Reject:
        return 0
    return machine.verdict


class _Machine:
    def __init__(
        self,
        instructions: Sequence[Instruction],
        packet: bytes | bytearray | memoryview,
        wirelen: int | None,
        ancillary: Mapping[str, int],
        rules: Rules,
    ) -> None:
        self.instructions = instructions
        self.packet = memoryview(packet).cast("B")
        self.wirelen = len(self.packet) if wirelen is None else wirelen
        self.ancillary = ancillary
        self.rules = rules
        self.a = self.x = self.pos = 0
        self.mem = [0] * op.MEMWORDS
        self.backward = 0
        self.verdict: int | None = None

    def step(self) -> None:
        insn = self.instructions[self.pos]
        self.pos += 1
        _STEPS[insn.code & 0x07](self, insn)

    def load(self, insn: Instruction) -> None:
        mode, k = insn.code & 0xE0, insn.k
        if mode == op.ABS and k - op.AD_OFF in op.ANCILLARY:
            self.a = self.metadata(k)
        elif mode in (op.ABS, op.IND):
            address = k if mode == op.ABS else self.x + k
            self.a = self.packet_bytes(address, _SIZES[insn.code & 0x18])
        else:
            self.a = self.constant(mode, k)

    def load_x(self, insn: Instruction) -> None:
        mode = insn.code & 0xE0
        if mode == op.MSH:
            self.x = 4 * (self.packet_bytes(insn.k, 1) & 0x0F)
        else:
            self.x = self.constant(mode, insn.k)

    def constant(self, mode: int, k: int) -> int:
        return {op.IMM: k, op.LEN: self.wirelen, op.MEM: self.mem[k % op.MEMWORDS]}[mode]

    def packet_bytes(self, address: int, size: int) -> int:
        if self.rules.index_wraps:
            address &= _MASK
        if self.rules.network is not None and address >= _NET_OFF:
            address += self.rules.network - _NET_OFF
        if address + size > len(self.packet):
            raise _Reject
        return int.from_bytes(self.packet[address : address + size], "big")

    def metadata(self, k: int) -> int:
        value = self.ancillary.get(op.ANCILLARY[k - op.AD_OFF])
        if value is None:
            raise _Reject
        return value

    def store(self, insn: Instruction) -> None:
        self.mem[insn.k] = self.a

    def store_x(self, insn: Instruction) -> None:
        self.mem[insn.k] = self.x

    def alu(self, insn: Instruction) -> None:
        operation = insn.code & 0xF0
        operand = self.x if insn.code & op.X else insn.k
        if operation in (op.DIV, op.MOD) and operand == 0:
            raise _Reject
        if operation in (op.LSH, op.RSH) and self.rules.shift_wraps:
            operand %= 32
        self.a = _ALU[operation](self.a, operand) & _MASK

    def jump(self, insn: Instruction) -> None:
        operation = insn.code & 0xF0
        if operation == op.JA:
            skip = insn.skip
        else:
            operand = self.x if insn.code & op.X else insn.k
            skip = insn.jt if _TESTS[operation](self.a, operand) else insn.jf
        self.backward += skip < 0
        if self.backward > BACKWARD_LIMIT:
            raise _Reject
        self.pos += skip

    def ret(self, insn: Instruction) -> None:
        self.verdict = self.a if insn.code == op.RET | op.A else insn.k

    def transfer(self, insn: Instruction) -> None:
        if insn.code == op.MISC | op.TAX:
            self.x = self.a
        else:
            self.a = self.x


_STEPS: dict[int, Callable[[_Machine, Instruction], None]] = {
    op.LD: _Machine.load,
    op.LDX: _Machine.load_x,
    op.ST: _Machine.store,
    op.STX: _Machine.store_x,
    op.ALU: _Machine.alu,
    op.JMP: _Machine.jump,
    op.RET: _Machine.ret,
    op.MISC: _Machine.transfer,
}

_ALU: dict[int, Callable[[int, int], int]] = {
    op.ADD: lambda a, operand: a + operand,
    op.SUB: lambda a, operand: a - operand,
    op.MUL: lambda a, operand: a * operand,
    op.DIV: lambda a, operand: a // operand,
    op.MOD: lambda a, operand: a % operand,
    op.OR: lambda a, operand: a | operand,
    op.AND: lambda a, operand: a & operand,
    op.XOR: lambda a, operand: a ^ operand,
    op.LSH: lambda a, operand: a << operand if operand < 32 else 0,
    op.RSH: lambda a, operand: a >> operand if operand < 32 else 0,
    op.NEG: lambda a, operand: -a,
}

_TESTS: dict[int, Callable[[int, int], bool]] = {
    op.JEQ: lambda a, operand: a == operand,
    op.JGT: lambda a, operand: a > operand,
    op.JGE: lambda a, operand: a >= operand,
    op.JSET: lambda a, operand: a & operand != 0,
}
