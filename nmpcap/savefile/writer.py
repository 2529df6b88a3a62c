"""A savefile being written: packets in, bytes to a file, a descriptor, a file object or a compressor.

Every failure is raised by the call that met it, and what could not be written then is kept
for the next attempt.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from nmpcap._arguments import duration, instance, number
from nmpcap._core import ffi, lib
from nmpcap._printable import printable
from nmpcap.dlt import DLT_EN10MB, dlt_to_linktype
from nmpcap.errors import PcapError, UsageError
from nmpcap.savefile.append import Kind, check_append, has_content
from nmpcap.savefile.columns import columns_of
from nmpcap.savefile.compression import compression_of_name
from nmpcap.savefile.input import path_of
from nmpcap.savefile.origins import interfaces_of
from nmpcap.savefile.output import Target, open_output
from nmpcap.savefile.pcapng import Block, Option, encode_options, make_comments
from nmpcap.savefile.reader import Interface
from nmpcap.savefile.sink import Sink

__all__ = ["SavedPacket", "Writer", "format_of_name", "open_writer"]

_FORMATS = {"pcap": lib.NM_SAVEFILE_PCAP, "pcapng": lib.NM_SAVEFILE_PCAPNG}
_EPB_FLAGS = 2
_OUTBOUND = 2  # of those flags
_IF_NAME = 2
_IF_DESCRIPTION = 3
_TIME_OPTIONS = {9, 14}
_SNAPLEN_MAX = 2**31 - 1
_LIMIT_MAX = 2**63 - 1


def format_of_name(path: str) -> str:
    """Return the format a file name asks for: pcapng for ``.pcapng`` and ``.ntar``, compressed or not."""
    stem, suffix = os.path.splitext(path)
    if compression_of_name(path):
        suffix = os.path.splitext(stem)[1]
    return "pcapng" if suffix in {".pcapng", ".ntar"} else "pcap"


class SavedPacket(Protocol):
    """What a writer needs of a packet."""

    @property
    def ts_ns(self) -> int:
        """Nanoseconds since the epoch."""

    @property
    def data(self) -> Any:
        """The captured bytes."""

    @property
    def len(self) -> int:
        """Bytes on the wire."""


@dataclass
class _Source:
    """What describes a source's interfaces, and the number of the first that it was not asked about yet."""

    interfaces: Callable[[int], Sequence[Interface]] | None
    asked: int = 0


