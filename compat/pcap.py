"""pypcap, and the pylibpcap before it, both called pcap: ``import nmpcap.compat.pcap as pcap``.

``pcap.pcap`` is pypcap's class, ``pcap.pcapObject`` that of pylibpcap; programs ask which of them is there
and take pypcap's. Results, times and exceptions are the originals'; more than they take: any buffer,
paths, and of a handle ``next``, ``inject``, ``breakloop`` and ``with``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nmpcap import errors as _errors
from nmpcap import filter as _filter

from . import _devices, _words
from . import _source as _sources
from ._swig import addresses as _addresses
from ._swig.handle import pcapObject
from ._swig.module import EXCEPTION, aton, error, ntoa

__all__ = [
    "DLT_ARCNET",
    "DLT_AX25",
    "DLT_CHAOS",
    "DLT_EN3MB",
    "DLT_EN10MB",
    "DLT_FDDI",
    "DLT_IEEE802",
    "DLT_LINUX_SLL",
    "DLT_LOOP",
    "DLT_NULL",
    "DLT_PFLOG",
    "DLT_PFSYNC",
    "DLT_PPP",
    "DLT_PRONET",
    "DLT_RAW",
    "DLT_SLIP",
    "EXCEPTION",
    "PCAP_D_IN",
    "PCAP_D_INOUT",
    "PCAP_D_OUT",
    "PCAP_TSTAMP_PRECISION_MICRO",
    "PCAP_TSTAMP_PRECISION_NANO",
    "aton",
    "bpf",
    "dltoff",
    "error",
    "ex_name",
    "findalldevs",
    "lookupdev",
    "lookupnet",
    "ntoa",
    "pcap",
    "pcapObject",
]

DLT_NULL = 0
DLT_EN10MB = 1
DLT_EN3MB = 2
DLT_AX25 = 3
DLT_PRONET = 4
DLT_CHAOS = 5
DLT_IEEE802 = 6
DLT_ARCNET = 7
DLT_SLIP = 8
DLT_PPP = 9
DLT_FDDI = 10
DLT_RAW = 12
DLT_PFSYNC = 18
DLT_LOOP = 108
DLT_LINUX_SLL = 113
DLT_PFLOG = 117

PCAP_D_INOUT = 0
PCAP_D_IN = 1
PCAP_D_OUT = 2

PCAP_TSTAMP_PRECISION_MICRO = 0
PCAP_TSTAMP_PRECISION_NANO = 1

dltoff = {
    DLT_NULL: 4,
    DLT_EN10MB: 14,
    DLT_IEEE802: 22,
    DLT_ARCNET: 6,
    DLT_SLIP: 16,
    DLT_PPP: 4,
    DLT_FDDI: 21,
    DLT_PFLOG: 48,
    DLT_PFSYNC: 4,
    DLT_LOOP: 4,
    DLT_RAW: 0,
    DLT_LINUX_SLL: 16,
}
"""Bytes of link-layer header in front of the network layer's, by link type."""

_NO_SUCH_DEVICE = "No such device exists"


class _End(StopIteration):
    """What ends an iteration where pypcap ends one: at the end, and at damage."""


def _original(error: _errors.PcapError, source: _sources.Source | None) -> Exception:
    if isinstance(error, _errors.SavefileError):
        return _End()
    if source is not None and source.closed and isinstance(error, _errors.UsageError):
        return ValueError("pcap is closed")
    return OSError(_bytes(_words.words(error, None if source is None else source.name)))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


