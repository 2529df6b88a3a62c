"""libpcap on an interface, through ctypes: what it lets through of what comes by."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

from .libpcap import INSTALL, _Header, _Program, library

class Seen(NamedTuple):
    """A packet, and its length on the wire."""

    data: bytes
    len: int


_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(_Header), ctypes.c_void_p)


class Live:
    """An interface, opened in immediate mode; close it, or use it as a context manager."""

    def __init__(self, device: str, snaplen: int = 262144, linktype: int | None = None) -> None:
        lib = library()
        assert lib is not None, INSTALL
        self._lib = lib
        lib.pcap_create.restype = ctypes.c_void_p
        message = ctypes.create_string_buffer(256)
        self._handle = ctypes.c_void_p(lib.pcap_create(device.encode(), message))
        for setting, value in (("snaplen", snaplen), ("immediate_mode", 1), ("promisc", 1), ("timeout", 1)):
            getattr(lib, f"pcap_set_{setting}")(self._handle, value)
        lib.pcap_set_buffer_size(self._handle, 8 << 20)
        if lib.pcap_activate(self._handle) < 0:
            raise OSError(lib.pcap_geterr(self._handle).decode())
        if linktype is not None and lib.pcap_set_datalink(self._handle, linktype):
            raise OSError(lib.pcap_geterr(self._handle).decode())
        lib.pcap_setnonblock(self._handle, 1, message)

    def setfilter(self, text: str) -> bool:
        """Compile and set a filter; False where libpcap refuses."""
        program = _Program()
        if self._lib.pcap_compile(self._handle, ctypes.byref(program), text.encode(), 1, 0xFFFFFFFF):
            return False
        refused = self._lib.pcap_setfilter(self._handle, ctypes.byref(program))
        self._lib.pcap_freecode(ctypes.byref(program))
        return not refused

    def datalinks(self) -> list[int]:
        """The link types that may be chosen from, the one in use first."""
        types = ctypes.POINTER(ctypes.c_int)()
        n = self._lib.pcap_list_datalinks(self._handle, ctypes.byref(types))
        return [types[i] for i in range(n)]

    def read(self) -> list[Seen]:
        """What is there."""
        seen: list[Seen] = []

        def take(_: int, header: ctypes._Pointer[_Header], data: int) -> None:
            seen.append(Seen(ctypes.string_at(data, header[0].caplen), header[0].len))

        callback = _Callback(take)
        while self._lib.pcap_dispatch(self._handle, -1, callback, None) > 0:
            pass
        return seen

    def close(self) -> None:
        self._lib.pcap_close(self._handle)

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
