"""The Linux kernel's BPF machine: a filter on one end of an AF_UNIX socket pair.

Needs no privilege, and no packet leaves the process. A packet sent to the other end arrives
cut to the program's verdict, or not at all.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import sys
from collections.abc import Sequence

from nmpcap.bpf import Instruction

SO_ATTACH_FILTER = 26

MISSING = "" if sys.platform == "linux" else "no kernel machine to compare with; to run it: use Linux"


class _SockFilter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jt", ctypes.c_uint8),
        ("jf", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class _SockFprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_uint16), ("filter", ctypes.POINTER(_SockFilter)))


class Kernel:
    """A socket pair whose receiving end filters; close it, or use it as a context manager."""

    def __init__(self) -> None:
        self._send, self._receive = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._receive.setblocking(False)

    def attach(self, instructions: Sequence[Instruction]) -> bool:
        """Replace the filter; False if the kernel finds the program invalid."""
        insns = (_SockFilter * len(instructions))(*(_SockFilter(*insn) for insn in instructions))
        fprog = _SockFprog(len(instructions) & 0xFFFF, insns)
        try:
            self._receive.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(fprog))
        except OSError as error:
            if error.errno == errno.EINVAL:
                return False
            raise
        return True

    def kept(self, packet: bytes) -> int:
        """How many bytes of a packet the filter keeps: its verdict, but for a packet shorter than that.

        An empty packet that passes and one that does not look the same: 0.
        """
        self._send.send(packet)
        try:
            return len(self._receive.recv(len(packet) + 1))
        except BlockingIOError:
            return 0

    def close(self) -> None:
        self._send.close()
        self._receive.close()

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
