"""BPFProgram: a compiled filter, to be run over packets by the program itself."""

from __future__ import annotations

from typing import Any

from nmpcap import errors
from nmpcap.filter import Program, compile

from .._words import c_int, c_string, words
from .errors import BPFError, PcapError

__all__ = ["BPFProgram", "compiled"]

_SNAPLEN = 1 << 16
_EVERYTHING = ((6, 0, 0, _SNAPLEN),)


class BPFProgram:
    """A filter expression, compiled for a link type; ``filter`` runs it over a packet."""

    __slots__ = ("_program",)
    __module__ = "nmpcap.compat.pcapy"

    _program: Program

    def __new__(cls, filter: str, linktype: int = 1) -> BPFProgram:
        """Compile an expression; BPFError where it is none."""
        text = c_string(filter, "argument 1")
        self = object.__new__(cls)
        try:
            self._program = compile(
                text, linktype=c_int(linktype), snaplen=_SNAPLEN, netmask=0, optimize=False
            )
        except errors.PcapError as error:
            raise BPFError("Couldn't compile BPF program") from error
        return self

    def __init_subclass__(cls, **keywords: object) -> None:
        raise TypeError("type 'BPFProgram' is not an acceptable base type")

    def filter(self, packet: Any) -> int:
        """Return how many bytes of a packet the filter wants kept; 0 where it does not match."""
        if isinstance(packet, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        return self._program.match(packet)

    def get_bpf(self) -> list[tuple[int, int, int, int]]:
        """Return the instructions: (code, jt, jf, k) each."""
        return [(insn.code, insn.jt, insn.jf, insn.k) for insn in self._program.instructions]


def compiled(linktype: int, snaplen: int, filter: str, optimize: int, netmask: int) -> BPFProgram:
    """Compile an expression as pcap_compile does; PcapError, pcapy's, in its words."""
    program: BPFProgram = object.__new__(BPFProgram)
    try:
        program._program = compile(
            filter, linktype=linktype, snaplen=snaplen, netmask=netmask, optimize=bool(optimize)
        )
    except errors.PcapError as error:
        raise PcapError(words(error)) from error
    return program
