"""Reader: pcapy's handle on a device or a savefile, before and after it is activated."""

from __future__ import annotations

import errno as errnos
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from typing import Any

from nmpcap import errors

from .._devices import lookupnet
from .._source import Source, open_device, open_savefile
from .._words import c_int, c_string, path_string, words_of_sending
from .classify import Classifier
from .dumper import Dumper, open_dumper
from .errors import CLOSED, PcapError, original
from .program import BPFProgram

__all__ = ["Reader", "create_reader", "live_reader", "savefile_reader"]

_FORM, _EMPTY = ("header", "data"), (None, b"")
_MOST = 1 << 20  # packets of a batch
_USUAL_BATCH = 256
_OFFSET_OF_ONE = struct.pack("=IIII", 0, 0, 1, 0)  # a record of a batch
_SOL_PACKET, _PACKET_FANOUT = 263, 18
_NOT_ACTIVATED, _ACTIVATED, _ERROR = -3, -4, -1  # PCAP_ERROR_*
_STATUS = {
    errnos.ENODEV: -5,
    errnos.ENXIO: -5,
    errnos.ENOTSUP: -6,  # monitor mode is all that can be asked for in vain
    errnos.EPERM: -8,
    errnos.EACCES: -8,
    errnos.ENETDOWN: -9,
}


