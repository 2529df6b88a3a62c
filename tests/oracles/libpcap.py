"""The system's libpcap through ctypes: compiles filters and runs them. An oracle, never a dependency."""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import lru_cache
from typing import NamedTuple

from nmpcap.bpf import Instruction

INSTALL = "libpcap not found: apt-get install libpcap0.8"


class Refused(Exception):
    """libpcap did not compile the filter."""


class _Insn(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_uint), ("insns", ctypes.POINTER(_Insn)))


class _Header(ctypes.Structure):
    _fields_ = (
        ("sec", ctypes.c_long),
        ("usec", ctypes.c_long),
        ("caplen", ctypes.c_uint),
        ("len", ctypes.c_uint),
    )


class Compiled(NamedTuple):
    """A program of libpcap's: its instructions, and what runs them."""

    instructions: tuple[Instruction, ...]
    program: _Program

    def match(self, packet: bytes, wirelen: int | None = None) -> int:
        """The verdict of libpcap's own machine."""
        size = len(packet)
        loaded = library()
        assert loaded is not None, "there is a program of it"
        return int(loaded.bpf_filter(self.program.insns, packet, wirelen or size, size))


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL | None:
    """The library, None where there is none."""
    name = ctypes.util.find_library("pcap") or "libpcap.so.0.8"
    try:
        lib = ctypes.CDLL(name)
    except OSError:
        return None
    lib.pcap_open_dead.restype = ctypes.c_void_p
    lib.pcap_close.argtypes = (ctypes.c_void_p,)
    lib.pcap_compile.argtypes = (
        ctypes.c_void_p,
        ctypes.POINTER(_Program),
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_uint,
    )
    lib.pcap_geterr.argtypes = (ctypes.c_void_p,)
    lib.pcap_geterr.restype = ctypes.c_char_p
    lib.bpf_filter.argtypes = (ctypes.POINTER(_Insn), ctypes.c_char_p, ctypes.c_uint, ctypes.c_uint)
    lib.bpf_filter.restype = ctypes.c_uint
    lib.pcap_lib_version.restype = ctypes.c_char_p
    return lib


def compile_filter(
    text: str, linktype: int = 1, *, optimize: bool = True, snaplen: int = 262144, netmask: int = 0xFFFFFFFF
) -> Compiled:
    """Compile with libpcap, for a handle of pcap_open_dead; raises Refused with its message."""
    lib = library()
    assert lib is not None, INSTALL
    handle = lib.pcap_open_dead(linktype, snaplen)
    program = _Program()
    try:
        if lib.pcap_compile(handle, ctypes.byref(program), text.encode(), int(optimize), netmask):
            raise Refused(lib.pcap_geterr(handle).decode(errors="replace"))
    finally:
        lib.pcap_close(handle)
    instructions = tuple(Instruction(i.code, i.jt, i.jf, i.k) for i in program.insns[: program.len])
    return Compiled(instructions, program)
