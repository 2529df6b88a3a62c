"""A savefile being written: packets in, bytes to a file, a descriptor, a file object or a compressor.

Every failure is raised by the call that met it, and what could not be written then is kept
for the next attempt.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterable
from typing import Any, Protocol

from nmpcap._core import ffi, lib
from nmpcap.dlt import DLT_EN10MB
from nmpcap.errors import DeviceError, PcapError
from nmpcap.savefile.append import Kind, check_append, has_content
from nmpcap.savefile.compression import compression_of_name
from nmpcap.savefile.output import Output, Target, open_output
from nmpcap.savefile.pcapng import Block, Option, encode_options, make_comments

__all__ = ["LimitReached", "SavedPacket", "Writer", "format_of_name", "open_writer"]

_FORMATS = {"pcap": lib.NM_SAVEFILE_PCAP, "pcapng": lib.NM_SAVEFILE_PCAPNG}
_IF_NAME = 2
_IF_DESCRIPTION = 3
_TIME_OPTIONS = {9, 14}


def format_of_name(path: str) -> str:
    """Return the format a file name asks for: pcapng for ``.pcapng`` and ``.ntar``, compressed or not."""
    stem, suffix = os.path.splitext(path)
    if compression_of_name(path):
        suffix = os.path.splitext(stem)[1]
    return "pcapng" if suffix in {".pcapng", ".ntar"} else "pcap"


class LimitReached(PcapError):
    """The file is as long, or holds as many packets, as it was meant to; this packet was not taken."""


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


class Writer:
    """A savefile open for writing.

    ``handle`` is the C ``struct nm_writer *``, for the capture layer, which writes whole batches
    to it. One thread at a time.
    """

    def __init__(
        self,
        target: Target,
        *,
        linktype: int = DLT_EN10MB,
        snaplen: int = 0,
        nano: bool = False,
        format: str = "auto",
        compression: str | None = "auto",
        options: Iterable[Option] = (),
        append: bool = False,
        flush_after: float | None = None,
        max_bytes: int = 0,
        max_packets: int = 0,
    ) -> None:
        """Create or overwrite a savefile, or append to one; its header goes out with the first block.

        linktype: DLT of the packets (pcapng: of those that do not say); snaplen: longer packets are
        cut to this (0: the format's limit); nano: nanosecond time stamps instead of microseconds;
        format: pcap, pcapng, or ``auto``, what the path's suffix asks for; compression: gzip, zstd,
        xz, lz4, bzip2, None, or ``auto`` as well; options: of a pcapng file's first section.

        append: go on behind what a file of the same kind holds; a path that is not there or is empty
        begins a new file. Raises SavefileError, in libpcap's words, where the file is of another
        kind, or ends inside a record: what came behind that could not be found again.

        flush_after: None, packets go out a block at a time; 0, after each call that writes; otherwise
        after so many seconds, as soon as a call then writes. max_bytes, max_packets: LimitReached is
        raised for the packet that would be one too many (bytes are counted before compression).

        A descriptor is duplicated and stays the caller's, as a file object does. Raises PcapError for a
        link type that files have no number for, DeviceError where the file cannot be created.
        """
        self.linktype = linktype
        self.nano = nano
        self.handle: Any = ffi.NULL
        self._output: Output | None
        path = os.fspath(target) if isinstance(target, (str, os.PathLike)) else ""
        if compression == "auto":
            compression = compression_of_name(path)
        self.format = format_of_name(path) if format == "auto" else format
        if self.format not in _FORMATS:
            raise PcapError(f"savefile format {format!r} is not one of {', '.join(_FORMATS)}")
        self._flush_ns = None if flush_after is None else int(flush_after * 1e9)
        self._flushed_ns = time.monotonic_ns()
        append = append and path not in {"", "-"} and has_content(path)
        if append:
            check_append(path, Kind(self.format, linktype, snaplen, nano, compression))
        self.name, fd, self._output = open_output(target, compression, append)
        section = encode_options(options)
        config = ffi.new("struct nm_writer_config *")
        config.format = _FORMATS[self.format]
        config.options = ffi.cast("const uint8_t *", ffi.from_buffer(section))
        config.options_len = len(section)
        config.linktype = linktype
        config.snaplen = snaplen
        config.nano = nano
        config.append = append
        config.max_bytes = max_bytes
        config.max_packets = max_packets
        self._open(fd, config)

    def _open(self, fd: int, config: Any) -> None:
        handle = ffi.new("struct nm_writer **")
        msg = ffi.new("char[512]")
        if lib.nm_writer_open(fd, config, handle, msg):
            if self._output is not None:
                self._output.close()
            raise PcapError(f"{self.name}: {_text(msg)}")
        self.handle = handle[0]

    def write(
        self,
        packet: SavedPacket | bytes,
        *,
        ts_ns: int | None = None,
        len: int | None = None,
        comment: str | None = None,
    ) -> None:
        """Append one packet.

        packet: anything with ``ts_ns``, ``data`` and ``len``, or a buffer. ts_ns: where another
        time than the packet's is wanted; a buffer's is now. len: bytes the packet had on the
        wire, where the packet does not say. comment: pcapng only, as is that a packet may say its
        ``linktype`` and ``interface``: each pair of them is an interface of the file.

        Raises DeviceError (ENOSPC, EPIPE ...) where earlier packets could not be written out to
        make room for this one: it is then not taken, they are kept, and the call may be
        repeated. Raises PcapError for a time that the format cannot hold.
        """
        data: Any = packet
        # Asking for one attribute: isinstance with a protocol costs ten times the rest of the call.
        saved: Any = packet if hasattr(packet, "ts_ns") else None
        linktype, ifindex = self.linktype, 0
        if saved is not None:
            data = saved.data
            linktype = getattr(saved, "linktype", linktype)
            ifindex = getattr(saved, "interface", 0)
            len = saved.len if len is None else len
        if ts_ns is None:
            ts_ns = time.time_ns() if saved is None else saved.ts_ns
        buffer = ffi.from_buffer(data)
        caplen = ffi.sizeof(buffer)
        if len is None:
            len = caplen
        options: Any = ffi.NULL
        options_len = 0
        if comment is not None:
            options = ffi.from_buffer(encode_options(make_comments([comment]), swapped=self._swapped))
            options_len = ffi.sizeof(options)
        while True:
            status = lib.nm_writer_write(
                self.handle or self._handle(),
                ts_ns,
                buffer,
                caplen,
                len,
                linktype,
                ifindex,
                options,
                options_len,
            )
            if status == 0:
                break
            self._answer(status)
        if self._flush_ns is not None:
            self.flush_if_due()

    @property
    def _swapped(self) -> bool:
        return bool(lib.nm_writer_swapped(self._handle()))

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

        ifindex, linktype: packets that say these are its own. One that nobody describes is described
        by its link type and snaplen alone when its first packet comes. ``if_tsresol`` and
        ``if_tsoffset`` among the options are left out: the writer has its own.
        """
        given = [option for option in options if option.code not in _TIME_OPTIONS]
        texts = ((_IF_NAME, name), (_IF_DESCRIPTION, description))
        given += [Option(code, text.encode()) for code, text in texts if text is not None]
        encoded = encode_options(given, swapped=self._swapped)
        while True:
            number: int = lib.nm_writer_interface(
                self._handle(),
                ifindex,
                self.linktype if linktype is None else linktype,
                self.snaplen if snaplen is None else snaplen,
                ffi.from_buffer(encoded),
                len(encoded),
            )
            if number >= 0:
                return number
            self._answer(number)

    def write_block(self, block: Block) -> None:
        """Append a block to a pcapng file as it is; a section header begins a section, in its byte order.

        Copying all blocks of a file gives the same file: a section header written first takes the place
        of the writer's own. Raises PcapError for a block of another byte order than the section's.
        """
        self._retry(lib.nm_writer_block, ffi.from_buffer(block.raw), len(block.raw))

    def write_many(self, packets: Iterable[SavedPacket]) -> int:
        """Append packets in their order, and return how many; errors as for ``write``.

        A Batch, or what has a batch's columns, is written at once, without an object for each packet.
        ``packets`` tells how far a call came that raised.
        """
        before = self.packets
        if hasattr(packets, "offsets"):
            self._write_columns(packets)
        else:
            for packet in packets:
                self.write(packet)
        return self.packets - before

    def _write_columns(self, batch: Any) -> None:
        columns = ffi.new("struct nm_columns *")
        buffers = [  # to be kept while C reads them
            ffi.from_buffer(kind, getattr(batch, name))
            for name, kind in (
                ("ts_ns", "int64_t[]"),
                ("offsets", "int64_t[]"),
                ("caplens", "uint32_t[]"),
                ("lens", "uint32_t[]"),
                ("interfaces", "uint32_t[]"),
                ("linktypes", "uint16_t[]"),
                ("flags", "uint16_t[]"),
                ("data", "uint8_t[]"),
            )
        ]
        counts = {len(buffer) for buffer in buffers[:-1]}
        if len(counts) != 1:
            raise ValueError(f"columns of different lengths: {sorted(counts)}")
        columns.count = counts.pop()
        columns.ts_ns, columns.offsets, columns.caplens, columns.lens = buffers[:4]
        columns.interfaces, columns.linktypes, columns.flags, columns.data = buffers[4:]
        columns.data_len = len(buffers[-1])
        done = 0
        while done < columns.count:
            taken = lib.nm_writer_columns(self._handle(), columns, done)
            if taken < 0:
                self._answer(taken)
            else:
                done += taken
        self.flush_if_due()

    def write_views(self, views: Any, count: int) -> None:
        """Append ``struct nm_view[count]``, for the capture layer: they must stay valid meanwhile."""
        done = 0
        while done < count:
            taken = lib.nm_writer_views(self._handle(), views + done, count - done)
            if taken < 0:
                self._answer(taken)
            else:
                done += taken
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Flush where ``flush_after`` seconds have passed since the last flush; errors as for ``flush``.

        Every call that writes does so; this one is for times when nothing is written.
        """
        if self._flush_ns is not None and time.monotonic_ns() - self._flushed_ns >= self._flush_ns:
            self.flush()

    def flush(self) -> None:
        """Hand everything taken so far to the file; a compressor still keeps what it needs.

        Raises DeviceError where that fails; what could not be written is kept.
        """
        self._flushed_ns = time.monotonic_ns()
        self._retry(lib.nm_writer_flush)
        if self._output is not None:
            try:
                self._output.flush()
            except OSError as error:
                raise self._failed(error) from error

    def close(self) -> None:
        """Flush and close; may be repeated.

        Raises DeviceError where the flush fails. The file is closed all the same, without a
        packet cut in the middle at its end where it is a plain file.
        """
        if not self.handle:
            return
        try:
            if self._output is not None:
                self._close_output()
            else:
                with contextlib.suppress(DeviceError):  # closing says it again, and what is missing
                    self._retry(lib.nm_writer_flush)
        finally:
            handle, self.handle = self.handle, ffi.NULL
            msg = ffi.new("char[512]")
            status = lib.nm_writer_close(handle, msg)
        if status:
            raise DeviceError(-status, f"{self.name}: {_text(msg)}")

    def _close_output(self) -> None:
        assert self._output is not None
        try:
            self._retry(lib.nm_writer_flush)
        finally:
            try:
                self._output.close()
            except OSError as error:
                raise self._failed(error) from error

    def _retry(self, call: Any, *arguments: Any) -> None:
        while True:
            status = call(self._handle(), *arguments)
            if status == 0:
                return
            self._answer(status)

    def _answer(self, status: int) -> None:
        """Do what a negative status asks for before the call is repeated, or raise it."""
        if status == -errno.EAGAIN:
            self._take_pending()
        elif status == -errno.EOVERFLOW:
            raise LimitReached(f"{self.name}: {self._msg()}")
        elif status in (-errno.ERANGE, -errno.EINVAL):
            raise PcapError(f"{self.name}: {self._msg()}")
        elif status != -errno.EINTR:
            raise DeviceError(-status, f"{self.name}: {self._msg()}")

    def _take_pending(self) -> None:
        assert self._output is not None
        start = ffi.new("const uint8_t **")
        size = lib.nm_writer_pending(self.handle, start)
        try:
            self._output.push()
            self._output.put(ffi.unpack(ffi.cast("char *", start[0]), size))
            lib.nm_writer_taken(self.handle, size)
            self._output.push()
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> DeviceError:
        return DeviceError(
            error.errno or errno.EIO, f"{self.name}: error writing dump file: {error.strerror or error}"
        )

    def _handle(self) -> Any:
        if not self.handle:
            raise PcapError(f"{self.name}: the writer is closed")
        return self.handle

    def _msg(self) -> str:
        return _text(lib.nm_writer_msg(self.handle))

    @property
    def position(self) -> int:
        """Length of the (uncompressed) file once everything taken so far is in it."""
        return int(lib.nm_writer_position(self._handle()))

    @property
    def packets(self) -> int:
        """Packets taken since the file was opened."""
        return int(lib.nm_writer_packets(self._handle()))

    @property
    def snaplen(self) -> int:
        """The snapshot length in force."""
        return int(lib.nm_writer_snaplen(self._handle()))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_writer(
    target: Target,
    linktype: int = DLT_EN10MB,
    snaplen: int = 0,
    nano: bool = False,
    *,
    format: str = "auto",
    compression: str | None = "auto",
    options: Iterable[Option] = (),
    append: bool = False,
    flush_after: float | None = None,
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
    )


def _text(chars: Any) -> str:
    return str(ffi.string(chars).decode(errors="replace"))
