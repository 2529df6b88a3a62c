"""The program for a Linux packet socket, made from one that judges packets as they are delivered.

The kernel's program sees a packet before it is made what is delivered:

    delivered                                   seen in the kernel
    with a VLAN tag at its place in the frame   the tag is metadata, mostly
    behind a cooked header                      without it; what is in it is metadata
    the length with that header                 without it
    cut to the snapshot length                  whole

The kernel's program accepts whatever the other one does. It may accept more: packets queued
before it was attached have to be judged after it in any case.
"""

from __future__ import annotations

from collections.abc import Sequence

from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.bpf import insn as op
from nmpcap.bpf.check import LINUX_MAX_INSNS, Fault, find_linux_fault
from nmpcap.bpf.insn import AD_OFF, ANCILLARY, Instruction
from nmpcap.bpf.splice import splice

__all__ = ["COOKED", "kernel_program"]

_LEAST = 16  # a VLAN tag must find its place in an Ethernet frame
_LONGEST_IP_HEADER = 60
_NO_PACKET = 1 << 31  # no packet has a byte there; to Linux such an offset is a negative one
_METADATA = {name: AD_OFF + offset for offset, name in ANCILLARY.items()}
_VLAN_TYPES = (0x8100, 0x88A8)  # ETH_P_8021Q, ETH_P_8021AD
_SIZES = {op.W: 4, op.H: 2, op.B: 1}
_REJECT = Instruction(op.RET | op.K, 0, 0, 0)

COOKED: dict[int, tuple[tuple[int, int, str], ...]] = {
    16: ((0, 2, "type"), (2, 2, "hatype"), (14, 2, "proto")),
    20: ((0, 2, "proto"), (2, 2, ""), (4, 4, "ifidx"), (8, 2, "hatype"), (10, 1, "type")),
}
"""By length of the cooked header, LINKTYPE_LINUX_SLL's (and LINKTYPE_NETLINK's) and LINKTYPE_LINUX_SLL2's:
offset and size of the fields that are metadata in the kernel, and of which; "" is always 0."""


def kernel_program(
    program: Sequence[Instruction], *, keep: int = MAXIMUM_SNAPLEN, header: int = 0, tags: bool = False
) -> tuple[Instruction, ...] | Fault:
    """Return the kernel's program, or what about this one Linux could not do.

    ``keep`` is how many bytes of a packet are wanted; more are kept if the program looks further. ``header``
    is the length of the cooked header in front of what is delivered, 0 for none. ``tags``: the program looks
    for VLAN tags in the frame, not in the metadata; then every tagged packet is accepted.
    """
    if len(program) > LINUX_MAX_INSNS:  # before taking the time to translate it
        return Fault(LINUX_MAX_INSNS, f"Linux takes at most {LINUX_MAX_INSNS} instructions")
    accept = Instruction(op.RET | op.K, 0, 0, max(keep, _reach(program), _LEAST))
    spare = _spare_word(program)
    pieces: dict[int, Sequence[Instruction]] = {}
    for index, insn in enumerate(program):
        piece = _translate(insn, header, spare, accept)
        if isinstance(piece, str):
            return Fault(index, piece)
        if piece:
            pieces[index] = piece
    spliced = splice(program, pieces, _prologue(header, tags, accept))
    return find_linux_fault(spliced) or spliced


def _reach(program: Sequence[Instruction]) -> int:
    """Return how many bytes of a packet can make a difference to the verdict."""
    farthest, greatest_x = 0, 0
    for insn in program:
        code, mode = insn.code, insn.code & 0xE0
        if code == op.LDX | op.MSH | op.B:
            farthest, greatest_x = max(farthest, insn.k + 1), max(greatest_x, _LONGEST_IP_HEADER)
        elif code == op.LDX | op.IMM:
            greatest_x = max(greatest_x, insn.k)
        elif code & 0x07 == op.LDX or code == op.MISC | op.TAX:
            greatest_x = MAXIMUM_SNAPLEN
        elif code & 0x07 == op.LD and mode == op.ABS and insn.k < _NO_PACKET:
            farthest = max(farthest, insn.k + _SIZES[code & 0x18])
    for insn in program:
        if insn.code & 0xE7 == op.LD | op.IND and insn.k < _NO_PACKET:
            farthest = max(farthest, greatest_x + insn.k + _SIZES[insn.code & 0x18])
    return min(farthest, MAXIMUM_SNAPLEN)


