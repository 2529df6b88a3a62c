"""Programs run by the core: checked and loaded once, then machine code or the C interpreter.

Which of the two is the core's choice: machine code where the processor (x86-64, AArch64)
has a translation and the system hands out executable memory, unless ``NMPCAP_JIT=0`` is
in the environment. Both give the verdicts of ``nmpcap.bpf.vm``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from nmpcap._core import ffi, lib
from nmpcap.bpf.check import check
from nmpcap.bpf.insn import ANCILLARY, Instruction
from nmpcap.errors import PcapError

__all__ = ["AUTO", "INTERPRETER", "JIT", "Native", "check_fast", "metadata"]

AUTO: Final = 0
INTERPRETER: Final = 1
JIT: Final = 2

_SLOTS = {name: offset // 4 for offset, name in ANCILLARY.items()}


def check_fast(instructions: Sequence[Instruction]) -> None:
    """Do what ``check.check`` does, in the core: a thousandth of its time on large programs."""
    _checked_array(instructions)


def _checked_array(instructions: Sequence[Instruction]) -> Any:
    """Give the core's form of a program; ProgramError if it must not run."""
    try:
        insns = ffi.new("struct nm_insn[]", instructions)
    except OverflowError:  # a number that no field of that form can hold: check() says which
        check(instructions)
        raise
    index = ffi.new("uint32_t *")
    if lib.nm_bpf_check(insns, len(instructions), index):
        check(instructions)
    return insns


class Native:
    """A program loaded into the core. Immutable; any number of threads may run it at once.

    ``machine`` asks for one of AUTO, INTERPRETER and JIT. Raises ProgramError for a program that
    must not run, PcapError where JIT was asked for and there is none.
    """

    __slots__ = ("_program", "pointer")

    def __init__(self, instructions: Sequence[Instruction], machine: int = AUTO) -> None:
        insns = _checked_array(instructions)
        program = ffi.new("struct nm_program **")
        message = ffi.new("char[]", lib.NM_MSG_SIZE)
        if lib.nm_program_new(insns, len(instructions), machine, program, message):
            raise PcapError(ffi.string(message).decode())
        #: ``struct nm_program *``, valid as long as this object; whoever keeps it takes a reference.
        self.pointer: Any = program[0]
        self._program = ffi.gc(program[0], lib.nm_program_unref)

    @property
    def machine(self) -> str:
        """What runs the program: "jit-x86_64", "jit-aarch64" or "interpreter"."""
        return str(ffi.string(lib.nm_program_machine(self.pointer)).decode())

    @property
    def metadata(self) -> frozenset[str]:
        """What its ancillary loads ask for, by the names of ``insn.ANCILLARY``; of those it can reach."""
        words = lib.nm_program_metadata(self.pointer)
        return frozenset(name for name, slot in _SLOTS.items() if words >> slot & 1)

    @property
    def code(self) -> bytes:
        """The machine code, for a disassembler; empty with the interpreter."""
        size = ffi.new("size_t *")
        code = lib.nm_program_code(self.pointer, size)
        return bytes(ffi.buffer(code, size[0])) if code else b""

    def match(self, data: Any, wirelen: int | None = None, ancillary: Mapping[str, int] | None = None) -> int:
        """Run over one packet, any buffer; return the bytes to keep, 0 to drop.

        ``wirelen`` is its length before it was cut, ``len(data)`` by default. ``ancillary`` is what
        Linux ancillary loads find, by the names of ``insn.ANCILLARY``; without it they reject.
        """
        packet = ffi.from_buffer(data)
        size = len(packet)
        known = metadata(ancillary) if ancillary else ffi.NULL
        wire = size if wirelen is None else wirelen
        return int(lib.nm_program_run(self.pointer, packet, wire, size, known))

    def filter(self, views: Any, count: int, metadata: Any = ffi.NULL) -> int:
        """Filter a batch in place: see ``nm_program_filter``; ``views`` is a ``struct nm_view *``."""
        return int(lib.nm_program_filter(self.pointer, views, metadata, count))


def metadata(ancillary: Mapping[str, int]) -> Any:
    """Build a ``struct nm_metadata`` from values by name, such as ``{"vlan_tci": 5, "vlanp": 1}``."""
    known = ffi.new("struct nm_metadata *")
    for name, value in ancillary.items():
        if name not in _SLOTS:
            raise ValueError(f"no ancillary data is called {name!r}; there are {', '.join(_SLOTS)}")
        known.known |= 1 << _SLOTS[name]
        known.value[_SLOTS[name]] = value
    return known
