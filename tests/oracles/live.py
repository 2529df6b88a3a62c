"""libpcap on a live interface: the system's library, through ctypes. An oracle, never a dependency."""

from __future__ import annotations

import ctypes
import time
from typing import Any, NamedTuple

import pytest

from .libpcap import INSTALL, library

NANO = 1


class Captured(NamedTuple):
    """A packet as libpcap gives it."""

    ts_ns: int
    data: bytes
    len: int


class _Header(ctypes.Structure):
    _fields_ = (
        ("seconds", ctypes.c_long),
        ("fraction", ctypes.c_long),
        ("caplen", ctypes.c_uint),
        ("len", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_uint), ("insns", ctypes.c_void_p))


class _Stats(ctypes.Structure):
    _fields_ = (("received", ctypes.c_uint), ("dropped", ctypes.c_uint), ("if_dropped", ctypes.c_uint))


class Libpcap:
    """A handle of libpcap's, in nanoseconds, that never waits; ``with`` closes it."""

    def __init__(
        self, device: str, *, snaplen: int = 262144, linktype: int | None = None, immediate: bool = False
    ) -> None:
        loaded = library()
        if loaded is None:
            pytest.skip(f"{INSTALL.partition(':')[0]}; to run it: {INSTALL.partition(': ')[2]}")
        self._pcap: Any = ctypes.CDLL(loaded._name)
        for name, result in (("pcap_create", ctypes.c_void_p), ("pcap_geterr", ctypes.c_char_p)):
            getattr(self._pcap, name).restype = result
        error = ctypes.create_string_buffer(256)
        self._handle = ctypes.c_void_p(self._pcap.pcap_create(device.encode(), error))
        self._pcap.pcap_set_snaplen(self._handle, snaplen)
        self._pcap.pcap_set_promisc(self._handle, 1)
        self._pcap.pcap_set_timeout(self._handle, 10)
        self._pcap.pcap_set_buffer_size(self._handle, 32 << 20)
        self._pcap.pcap_set_immediate_mode(self._handle, int(immediate))
        self._pcap.pcap_set_tstamp_precision(self._handle, NANO)
        self.status: int = self._pcap.pcap_activate(self._handle)
        self.message = self._pcap.pcap_geterr(self._handle).decode()
        if self.status >= 0:
            self._pcap.pcap_setnonblock(self._handle, 1, error)
            if linktype is not None:
                assert self._pcap.pcap_set_datalink(self._handle, linktype) == 0

    def read(self, count: int, timeout: float = 5) -> list[Captured]:
        """Return up to ``count`` packets, as many as come until the timeout; 0: as many as are there."""
        header, data = ctypes.POINTER(_Header)(), ctypes.POINTER(ctypes.c_ubyte)()
        packets: list[Captured] = []
        until = time.monotonic() + timeout
        while len(packets) < count:
            if self._pcap.pcap_next_ex(self._handle, ctypes.byref(header), ctypes.byref(data)) != 1:
                if time.monotonic() >= until:
                    break
                time.sleep(0.002)
                continue
            h = header.contents
            packets.append(Captured(h.seconds * 10**9 + h.fraction, ctypes.string_at(data, h.caplen), h.len))
        return packets

    def setfilter(self, text: str) -> bool:
        """Compile a filter for this handle and set it; False where libpcap refuses."""
        program = _Program()
        if self._pcap.pcap_compile(self._handle, ctypes.byref(program), text.encode(), 1, 0xFFFFFFFF):
            return False
        refused = self._pcap.pcap_setfilter(self._handle, ctypes.byref(program))
        self._pcap.pcap_freecode(ctypes.byref(program))
        return not refused

    def datalinks(self) -> list[int]:
        """Return the link types that may be chosen from."""
        types = ctypes.POINTER(ctypes.c_int)()
        count = self._pcap.pcap_list_datalinks(self._handle, ctypes.byref(types))
        found = types[:count]
        self._pcap.pcap_free_datalinks(types)
        return found

    def stats(self) -> tuple[int, int, int]:
        """Return packets received, dropped and dropped by the interface."""
        stats = _Stats()
        assert self._pcap.pcap_stats(self._handle, ctypes.byref(stats)) == 0
        return stats.received, stats.dropped, stats.if_dropped

    def __enter__(self) -> Libpcap:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pcap.pcap_close(self._handle)