def _prologue(header: int, tags: bool, accept: Instruction) -> list[Instruction]:
    """Accept what the kernel's program could not judge; where it does not, A is 0 afterwards."""
    prologue = []
    if header:
        # Linux 6.11 and later give the header of a packet sent with its tag in the frame the protocol
        # behind the tag, and the metadata that of the tag.
        first, second = (Instruction(op.JMP | op.JEQ, 0, 0, type_) for type_ in _VLAN_TYPES)
        prologue += [_load("proto"), first._replace(jt=1), second._replace(jf=1), accept]
        prologue += [Instruction(op.LD | op.IMM, 0, 0, 0)]
    if tags:
        prologue += [_load("vlanp"), Instruction(op.JMP | op.JEQ, 1, 0, 0), accept]
    return prologue


def _load(name: str) -> Instruction:
    return Instruction(op.LD | op.W | op.ABS, 0, 0, _METADATA[name])


def _spare_word(program: Sequence[Instruction]) -> int | None:
    """Return a scratch word that the program leaves alone."""
    words = (op.ST, op.STX, op.LD | op.MEM, op.LDX | op.MEM)
    used = {insn.k for insn in program if insn.code in words}
    return next((word for word in range(op.MEMWORDS) if word not in used), None)


def _translate(
    insn: Instruction, header: int, spare: int | None, accept: Instruction
) -> list[Instruction] | str | None:
    """Return what stands for an instruction in the kernel: None for itself, a str for why nothing can."""
    code, k = insn.code, insn.k
    if code == op.RET | op.K:
        return [accept] if k else None
    if code == op.RET | op.A:
        return [Instruction(op.JMP | op.JEQ, 0, 1, 0), _REJECT, accept]
    if code in (op.ALU | op.LSH | op.X, op.ALU | op.RSH | op.X):
        return "Linux shifts by a register modulo 32"
    mode = code & 0xE0
    if code & 0x07 == op.LD and mode == op.ABS and k - AD_OFF in ANCILLARY:
        return None
    if code & 0x07 in (op.LD, op.LDX):
        if mode in (op.ABS, op.IND, op.MSH) and k >= _NO_PACKET:
            return [_REJECT]
        if header and mode in (op.ABS, op.IND, op.MSH):
            return _translate_load(insn, header)
        if header and mode == op.LEN:
            return _translate_length(insn, header, spare)
    return None


def _translate_load(insn: Instruction, header: int) -> list[Instruction] | str:
    if insn.k >= header:
        return [insn._replace(k=insn.k - header)]
    if insn.code & 0xE0 != op.ABS:
        return "it computes places that may be in the cooked header"
    size = _SIZES[insn.code & 0x18]
    for start, length, name in COOKED[header]:
        behind = start + length - insn.k - size
        if start <= insn.k and behind >= 0:
            return _load_field(name, 8 * behind, 8 * size if insn.k > start else 0)
    what = f"byte {insn.k}" if size == 1 else f"bytes {insn.k} to {insn.k + size - 1}"
    return f"{what} of the cooked header {'is' if size == 1 else 'are'} not among what Linux tells filters"


def _load_field(name: str, shift: int, keep: int) -> list[Instruction]:
    """Load metadata into A, and of it the ``keep`` bits (0: all there are) above the lowest ``shift``."""
    if not name:
        return [Instruction(op.LD | op.IMM, 0, 0, 0)]
    load = [_load(name)]
    if shift:
        load.append(Instruction(op.ALU | op.RSH, 0, 0, shift))
    if keep:
        load.append(Instruction(op.ALU | op.AND, 0, 0, (1 << keep) - 1))
    return load


def _translate_length(insn: Instruction, header: int, spare: int | None) -> list[Instruction] | str:
    length = [Instruction(op.LD | op.W | op.LEN, 0, 0, 0), Instruction(op.ALU | op.ADD, 0, 0, header)]
    if insn.code & 0x07 == op.LD:
        return length
    if spare is None:
        return "no scratch word is left to add the cooked header's length in"
    save, restore = Instruction(op.ST, 0, 0, spare), Instruction(op.LD | op.MEM, 0, 0, spare)
    return [save, *length, Instruction(op.MISC | op.TAX, 0, 0, 0), restore]
