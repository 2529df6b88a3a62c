"""The system's libpcap: bpf_filter, bpf_validate and bpf_image, called through ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from nmpcap.bpf import Instruction

SONAME = "libpcap.so.0.8"


class _Insn(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


def _load() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(SONAME)
    except OSError:
        return None
    library.bpf_filter.restype = ctypes.c_uint32
    library.bpf_filter.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_uint32)
    library.bpf_validate.argtypes = (ctypes.c_void_p, ctypes.c_int)
    library.bpf_image.restype = ctypes.c_char_p
    library.bpf_image.argtypes = (ctypes.c_void_p, ctypes.c_int)
    return library


_libpcap = _load()

MISSING = "" if _libpcap else f"no {SONAME} to compare with; to run it: apt-get install libpcap0.8"


def array(instructions: Sequence[Instruction]) -> ctypes.Array[_Insn]:
    """The program as C has it."""
    return (_Insn * len(instructions))(*(_Insn(*insn) for insn in instructions))


def validate(instructions: Sequence[Instruction]) -> bool:
    """Whether bpf_validate accepts the program."""
    assert _libpcap
    return bool(_libpcap.bpf_validate(array(instructions), len(instructions)))


def run(instructions: Sequence[Instruction], packet: bytes, wirelen: int | None = None) -> int:
    """bpf_filter's verdict; the program must be one that this project's checker accepts, too."""
    assert _libpcap
    wire = len(packet) if wirelen is None else wirelen
    return int(_libpcap.bpf_filter(array(instructions), packet, wire, len(packet)))


def line(insn: Instruction, pos: int) -> str:
    """bpf_image's line, without the spaces at its end that libpcap has dropped since."""
    assert _libpcap
    return str(_libpcap.bpf_image(array([insn]), pos).decode().rstrip())
