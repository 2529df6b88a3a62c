"""libpcap's own reader, through the system's shared library: packets with nanoseconds, and its words."""

from __future__ import annotations

import ctypes
import ctypes.util
from pathlib import Path
from typing import NamedTuple

import pytest


class Read(NamedTuple):
    """What libpcap made of a file; ``error`` is "" at a clean end."""

    packets: list[tuple[int, bytes, int]]
    linktype: int | None
    snaplen: int | None
    error: str


class _Header(ctypes.Structure):
    _fields_ = (
        ("seconds", ctypes.c_long),
        ("fraction", ctypes.c_long),
        ("caplen", ctypes.c_uint),
        ("len", ctypes.c_uint),
    )


def library() -> ctypes.CDLL:
    name = ctypes.util.find_library("pcap")
    if name is None:
        pytest.skip("no libpcap; to run it: apt-get install libpcap0.8")
    pcap = ctypes.CDLL(name)
    handle = ctypes.c_void_p
    for function, result, arguments in (
        (
            "pcap_open_offline_with_tstamp_precision",
            handle,
            [ctypes.c_char_p, ctypes.c_uint, ctypes.c_char_p],
        ),
        ("pcap_geterr", ctypes.c_char_p, [handle]),
        ("pcap_next_ex", ctypes.c_int, [handle, ctypes.c_void_p, ctypes.c_void_p]),
        ("pcap_datalink", ctypes.c_int, [handle]),
        ("pcap_snapshot", ctypes.c_int, [handle]),
        ("pcap_is_swapped", ctypes.c_int, [handle]),
        ("pcap_major_version", ctypes.c_int, [handle]),
        ("pcap_minor_version", ctypes.c_int, [handle]),
        ("pcap_datalink_ext", ctypes.c_int, [handle]),
        ("pcap_tstamp_type_name_to_val", ctypes.c_int, [ctypes.c_char_p]),
        ("pcap_tstamp_type_val_to_name", ctypes.c_char_p, [ctypes.c_int]),
        ("pcap_tstamp_type_val_to_description", ctypes.c_char_p, [ctypes.c_int]),
        ("pcap_close", None, [handle]),
        ("pcap_datalink_val_to_name", ctypes.c_char_p, [ctypes.c_int]),
        ("pcap_datalink_val_to_description", ctypes.c_char_p, [ctypes.c_int]),
        ("pcap_datalink_val_to_description_or_dlt", ctypes.c_char_p, [ctypes.c_int]),
        ("pcap_datalink_name_to_val", ctypes.c_int, [ctypes.c_char_p]),
    ):
        getattr(pcap, function).restype = result
        getattr(pcap, function).argtypes = arguments
    return pcap


def describe(pcap: ctypes.CDLL, path: Path) -> dict[str, int]:
    """What libpcap says of a file, by the names of its functions."""
    file = pcap.pcap_open_offline_with_tstamp_precision(bytes(path), 1, ctypes.create_string_buffer(256))
    names = ("datalink", "datalink_ext", "snapshot", "is_swapped", "major_version", "minor_version")
    said = {name: int(getattr(pcap, f"pcap_{name}")(file)) for name in names}
    pcap.pcap_close(file)
    return said


def read(pcap: ctypes.CDLL, path: Path) -> Read:
    nanoseconds = 1
    error = ctypes.create_string_buffer(256)
    file = pcap.pcap_open_offline_with_tstamp_precision(bytes(path), nanoseconds, error)
    if not file:
        return Read([], None, None, error.value.decode())
    header, data = ctypes.POINTER(_Header)(), ctypes.c_void_p()
    packets = []
    while (status := pcap.pcap_next_ex(file, ctypes.byref(header), ctypes.byref(data))) == 1:
        packet = header.contents
        body = ctypes.string_at(data, packet.caplen)
        packets.append((packet.seconds * 10**9 + packet.fraction, body, packet.len))
    text = pcap.pcap_geterr(file).decode() if status == -1 else ""
    result = Read(packets, pcap.pcap_datalink(file), pcap.pcap_snapshot(file), text)
    pcap.pcap_close(file)
    return result