class Writer(Sink):
    """A savefile open for writing.

    One thread at a time: a second one gets UsageError, as does every call on a closed writer.
    """

    def __init__(
        self,
        target: Target,
        *,
        linktype: int = DLT_EN10MB,
        snaplen: int = 0,
        nano: bool = True,
        format: str = "auto",
        compression: str | None = "auto",
        options: Iterable[Option] = (),
        append: bool = False,
        exclusive: bool = False,
        told_snaplen: int = 0,
        flush_after: float | None = None,
        max_bytes: int = 0,
        max_packets: int = 0,
    ) -> None:
        """Create or overwrite a savefile, or append to one; its header goes out with the first packets.

        linktype: DLT of the packets (pcapng: of those that do not say); snaplen: longer packets are
        cut to this (0: the format's limit); nano: nanosecond time stamps, False: microseconds;
        format: pcap, pcapng, or ``auto``, what the path's suffix asks for; compression: gzip, zstd,
        xz, lz4, bzip2, None, or ``auto`` as well; options: of a pcapng file's first section.

        append: go on behind what a file of the same kind holds; a path that is not there or is empty
        begins a new file. Raises SavefileError, in libpcap's words, where the file is of another
        kind, or ends inside a record: what came behind that could not be found again.

        told_snaplen: what a pcap file's header says instead of snaplen; a longer packet is then refused and
        not cut: for sources whose interfaces may differ (0: snaplen).

        exclusive: a path must not be there yet, not even as a link: DeviceError (EEXIST).

        flush_after: None, packets go out a buffer at a time; 0, after each call that writes; otherwise
        after so many seconds, as soon as a call then writes. max_bytes, max_packets: LimitReached is
        raised for the packet that would be one too many (bytes are counted before compression).

        A descriptor is duplicated and stays the caller's, as a file object does. Raises PcapError for a
        link type that files have no number for, DeviceError where the file cannot be created.
        """
        self.linktype = number(linktype, "linktype", 0, 0xFFFF)
        self.nano = bool(nano)
        path = path_of(target) or ""
        if compression == "auto":
            compression = compression_of_name(path)
        self.format = format_of_name(path) if format == "auto" else format
        if self.format not in _FORMATS:
            raise UsageError(f"savefile format {format!r} is not one of {', '.join(_FORMATS)}")
        self._pcapng = self.format == "pcapng"
        self._flush_ns = None if flush_after is None else int(duration(flush_after, "flush_after") * 1e9)
        self._flushed_ns = time.monotonic_ns()
        self._flushed_packets = 0
        # All that can be wrong with the arguments is found before a file is created or emptied.
        try:
            dlt_to_linktype(linktype)
        except PcapError as error:
            raise UsageError(f"{path or repr(target)}: {error}") from None
        section = encode_options(options)
        config = self._config(snaplen, section)
        config.told_snaplen = number(told_snaplen, "told_snaplen", 0, _SNAPLEN_MAX)
        config.max_bytes = number(max_bytes, "max_bytes", 0, _LIMIT_MAX)
        config.max_packets = number(max_packets, "max_packets", 0, _LIMIT_MAX)
        if append and not path:
            raise UsageError(f"{target!r}: append takes a path; whether something is there must be looked at")
        config.append = append and path != "-" and has_content(path)
        if config.append:
            check_append(path, Kind(self.format, linktype, told_snaplen or config.snaplen, nano, compression))
        name, fd, output = open_output(target, compression, bool(config.append), exclusive)
        self._open(name, fd, output, config, direct=flush_after is None)
        self._sources: dict[int, _Source] = {}
        self._copied = False
        self._home = 0  # the source of packets that do not tell theirs: the first one known
        self._described: set[tuple[int, int, int]] = set()

    def _config(self, snaplen: int, section: bytes) -> Any:
        """What the C writer is to do; section must live until it has been opened."""
        number(snaplen, "snaplen", 0, 2**63 - 1)
        config = ffi.new("struct nm_writer_config *")
        config.format = _FORMATS[self.format]
        config.linktype = self.linktype
        config.snaplen = min(snaplen, _SNAPLEN_MAX)
        config.nano = bool(self.nano)
        config.options = ffi.cast("const uint8_t *", ffi.from_buffer(section))
        config.options_len = len(section)
        return config

    # ---- packets ----

    if TYPE_CHECKING:

        def write(
            self,
            packet: SavedPacket | bytes,
            *,
            ts_ns: int | None = None,
            len: int | None = None,
            comment: str | None = None,
        ) -> None:
            """Append one packet; see Recorder, whose it is."""

    def _write(
        self,
        packet: SavedPacket | bytes,
        *,
        ts_ns: int | None = None,
        len: int | None = None,
        comment: str | None = None,
    ) -> None:
        """What ``write`` does of everything but Packets that have room in the buffer, as they are."""
        data: Any = packet
        # Asking for one attribute: isinstance with a protocol costs ten times the rest of the call.
        saved: Any = packet if hasattr(packet, "ts_ns") else None
        linktype, ifindex, source = self.linktype, 0, 0
        if saved is not None:
            data = saved.data
            linktype = getattr(saved, "linktype", linktype)
            ifindex = getattr(saved, "interface", 0)
            source = getattr(saved, "_origin", 0)
            len = saved.len if len is None else len
        source = source or self._home
        self._describe_new(source, ifindex)
        if ts_ns is None:
            ts_ns = time.time_ns() if saved is None else saved.ts_ns
        try:
            buffer = ffi.from_buffer(data)
        except TypeError:
            kind = type(packet).__name__
            name = printable(self.name)
            raise TypeError(f"{name}: a packet must be a Packet or its bytes, not {kind}") from None
        caplen = ffi.sizeof(buffer)
        if len is None:
            len = caplen
        options: Any = ffi.NULL
        options_len = 0
        outgoing = self._pcapng and getattr(packet, "outgoing", False)
        if outgoing or comment is not None:
            options = ffi.from_buffer(self._packet_options(outgoing, comment))
            options_len = ffi.sizeof(options)
        self._call(
            lib.nm_writer_write,
            ts_ns,
            buffer,
            caplen,
            len,
            linktype,
            source,
            ifindex,
            options,
            options_len,
        )
        if self._flush_ns is not None:
            self.flush_if_due()

    def write_many(self, packets: Iterable[SavedPacket]) -> int:
        """Append packets in their order, and return how many; errors as for ``write``.

        A Batch, or what has a batch's columns, is written at once, without an object for each packet.
        ``packets`` tells how far a call came that raised.
        """
        before = self.packets
        if hasattr(packets, "offsets"):
            columns, kept = columns_of(packets)
            done = 0
            columns.source = columns.source or self._home
            self._describe_all(columns.source)
            while done < columns.count:
                done += self._call(lib.nm_writer_columns, columns, done)
            del kept
            self.flush_if_due()
        else:
            for packet in packets:
                self.write(packet)
        return self.packets - before

    def write_views(self, views: Any, count: int, source: int = 0) -> None:
        """Append ``struct nm_view[count]``, for the capture layer: they must stay valid meanwhile.

        source: the handle's number, as its Packets have it.
        """
        done = 0
        self._describe_all(source)
        while done < count:
            done += self._call(lib.nm_writer_views, views + done, count - done, source)
        self.flush_if_due()

    # ---- what else pcapng holds ----

    def describe_interface(
        self,
        ifindex: int = 0,
        linktype: int | None = None,
        snaplen: int | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        options: Iterable[Option] = (),
    ) -> int:
        """Describe an interface of a pcapng file before its first packet, and return its number.

        ifindex, linktype: packets that say these are its own, whichever handle or reader they are of, unless
        that has one described for itself. One that nobody describes is described
        by its link type and snaplen alone when its first packet comes. ``if_tsresol`` and
        ``if_tsoffset`` among the options are left out: the writer has its own.
        """
        linktype = self.linktype if linktype is None else linktype
        given = list(options)
        texts = ((_IF_NAME, name), (_IF_DESCRIPTION, description))
        given += [Option(code, text.encode()) for code, text in texts if text is not None]
        return self._describe(lib.NM_WRITER_ANY_SOURCE, ifindex, linktype, snaplen, given)

    def _describe(
        self, source: int, ifindex: int, linktype: int, snaplen: int | None, options: Iterable[Option]
    ) -> int:
        kept = [option for option in options if option.code not in _TIME_OPTIONS]
        encoded = encode_options(kept, swapped=self._swapped)
        described = self._call(
            lib.nm_writer_interface,
            source,
            ifindex,
            linktype,
            self.snaplen if snaplen is None else snaplen,
            ffi.from_buffer(encoded),
            len(encoded),
        )
        self._described.add((source, ifindex, linktype))
        return described

    def describe_interfaces(self, interfaces: Iterable[Interface]) -> None:
        """Describe a source's interfaces, in their order and with their options, before their packets."""
        for ifindex, interface in enumerate(interfaces):
            instance(interface, Interface, "describe_interfaces: an interface")
            self.describe_interface(ifindex, interface.linktype, interface.snaplen, options=interface.options)

    def describe_from(
        self, interfaces: Callable[[int], Sequence[Interface]], source: int | None = None
    ) -> None:
        """Describe interfaces as they are met, by what ``interfaces(n)`` gives: those from number n on.

        Asked before the first packet of an interface with another number than any before. One that
        has been described by hand is left as it is. A pcap file describes none.

        source: whose packets they are, for the capture layer. Without it they are all packets'. Where
        nothing is said here, the handle or reader that a packet came from is asked, while there is one.
        Packets that come from none are the first source's.
        """
        if self._pcapng:
            self._sources[lib.NM_WRITER_ANY_SOURCE if source is None else source] = _Source(interfaces)
            self._home = self._home or source or 0

    def _describe_all(self, source: int) -> None:
        """Describe what a source has now: its packets come in bulk."""
        self._describe_new(source, -1)

    def _describe_new(self, source: int, ifindex: int) -> None:
        if not self._pcapng:
            return
        owner = lib.NM_WRITER_ANY_SOURCE if lib.NM_WRITER_ANY_SOURCE in self._sources else source
        known = self._sources.get(owner)
        if known is None:
            known = self._sources[owner] = _Source(interfaces_of(source))
        if known.interfaces is None or 0 <= ifindex < known.asked:
            return
        for at, interface in enumerate(known.interfaces(known.asked), known.asked):
            if not self._is_described(owner, at, interface.linktype):
                self._describe(owner, at, interface.linktype, interface.snaplen, interface.options)
            known.asked = at + 1
        known.asked = max(known.asked, ifindex + 1)

    def _is_described(self, source: int, ifindex: int, linktype: int) -> bool:
        anyone = lib.NM_WRITER_ANY_SOURCE
        return not self._described.isdisjoint(((source, ifindex, linktype), (anyone, ifindex, linktype)))

    def write_block(self, block: Block) -> None:
        """Append a block to a pcapng file as it is; a section header begins a section, in its byte order.

        Copying all blocks of a file gives the same file: a section header written first takes the place
        of the writer's own. Raises UsageError for a block of another byte order than the section's.
        """
        instance(block, Block, "write_block: the block")
        self._copied = True
        self._call(lib.nm_writer_block, ffi.from_buffer(block.raw), len(block.raw))

    def _packet_options(self, outgoing: bool, comment: str | None) -> bytes:
        swapped = self._swapped
        given = make_comments([comment]) if comment is not None else []
        if outgoing:
            flags = _OUTBOUND.to_bytes(4, sys.byteorder)
            given.append(Option(_EPB_FLAGS, flags[::-1] if swapped else flags))
        return encode_options(given, swapped=swapped)

    @property
    def _swapped(self) -> bool:
        return bool(self._call(lib.nm_writer_swapped))

    # ---- the file ----

    def close(self) -> None:
        """Close as Sink does. A pcapng file without packets gets an interface, or nobody could open it."""
        if self._pcapng and not self.closed and not self._inherited and not self._has_content:
            for source in list(self._sources):
                self._describe_all(source)
            if not self._described:
                self._describe(self._home, 0, self.linktype, None, ())
        super().close()

    @property
    def _has_content(self) -> bool:
        return bool(self._described or self._copied or self.packets)

    def flush_if_due(self) -> None:
        """Flush where ``flush_after`` seconds have passed since the last flush; errors as for ``flush``.

        Every call that writes does so, and Capture.dump while it waits for packets; this one is for other
        times when nothing is written.
        """
        if self._flush_ns is not None and time.monotonic_ns() - self._flushed_ns >= self._flush_ns:
            self.flush()

    def poll(self) -> float | None:
        """Flush if it is due; returns the seconds until it will be, None where nothing waits for that."""
        self.flush_if_due()
        if self._flush_ns is None or self.packets == self._flushed_packets:
            return None
        return max(0, self._flushed_ns + self._flush_ns - time.monotonic_ns()) / 1e9

    def flush(self) -> None:
        """Hand everything taken so far to the file; a compressor still keeps what it needs.

        Raises DeviceError where that fails; what could not be written is kept.
        """
        self._flushed_ns = time.monotonic_ns()
        taken = self.packets
        self._flush_all()
        self._flushed_packets = taken

    def __del__(self) -> None:
        if not self.closed:
            if not self._inherited:
                text = f"savefile {printable(self.name)} was not closed"
                warnings.warn(text, ResourceWarning, source=self, stacklevel=1)
            self.close()

    @property
    def position(self) -> int:
        """Length of the (uncompressed) file once everything taken so far is in it."""
        return self._call(lib.nm_writer_position)

    @property
    def packets(self) -> int:
        """Packets taken since the file was opened."""
        return self._call(lib.nm_writer_packets)

    @property
    def snaplen(self) -> int:
        """The snapshot length in force."""
        return self._call(lib.nm_writer_snaplen)

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{self.format}, link type {self.linktype}"
        return f"<Writer {printable(self.name)}, {state}>"

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_writer(
    target: Target,
    linktype: int = DLT_EN10MB,
    snaplen: int = 0,
    nano: bool = True,
    *,
    format: str = "auto",
    compression: str | None = "auto",
    options: Iterable[Option] = (),
    append: bool = False,
    flush_after: float | None = None,
    max_bytes: int = 0,
    max_packets: int = 0,
) -> Writer:
    """Create, overwrite or continue a savefile; arguments and errors as for ``Writer``."""
    return Writer(
        target,
        linktype=linktype,
        snaplen=snaplen,
        nano=nano,
        format=format,
        compression=compression,
        options=options,
        append=append,
        flush_after=flush_after,
        max_bytes=max_bytes,
        max_packets=max_packets,
    )
