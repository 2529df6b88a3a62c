"""A program as a value: checked, comparable, hashable, picklable, and fast to run.

``nmpcap.compile`` makes one from a filter expression; here they come from instructions
or from the text of ``tcpdump -ddd``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.bpf.image import image, parse_ddd
from nmpcap.bpf.insn import Instruction
from nmpcap.bpf.native import Native, check_fast
from nmpcap.errors import PcapError

__all__ = ["Origin", "Program"]

_DLT_EN10MB = 1
_SHOWN = 72  # characters of an expression in a repr


class Origin(Protocol):
    """What a program was compiled from; picklable. The compiler provides it."""

    @property
    def text(self) -> str:
        """The expression as it was written."""

    @property
    def live(self) -> bool:
        """Whether it was compiled for a Linux packet socket."""

    def explain(self) -> str:
        """Say what the expression means, part by part."""


class Program:
    """A checked BPF program for packets of one link type.

    ``linktype`` is a DLT value, ``snaplen`` the most a verdict is meant to keep; both are carried
    along, the instructions decide. Two programs are equal if these three are. It never changes: threads
    may share one.
    """

    __slots__ = ("_native", "instructions", "linktype", "origin", "snaplen")

    instructions: tuple[Instruction, ...]
    linktype: int
    snaplen: int
    origin: Origin | None
    _native: Native | None

    def __init__(
        self,
        instructions: Iterable[Instruction | tuple[int, int, int, int]],
        *,
        linktype: int = _DLT_EN10MB,
        snaplen: int = MAXIMUM_SNAPLEN,
        origin: Origin | None = None,
    ) -> None:
        put = super().__setattr__
        put("instructions", _instructions(instructions))
        put("linktype", linktype)
        put("snaplen", snaplen)
        put("origin", origin)
        put("_native", None)
        check_fast(self.instructions)

    @classmethod
    def from_instructions(
        cls,
        instructions: Iterable[Instruction | tuple[int, int, int, int]],
        *,
        linktype: int = _DLT_EN10MB,
        snaplen: int = MAXIMUM_SNAPLEN,
    ) -> Program:
        """Take a program as (code, jt, jf, k) tuples; ProgramError unless it may run."""
        return cls(instructions, linktype=linktype, snaplen=snaplen)

    @classmethod
    def from_ddd(cls, text: str, *, linktype: int = _DLT_EN10MB, snaplen: int = MAXIMUM_SNAPLEN) -> Program:
        """Take a program as ``tcpdump -ddd`` prints it; PcapError if it is not that, or may not run."""
        return cls(parse_ddd(text), linktype=linktype, snaplen=snaplen)

    @property
    def native(self) -> Native:
        """The program loaded into the core, at first use."""
        if self._native is None:
            super().__setattr__("_native", Native(self.instructions))
            assert self._native is not None
        return self._native

    @property
    def machine(self) -> str:
        """What runs the program here: "jit-x86_64", "jit-aarch64" or "interpreter"."""
        return self.native.machine

    @property
    def live(self) -> bool:
        """Whether it is for a Linux packet socket: compiled with ``live``, or asking for metadata.

        Such a program does not find the outermost VLAN tag in the frame, but in the metadata.
        """
        return bool(self.origin and self.origin.live) or bool(self.native.metadata)

    def match(
        self, data: Any, wirelen: int | None = None, *, ancillary: Mapping[str, int] | None = None
    ) -> int:
        """Return how many bytes of a packet the program wants kept; 0 means it does not match.

        ``data`` is any buffer and ``wirelen`` the packet's length before it was cut, ``len(data)`` by
        default. ``ancillary`` answers Linux ancillary loads, by the names tcpdump -d prints for them
        ({"vlan_tci": 5, "vlanp": 1}); a load of what is not in there rejects the packet.
        """
        return self.native.match(data, wirelen, ancillary)

    def image(self, form: str = "d") -> str:
        """List the program as ``tcpdump -d``, ``-dd`` or ``-ddd`` would, without a newline at the end."""
        return image(self.instructions, form)

    def explain(self) -> str:
        """Say what the filter expression means, part by part; PcapError for a program that had none."""
        if self.origin is None:
            raise PcapError("BPF program: made from instructions, not from an expression; see image()")
        return self.origin.explain()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Program never changes: {name} cannot be set; compile another")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Program never changes: {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Program):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[tuple[Instruction, ...], int, int]:
        return self.instructions, self.linktype, self.snaplen

    def __repr__(self) -> str:
        source = "from instructions"
        if self.origin:
            text = self.origin.text
            source = repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}...")
        return f"<Program {source}: {len(self.instructions)} instructions, linktype {self.linktype}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.instructions, self.linktype, self.snaplen, self.origin)


def _instructions(given: Iterable[Instruction | tuple[int, int, int, int]]) -> tuple[Instruction, ...]:
    return tuple(insn if type(insn) is Instruction else Instruction(*insn) for insn in given)


def _restore(
    instructions: tuple[Instruction, ...], linktype: int, snaplen: int, origin: Origin | None
) -> Program:
    return Program(instructions, linktype=linktype, snaplen=snaplen, origin=origin)