class pcap:
    """A device, or a savefile, that packets are read from, (time, bytes) each.

    name: tried as a savefile first, then as a device; None: the first device. snaplen: bytes kept of a
    packet. timeout_ms: how long ``dispatch`` and ``readpkts`` wait at most; 0: until a packet comes.
    immediate, rfmon, buffer_size: of a device. Times are float seconds, or with timestamp_in_ns int
    nanoseconds. Raises OSError.
    """

    __slots__ = ("_filter", "_geterr", "_name", "_ns", "_snaplen", "_source", "next")

    next: Callable[[], tuple[Any, bytes] | None]

    def __init__(
        self,
        name: str | None = None,
        snaplen: int = 65535,
        promisc: bool = True,
        timeout_ms: int = 0,
        immediate: bool = False,
        rfmon: bool = False,
        timestamp_in_ns: bool = False,
        buffer_size: int = 0,
    ) -> None:
        if name is None:
            name = lookupdev()
        form = ("ts_ns" if timestamp_in_ns else "time", "data")
        self._name = name.encode(errors="surrogateescape").decode(errors="surrogateescape")
        self._snaplen, self._ns = int(snaplen), bool(timestamp_in_ns)
        self._filter, self._geterr = "", b""
        try:
            self._source = _sources.open_savefile(name, _original, form, None)
        except _errors.PcapError:
            try:
                self._source = _sources.open_device(
                    name,
                    _original,
                    form,
                    None,
                    snaplen=int(snaplen),
                    promisc=bool(promisc),
                    to_ms=int(timeout_ms or 0),
                    immediate=bool(immediate),
                    rfmon=bool(rfmon),
                    buffer_size=int(buffer_size),
                )
            except _errors.PcapError as wrong:
                words = _words.words(wrong)
                reason = _NO_SUCH_DEVICE if _NO_SUCH_DEVICE in words else words.removeprefix(f"{name}: ")
                raise OSError(
                    "Activateing packet capture failed. Error returned by packet capture library was "
                    f"{_bytes(reason)!r}"
                ) from wrong
        deliver: Any = self._source.next  # in this source's form
        self.next = deliver

    # ---- what it is

    @property
    def name(self) -> str:
        """The device or file."""
        return self._name

    @property
    def snaplen(self) -> int:
        """What was asked for."""
        return self._snaplen

    @property
    def dloff(self) -> int:
        """Bytes of link-layer header of each packet; 0 where that is not known."""
        return dltoff.get(self.datalink(), 0)

    @property
    def filter(self) -> str:
        """The filter expression that was set."""
        return self._filter

    @property
    def fd(self) -> int:
        """A descriptor to select on."""
        return self._call(self._source.descriptor)  # type: ignore[no-any-return]

    @property
    def precision(self) -> int:
        """PCAP_TSTAMP_PRECISION_NANO."""
        return PCAP_TSTAMP_PRECISION_NANO

    @property
    def timestamp_in_ns(self) -> bool:
        """Whether times are int nanoseconds."""
        return self._ns

    def fileno(self) -> int:
        """Return a descriptor to select on."""
        return self.fd

    def datalink(self) -> int:
        """Return the link type, a DLT_*."""
        return self._source.datalink()

    def stats(self) -> tuple[int, int, int]:
        """Return (received, dropped for want of room, dropped by the interface). Raises OSError of a file."""
        if self._source._port.savefile:
            raise self._failure(b"Statistics aren't available from savefiles")
        stats = self._source.stats()
        return stats.received + stats.dropped, stats.dropped, stats.if_dropped

    def geterr(self) -> bytes:
        """Return libpcap's words for the last error, empty where there was none."""
        return self._geterr

    # ---- settings

    def setfilter(self, value: str, optimize: int = 1) -> None:
        """Read only packets that an expression accepts. Raises OSError for one that means nothing."""
        text = _words.c_string(value, "setfilter() argument 1")
        self._call(self._source.setfilter, text, optimize=bool(optimize), netmask=0)
        self._filter = text

    def setnonblock(self, nonblock: bool = True) -> None:
        """Have dispatch and readpkts return at once where no packet is there. Of a file, nothing happens."""
        if not self._source._port.savefile:
            self._source.setnonblock(bool(nonblock))

    def getnonblock(self) -> bool:
        """Return what setnonblock has set."""
        return self._source.getnonblock()

    def setdirection(self, direction: int) -> bool:
        """Read what comes in, what goes out, or both, PCAP_D_*; whether that can be had."""
        try:
            self._source.setdirection(int(direction))
        except _errors.PcapError:
            return False
        return True

    # ---- reading

    def __iter__(self) -> Iterator[tuple[Any, bytes]]:
        """Iterate over the packets: over a device's for ever, over a file's until it ends or is damaged."""
        packets: Any = self._source  # in this source's form
        return iter(packets)

    def __next__(self) -> tuple[Any, bytes]:
        packet: Any = next(self._source)  # in this source's form
        return packet  # type: ignore[no-any-return]

    def readpkts(self) -> list[tuple[Any, bytes]]:
        """Return the packets that come in one wait; of a file, all that are left."""
        packets: list[tuple[Any, bytes]] = []
        self.dispatch(-1, lambda *packet: packets.append(packet))
        return packets

    def dispatch(self, cnt: int, callback: Callable[..., object], *args: Any) -> int:
        """Call ``callback(time, bytes, *args)`` for the packets that come in one wait, ``cnt`` at most.

        0 or less: for all of them. Returns how many; -1 where a file is damaged.
        """
        try:
            return self._source.dispatch(int(cnt), _callable(callback), args)
        except _End:
            return -1

    def loop(self, cnt: int, callback: Callable[..., object], *args: Any) -> None:
        """Call ``callback(time, bytes, *args)`` for ``cnt`` packets; 0 or less, or no number: for all."""
        try:
            count = int(cnt) if isinstance(cnt, (int, float)) and cnt == int(cnt) else 0
            self._source.loop(count, _callable(callback), args)
        except _End:
            pass

    def breakloop(self) -> None:
        """End the call that reads, in whatever thread, or else the next one."""
        self._source.breakloop()

    # ---- sending

    def sendpacket(self, buf: Any) -> int:
        """Send one frame; return its length. Raises OSError."""
        if isinstance(buf, str):
            raise TypeError("expected bytes, str found")
        try:
            return self._source.inject(buf)
        except OSError as wrong:
            cause = wrong.__cause__
            if not isinstance(cause, _errors.PcapError):
                raise
            raise self._failure(_bytes(_words.words_of_sending(cause, self._source.name))) from cause

    def inject(self, buf: Any, len: int | None = None) -> int:
        """Send one frame, the first ``len`` bytes of it; return how many. Raises OSError."""
        with memoryview(buf) as view:
            return self.sendpacket(view.cast("B")[:len])

    # ---- the end

    def close(self) -> None:
        """Let go of the device or file; may be repeated."""
        self._source.close()

    def __enter__(self) -> pcap:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _call(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except _errors.PcapError as wrong:
            original = _original(wrong, self._source)
            if isinstance(original, OSError):
                self._geterr = original.args[0]
            raise original from wrong

    def _failure(self, words: bytes) -> OSError:
        self._geterr = words
        return OSError(words)


class bpf:
    """A filter expression, compiled for a link type; ``filter`` tells whether it accepts a packet."""

    __slots__ = ("_program",)

    def __init__(self, filter: bytes, dlt: int = DLT_RAW) -> None:
        try:
            self._program = _filter.compile(
                _text(filter), linktype=int(dlt), snaplen=65535, netmask=0, optimize=True
            )
        except _errors.PcapError as wrong:
            raise OSError("bad filter") from wrong

    def filter(self, buf: Any) -> bool:
        """Return whether the packet is accepted."""
        if isinstance(buf, str):
            raise TypeError("expected bytes, str found")
        return bool(self._program.match(buf))


def _callable(callback: Any) -> Any:
    if not callable(callback):
        raise TypeError(f"'{type(callback).__name__}' object is not callable")
    return callback


def _text(name: Any) -> str:
    if not isinstance(name, (bytes, bytearray)):
        raise TypeError(f"expected bytes, {type(name).__name__} found")
    return name.decode(errors="surrogateescape")


def ex_name(foo: bytes) -> bytes:
    """Return a device's name as it is: only on Windows it is another."""
    _text(foo)
    return bytes(foo)


def lookupdev() -> str:
    """Return the name of the first interface that is up. Raises OSError where there is none."""
    try:
        return _devices.lookupdev()
    except _errors.PcapError as wrong:
        raise OSError(_bytes(str(wrong))) from wrong


def findalldevs(unpack: int | None = None) -> list[Any]:
    """Return the names of what can be opened; with an argument, as pylibpcap's findalldevs does.

    That is (name, description, addresses, flags) each. Raises OSError.
    """
    try:
        found = _devices.findalldevs()
    except _errors.PcapError as wrong:
        raise OSError(_bytes(str(wrong))) from wrong
    if unpack is None:
        return [device.name for device in found]
    return [_addresses.device_tuple(device, bool(unpack)) for device in found]


def lookupnet(dev: bytes | str) -> tuple[Any, Any]:
    """Return network and netmask, 4 bytes each; of a name that is a str ints, as pylibpcap does.

    Raises OSError, and of a str ``error``.
    """
    if isinstance(dev, str):
        return _addresses.network(dev)
    name = _text(dev)
    try:
        net, mask = _devices.lookupnet(name)
    except _errors.PcapError as wrong:
        raise OSError(_bytes(_words.words(wrong))) from wrong
    return net.to_bytes(4, "big"), mask.to_bytes(4, "big")
