"""pcapy, and its continuation pcapy-ng 2.1: ``import nmpcap.compat.pcapy as pcapy``.

The functions, constants and exceptions of the original, with its results and libpcap's words. More than
it takes: keywords, any buffer, paths, and of a reader ``fileno``, ``breakloop`` and iteration. What differs
on purpose stands in the page beside this file.
"""

from __future__ import annotations

from nmpcap import errors as _errors
from nmpcap.dlt import (
    DLT_ARCNET,
    DLT_ATM_RFC1483,
    DLT_C_HDLC,
    DLT_EN10MB,
    DLT_FDDI,
    DLT_IEEE802,
    DLT_IEEE802_11,
    DLT_LINUX_SLL,
    DLT_LOOP,
    DLT_LTALK,
    DLT_NULL,
    DLT_PPP,
    DLT_PPP_ETHER,
    DLT_PPP_SERIAL,
    DLT_RAW,
    DLT_SLIP,
)

from . import _devices, _words
from ._pcapy import errors as _pcapy_errors
from ._pcapy import program as _program
from ._pcapy import reader as _reader
from ._pcapy.errors import BPFError, PcapError
from ._pcapy.program import BPFProgram

__all__ = [
    "DLT_ARCNET",
    "DLT_ATM_RFC1483",
    "DLT_C_HDLC",
    "DLT_EN10MB",
    "DLT_FDDI",
    "DLT_IEEE802",
    "DLT_IEEE802_11",
    "DLT_LINUX_SLL",
    "DLT_LOOP",
    "DLT_LTALK",
    "DLT_NULL",
    "DLT_PPP",
    "DLT_PPP_ETHER",
    "DLT_PPP_SERIAL",
    "DLT_RAW",
    "DLT_SLIP",
    "PACKET_FANOUT_CPU",
    "PACKET_FANOUT_HASH",
    "PACKET_FANOUT_LB",
    "PACKET_FANOUT_RND",
    "PACKET_FANOUT_ROLLOVER",
    "PCAP_D_IN",
    "PCAP_D_INOUT",
    "PCAP_D_OUT",
    "BPFError",
    "BPFProgram",
    "PcapError",
    "compile",
    "create",
    "findalldevs",
    "lookupdev",
    "open_live",
    "open_offline",
]


PCAP_D_INOUT = 0
PCAP_D_IN = 1
PCAP_D_OUT = 2

PACKET_FANOUT_HASH = 0
PACKET_FANOUT_LB = 1
PACKET_FANOUT_CPU = 2
PACKET_FANOUT_ROLLOVER = 3
PACKET_FANOUT_RND = 4


def open_live(device: str, snaplen: int, promisc: int, to_ms: int) -> _reader.Reader:
    """Open a device: an interface, or what nmpcap.open takes. Raises PcapError.

    to_ms: how many milliseconds ``next`` and ``dispatch`` wait at most; 0: until a packet comes.
    """
    name = _words.c_string(device, "open_live() argument 1")
    return _reader.live_reader(name, _words.c_int(snaplen), _words.c_int(promisc), _words.c_int(to_ms))


def open_offline(filename: str) -> _reader.Reader:
    """Open a savefile, ``-`` for standard input. Raises PcapError."""
    return _reader.savefile_reader(_words.path_string(filename, "argument 1"))


def create(device: str) -> _reader.Reader:
    """Return a reader to make settings on and then to activate; whether the device exists is seen then."""
    return _reader.create_reader(_words.c_string(device, "pcap_create() argument 1"))


def lookupdev(*_ignored: object) -> str:
    """Return the name of the first interface that is up. Raises PcapError where there is none."""
    try:
        return _devices.lookupdev()
    except _errors.PcapError as error:
        raise _pcapy_errors.original(error) from error


def findalldevs(*_ignored: object) -> list[str]:
    """Return the names of what can be opened, interfaces first. Raises PcapError where there is nothing."""
    try:
        found = [device.name for device in _devices.findalldevs()]
    except _errors.PcapError as error:
        raise _pcapy_errors.original(error) from error
    if not found:
        raise PcapError("No valid interfaces to open")
    return found


def compile(linktype: int, snaplen: int, filter: str, optimize: int, netmask: int) -> BPFProgram:
    """Compile a filter expression. Raises PcapError with what is wrong with it."""
    return _program.compiled(
        _words.c_int(linktype),
        _words.c_int(snaplen),
        _words.c_string(filter, "compile() argument 3"),
        _words.c_int(optimize),
        netmask & 0xFFFFFFFF,
    )