class Reader:
    """A device or savefile that packets are read from, (Pkthdr, bytes) each.

    From open_live, open_offline and create. Where no packet comes, ``next`` returns ``(None, b"")``: at the
    deadline that ``to_ms`` is, at the end of a file, without waiting once setnonblock is set.
    """

    __slots__ = ("_device", "_failure", "_filtered", "_net", "_nonblock", "_settings", "_source", "next")

    __module__ = "builtins"  # where the original's type says it is from

    next: Callable[[], tuple[Any, bytes]]
    _device: str
    _failure: Exception | None
    """What the next batch raises."""
    _filtered: Classifier
    _net: tuple[str, str]
    """Network and netmask of the device."""
    _nonblock: bool
    _source: Source | None
    _settings: dict[str, Any] | None
    """What activate will ask for; None once it has, or when closed."""

    def __new__(cls, *arguments: object) -> Reader:
        raise TypeError("cannot create 'Reader' instances")

    # ---- before it is activated

    def _set(self, name: str, value: Any) -> int:
        number = c_int(value)
        if self._settings is None:
            self._open()
            return _ACTIVATED
        self._settings[name] = number
        return 0

    def set_snaplen(self, snaplen: int) -> int:
        """Keep so many bytes of each packet; 0, or -4 once it is activated."""
        return self._set("snaplen", snaplen)

    def set_promisc(self, promisc: int) -> int:
        """See frames for others, too; 0, or -4 once it is activated."""
        return self._set("promisc", promisc)

    def set_timeout(self, to_ms: int) -> int:
        """Have reading calls wait so many milliseconds at most; 0, or -4 once it is activated."""
        return self._set("to_ms", to_ms)

    def set_buffer_size(self, size: int) -> int:
        """Ask for a buffer of so many bytes; 0, or -4 once it is activated."""
        return self._set("buffer_size", size)

    def set_rfmon(self, rfmon: int) -> int:
        """Ask for monitor mode; 0, or -4 once it is activated."""
        return self._set("rfmon", rfmon)

    def activate(self) -> int:
        """Open the device; return 0, or libpcap's negative number for why that cannot be done."""
        if self._settings is None:
            self._open()
            return _ACTIVATED
        try:
            source = _open(self._device, **self._settings)
        except errors.DeviceError as error:
            return _STATUS.get(error.errno or 0, _ERROR)
        except errors.PcapError:
            return _ERROR
        self._take(source)
        source._nonblock = self._nonblock
        return 0

    def _take(self, source: Source) -> None:
        self._source = source
        self._settings = None
        deliver: Any = source.next  # in this source's form
        self.next = deliver

    # ---- what state it is in

    def _alive(self) -> None:
        """Raise what pcapy does where it has been closed."""
        if self._settings is None and (self._source is None or self._source.closed):
            raise ValueError(CLOSED)

    def _open(self) -> Source:
        """The source; raises what pcapy does where there is none."""
        source = self._source
        if source is None:
            self._alive()
            raise PcapError("This handle hasn't been activated yet")
        if source.closed:
            raise ValueError(CLOSED)
        return source

    def _call(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        try:
            return function(*arguments, **keywords)
        except errors.PcapError as error:
            raise original(error, self._source) from error

    # ---- reading

    def loop(self, cnt: int, callback: Callable[..., object]) -> None:
        """Call ``callback(header, data)`` for ``cnt`` packets, or all that come where it is 0 or less."""
        number = c_int(cnt)
        self._open().loop(number, _callable(callback))

    def dispatch(self, cnt: int, callback: Callable[..., object]) -> int:
        """Call back for the packets that come in one wait, ``cnt`` at most if over 0; return how many."""
        number = c_int(cnt)
        return self._open().dispatch(number, _callable(callback))

    def next_batch(self, max_n: int) -> tuple[bytes, bytes]:
        """Return up to ``max_n`` packets: their bytes, and a record of 16 bytes for each.

        A record is four uint32 in native order: seconds, microseconds, offset, captured length. Both
        are empty at the end and at the deadline. 0 or less stands for 256.
        """
        number = c_int(max_n)
        source = self._open()
        wanted = min(number, _MOST) if number > 0 else _USUAL_BATCH
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        data: list[bytes] = []
        records: list[bytes] = []
        size = 0
        while wanted > 0 and (piece := self._piece(source, wanted, bool(data))) is not None:
            data.append(piece[0])
            records.append(_moved(piece[1], size) if size else piece[1])
            size += len(piece[0])
            # A file has them all; of a device, what came in one wait is enough.
            wanted -= len(piece[1]) // 16 if self._is_savefile else wanted
        return (data[0], records[0]) if len(data) == 1 else (b"".join(data), b"".join(records))

    def _piece(self, source: Source, wanted: int, others: bool) -> tuple[bytes, bytes] | None:
        """Packets of a batch; where a file is damaged, those before it first, and the error then."""
        try:
            return source._next_records(wanted)
        except PcapError as error:
            if not others:
                raise
            self._failure = error
            return None

    def __iter__(self) -> Iterator[tuple[Any, bytes]]:
        """Iterate over the packets, until the end of a file or ``close``."""
        packets: Any = self._open()  # in this source's form
        return iter(packets)

    # ---- reading, by classes

    def loop_filtered(self, cnt: int, cb: Callable[..., object] | None, *classes: Any, **more: Any) -> Any:
        """Call ``cb(header, data, class)`` for packets of the classes admitted; return the counters.

        Further arguments, by place or name: admit_mask=7, a bit a class; addr_set=b"", IPv4 addresses of
        4 bytes; flow_cutoff=0, how many packets a flow's beginning is; dpi_ports=None, tls_ports=None,
        dns_port=53, of the second profile; l2_offset=14, where IPv4 begins; profile=0 or 1.

        Returns (admitted, dropped, other, flow head, in the set): classes 0 to 2; with profile 1, (admitted,
        dropped, DNS, HTTP, other, in the set, handshake, SYN): classes 100 to 105.
        """
        number = c_int(cnt)
        source = self._open()
        self._filtered = classifier = Classifier(*classes, **more)

        def judge(header: Any, data: bytes) -> None:
            kind = classifier.admit(data)
            if kind is not None:
                cb(header, data, kind)  # type: ignore[misc]  # None where the mask admits nothing

        source.loop(number, judge)
        return classifier.stats

    def filtered_stats(self) -> tuple[int, ...]:
        """Return the counters of the loop_filtered that runs, or ran last; any thread, any time."""
        return self._filtered.stats

    def loop_to_buffer(self, cnt: int, writable_buf: Any, *classes: Any, **more: Any) -> Any:
        """Write packets of the classes admitted to a buffer; return how many, and the counters.

        A record is the captured length, 4 bytes little endian, the class, 1 byte, and the data. Further
        arguments as for loop_filtered. Returns (written, dropped, had no room, bytes used, then a count
        for each class).
        """
        number = c_int(cnt)
        source = self._open()
        classifier = Classifier(*classes, **more)
        used = lost = 0
        with memoryview(writable_buf) as whole:
            if whole.readonly:
                kind = type(writable_buf).__name__
                raise TypeError(
                    f"loop_to_buffer() argument 2 must be read-write bytes-like object, not {kind}"
                )
            room = whole.cast("B")

            def write(header: Any, data: bytes) -> None:
                nonlocal used, lost
                kind = classifier.admit(data)
                if kind is None:
                    return
                record = len(data).to_bytes(4, "little") + bytes((kind,)) + data
                if used + len(record) > len(room):
                    lost += 1
                    return
                room[used : used + len(record)] = record
                used += len(record)

            with room:
                source.loop(number, write)
        return classifier.admitted - lost, classifier.dropped, lost, used, *classifier.counts

    # ---- settings

    def setfilter(self, filter: str | BPFProgram) -> None:
        """Read only packets that an expression accepts; an empty one accepts all."""
        if self._source is None:
            self._alive()
            raise PcapError("not-yet-activated pcap_t passed to pcap_compile")
        chosen: Any = filter._program if isinstance(filter, BPFProgram) else None
        if chosen is None:
            chosen = c_string(filter, "setfilter() argument 1")
        source = self._open()
        if isinstance(chosen, str):
            self._call(source.setfilter, chosen, netmask=int(IPv4Address(self._net[1])))
        else:
            self._call(source.setfilter, chosen)

    def setdirection(self, direction: int) -> None:
        """Read what comes in (PCAP_D_IN), what goes out (PCAP_D_OUT), or both (PCAP_D_INOUT)."""
        number = c_int(direction)
        if self._source is None:
            return self._alive()
        try:
            self._open().setdirection(number)
        except errors.PcapError as error:
            raise PcapError("Failed setting direction") from error

    def setnonblock(self, nonblock: int) -> None:
        """Have calls return at once where no packet is there, or wait again."""
        number = c_int(nonblock)
        if self._source is None:
            self._alive()
            self._nonblock = bool(number)
        else:
            self._call(self._open().setnonblock, bool(number))

    def getnonblock(self, *_ignored: object) -> int:
        """Return what setnonblock has set: 0 or 1; -3 before it is activated."""
        if self._source is None:
            self._alive()
            return _NOT_ACTIVATED
        return int(self._open().getnonblock())

    def set_fanout(self, group_id: int, fanout_type: int = 0) -> None:
        """Share an interface's packets with the readers of a group; PcapError with an errno if that fails."""
        argument = c_int(group_id) & 0xFFFF | (c_int(fanout_type) & 0xFFFF) << 16
        source = self._source
        self._alive()
        if source is None or self._is_savefile or source.explain().source != "packet":
            raise PcapError(
                "no socket fd for this capture: PACKET_FANOUT needs a live capture on an interface"
            )
        with socket.socket(fileno=os.dup(self._open().fileno())) as ring:
            try:
                ring.setsockopt(_SOL_PACKET, _PACKET_FANOUT, argument.to_bytes(4, "little"))
            except OSError as error:
                raise PcapError(error.errno, error.strerror) from error

    # ---- what it is

    def getnet(self, *_ignored: object) -> str:
        """Return the network of the device's first address, ``0.0.0.0`` where it has none."""
        self._alive()
        return self._net[0]

    def getmask(self, *_ignored: object) -> str:
        """Return the netmask of the device's first address, ``0.0.0.0`` where it has none."""
        self._alive()
        return self._net[1]

    def datalink(self, *_ignored: object) -> int:
        """Return the link type, a DLT_*; -3 before it is activated."""
        if self._source is None:
            self._alive()
            return _NOT_ACTIVATED
        return self._open().datalink()

    def getfd(self, *_ignored: object) -> int:
        """Return a descriptor to select on; -1 before it is activated."""
        if self._source is None:
            self._alive()
            return -1
        source = self._open()
        return int(self._call(source.descriptor))

    fileno = getfd

    def stats(self) -> tuple[int, int, int]:
        """Return (received, dropped for want of room, dropped by the interface)."""
        source = self._open()
        if self._is_savefile:
            raise PcapError("Statistics aren't available from savefiles")
        stats = source.stats()
        return stats.received + stats.dropped, stats.dropped, stats.if_dropped

    @property
    def _is_savefile(self) -> bool:
        return self._source is not None and self._source._port.savefile

    # ---- sending and writing

    def sendpacket(self, packet: Any) -> None:
        """Send one frame, link-layer header and all."""
        if isinstance(packet, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        source = self._open()
        try:
            source.sendpacket(packet)
        except PcapError as error:
            if isinstance(error.__cause__, errors.PcapError):
                raise PcapError(words_of_sending(error.__cause__, source.name)) from error.__cause__
            raise

    def dump_open(self, filename: str) -> Dumper:
        """Create a savefile for what this reader gives; its ``dump`` takes a header and data."""
        name = path_string(filename, "argument 1")
        if self._source is None:
            self._alive()
            raise PcapError(f"{name}: not-yet-activated pcap_t passed to pcap_dump_open")
        return open_dumper(self._open(), name)

    # ---- the end

    def breakloop(self) -> None:
        """End the call that reads, in whatever thread, or else the next one."""
        self._open().breakloop()

    def close(self) -> None:
        """Let go of the device or file. May be repeated; a call in progress ends."""
        if self._source is not None:
            self._source.close()
        else:
            self._settings = None
            self.next = _next_closed

    def __enter__(self) -> Reader:
        self._alive()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _next_inactive() -> tuple[None, bytes]:
    return None, b""


def _next_closed() -> tuple[None, bytes]:
    raise ValueError(CLOSED)


def _callable(callback: Any) -> Any:
    if not callable(callback):
        raise TypeError(f"'{type(callback).__name__}' object is not callable")
    return callback


def _moved(records: bytes, by: int) -> bytes:
    """Records of a batch whose bytes stand behind others: one addition, in which no offset carries."""
    ones = _OFFSET_OF_ONE * (len(records) // len(_OFFSET_OF_ONE))
    moved = int.from_bytes(records, sys.byteorder) + by * int.from_bytes(ones, sys.byteorder)
    return moved.to_bytes(len(records), sys.byteorder)


# ---- how one comes to be ---------------------------------------------------------------------


def _open(device: str, **settings: int) -> Source:
    return open_device(
        device,
        original,
        _FORM,
        _EMPTY,
        snaplen=settings["snaplen"],
        promisc=bool(settings["promisc"]),
        to_ms=settings["to_ms"],
        rfmon=bool(settings.get("rfmon", 0)),
        buffer_size=settings.get("buffer_size", 0),
    )


def _network(device: str) -> tuple[str, str]:
    try:
        net, mask = lookupnet(device)
    except errors.PcapError:
        return "0.0.0.0", "0.0.0.0"
    return str(IPv4Address(net)), str(IPv4Address(mask))


def _make(device: str, net: tuple[str, str]) -> Reader:
    reader: Reader = object.__new__(Reader)
    reader._device = device
    reader._net = net
    reader._failure = None
    reader._nonblock = False
    reader._filtered = _NO_RUN
    return reader


_NO_RUN = Classifier()


def create_reader(device: str) -> Reader:
    """Return a reader that is not activated."""
    reader = _make(device, _network(device))
    reader._source = None
    reader._settings = {"snaplen": 0, "promisc": 0, "to_ms": 0}
    reader.next = _next_inactive
    return reader


def live_reader(device: str, snaplen: int, promisc: int, to_ms: int) -> Reader:
    """Open a device; PcapError, pcapy's."""
    try:
        source = _open(device, snaplen=snaplen, promisc=promisc, to_ms=to_ms)
    except errors.PcapError as error:
        raise original(error) from error
    reader = _make(device, _network(device))
    reader._take(source)
    return reader


def savefile_reader(path: str) -> Reader:
    """Open a savefile; PcapError, pcapy's."""
    try:
        source = open_savefile(path, original, _FORM, _EMPTY)
    except errors.PcapError as error:
        raise original(error) from error
    reader = _make(path, ("0.0.0.0", "0.0.0.0"))
    reader._take(source)
    return reader
