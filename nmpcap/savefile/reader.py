"""A savefile being read: the C source, the bytes it is fed, and what the file says of itself.

The capture handle takes the source over and reads packets from it; a Reader used alone
gives them as records. Time stamps are nanoseconds, link types DLT_*.
"""

from __future__ import annotations

import errno
import functools
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from nmpcap._arguments import number
from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap._printable import printable
from nmpcap.errors import DeviceError, PcapError, SavefileError, UsageError
from nmpcap.savefile.compression import MAX_MEMORY
from nmpcap.savefile.input import Source, open_input
from nmpcap.savefile.origins import new_origin
from nmpcap.savefile.pcapng import Block, Option, decode_options

__all__ = ["Interface", "Reader", "Record", "read_blocks"]

_OUT = 0x0001  # NM_VIEW_OUT
_END = -1000  # NM_SOURCE_END
_BATCH = 256
_MEMORY_MAX = 2**63 - 1
_SLICE_MS = 100  # a signal that comes just before the wait does not end it
_FOREIGN: Literal["little", "big"] = "big" if sys.byteorder == "little" else "little"


class Record(NamedTuple):
    """One packet of a savefile; the bytes are the caller's."""

    ts_ns: int
    data: bytes
    len: int
    interface: int
    linktype: int
    flags: int

    @property
    def outgoing(self) -> bool:
        """Whether the packet was being sent."""
        return bool(self.flags & _OUT)


class _ReadRecord(Record):
    """A record that tells whose it is; each reader has a class of its own, so that this is no field."""

    __slots__ = ()
    _origin = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return Record, tuple(self)


class Interface(NamedTuple):
    """One interface of a savefile; a pcap file has exactly one."""

    linktype: int
    snaplen: int
    ts_units: int
    tsoffset_s: int
    section: int
    raw_options: bytes
    swapped: bool

    @property
    def options(self) -> list[Option]:
        """The interface's options, as a pcapng file has them."""
        return decode_options(self.raw_options, swapped=self.swapped)

    @property
    def name(self) -> str | None:
        """``if_name``, the device that was captured on; None where the file does not say."""
        return self._text(2)

    @property
    def description(self) -> str | None:
        """``if_description``; None where the file does not say."""
        return self._text(3)

    @property
    def filter(self) -> str | None:
        """``if_filter``, where it is an expression (not BPF code)."""
        text = self._text(11)
        return text[1:] if text is not None and text.startswith("\0") else None

    def _text(self, code: int) -> str | None:
        for option in self.options:
            if option.code == code:
                return option.value.decode(errors="replace")
        return None


class Reader:
    """A savefile open for reading.

    ``source`` is the C ``struct nm_source *``; it is closed with the reader unless ``release``
    has handed it on. One thread at a time.
    """

    def __init__(
        self,
        source: Source,
        *,
        salvage: bool = False,
        blocks: bool = False,
        max_memory: int = MAX_MEMORY,
    ) -> None:
        """Open a path, ``-``, a descriptor or a file object, and read its header.

        salvage: pass over damage and go on (``damage`` counts); blocks: records are whole pcapng
        blocks; max_memory: bytes that the window of a compressed file may take, and what is kept of a
        pcapng file's interfaces (each counts as 512 and twice its options).

        Raises DeviceError for what cannot be opened or read, SavefileError for what is no savefile, or takes
        more memory. Waits for the header where the source is a pipe.
        """
        flags = (lib.NM_SAVEFILE_SALVAGE if salvage else 0) | (lib.NM_SAVEFILE_BLOCKS if blocks else 0)
        given = open_input(source, number(max_memory, "max_memory", 1, _MEMORY_MAX))
        self.name = given.name
        self._read = given.read
        self._close_input = given.close
        self._input = given
        self._failure: Exception | None = None
        self._lock = threading.Lock()
        msg = ffi.new("char[]", lib.NM_MSG_SIZE)
        self.source: Any = lib.nm_savefile_open(given.fd, flags, max_memory, msg)
        if not self.source:
            given.close()
            raise PcapError(f"{self.name}: {cstring(msg)}", name=self.name)
        try:
            if given.ahead:
                self._feed(given.ahead)
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        while True:
            status = lib.nm_savefile_begin(self.source)
            if status == 0:
                break
            if status == -errno.EAGAIN:
                self.refill()
            elif status != -errno.EINTR:
                raise self.error(status)
        self._info = ffi.new("struct nm_savefile_info *")
        lib.nm_savefile_get_info(self.source, self._info)

    def _feed(self, data: bytes) -> None:
        if lib.nm_savefile_feed(self.source, ffi.from_buffer(data), len(data)):
            raise PcapError(f"{self.name}: {cstring(lib.nm_savefile_msg(self.source))}", name=self.name)

    def _living(self) -> Any:
        """The C source; UsageError once it is closed."""
        if not self.source:
            raise UsageError(f"{self.name}: the savefile is closed")
        return self.source

    def refill(self) -> None:
        """Feed the source its next piece, or tell it that there is none; call when it says EAGAIN.

        Ends the life of the source's views. Where the input itself is damaged (a cut gzip file),
        the source first gives what it has; the damage is raised by ``check_input`` afterwards. A file
        object that has no bytes now is a DeviceError (EAGAIN), after which reading can go on.
        """
        self._living()
        try:
            data = self._read() if self._read else b""
        except BlockingIOError as error:
            raise DeviceError(
                errno.EAGAIN, f"{self.name}: error reading dump file: {error.strerror}", self.name
            ) from error
        except (SavefileError, OSError) as error:
            self._failure = error
            data = b""
        if data:
            self._feed(data)
        else:
            lib.nm_savefile_finish(self.source)

    def check_input(self) -> None:
        """Raise what went wrong with the input, once everything before it has been read."""
        failure, self._failure = self._failure, None
        if isinstance(failure, SavefileError):
            raise SavefileError(f"{self.name}: {failure}", failure.offset, failure.reason)
        if isinstance(failure, OSError):
            if self._input.theirs:
                raise failure
            raise DeviceError(
                failure.errno or errno.EIO,
                f"{self.name}: error reading dump file: {failure.strerror or failure}",
                self.name,
            )

    def error(self, status: int) -> Exception:
        """The exception for a status of the source; the input's own failure where that is the cause."""
        try:
            self.check_input()
        except (PcapError, OSError) as error:
            return error
        text = cstring(lib.nm_savefile_msg(self._living()))
        if status == -errno.EBADMSG:
            offset = int(lib.nm_savefile_offset(self.source))
            return SavefileError(f"{self.name}: {text} (at byte {offset})", offset, text)
        return DeviceError(-status, f"{self.name}: {text}", self.name)

    def __iter__(self) -> Iterator[Record]:
        """Read the records one after the other, waiting where there are none yet.

        What could be read of a damaged file comes first, then SavefileError.
        """
        views = ffi.new("struct nm_view[]", _BATCH)
        while records := self._records(views):
            yield from records

    def _records(self, views: Any) -> list[Record]:
        with _InUse(self):
            return [_record(self._kind, views[i]) for i in range(self._fill(views))]

    @functools.cached_property
    def _kind(self) -> type[Record]:
        """The class of its records, which a reader that has been handed on does without."""
        return type("Record", (_ReadRecord,), {"__slots__": (), "_origin": new_origin(self)})

    def skip(self) -> int:
        """Read to the end and return how many records there were; errors as for reading them."""
        views = ffi.new("struct nm_view[]", _BATCH)
        skipped = 0
        with _InUse(self):
            while count := self._fill(views):
                skipped += count
        return skipped

    def _fill(self, views: Any) -> int:
        """The next views, after waiting for them; 0 at the end."""
        while True:
            count: int = lib.nm_savefile_fill(self.source, views, _BATCH)
            if count > 0:
                return count
            if count == 0:
                self._wait()
            elif count == _END:
                self.check_input()
                return 0
            else:
                raise self.error(count)

    def blocks(self) -> Iterator[Block]:
        """Read the blocks of a file opened with ``blocks=True``; errors as for records."""
        for record in self:
            swapped = bool(record.flags & lib.NM_SAVEFILE_SWAPPED)
            order = _FOREIGN if swapped else sys.byteorder
            type = int.from_bytes(record.data[:4], order)
            yield Block(type, record.data, swapped, record.ts_ns, record.interface, record.linktype)

    def _wait(self) -> None:
        status = lib.nm_savefile_wait(self.source, _SLICE_MS)
        if status == -errno.EAGAIN:
            self.refill()
        elif status < 0 and status != -errno.EINTR:
            raise self.error(status)

    def release(self) -> Any:
        """Hand the source on: whoever takes it closes it, before ``close`` of this reader.

        The reader stays of use for ``refill``, ``error`` and what the file says as long as the
        source lives.
        """
        source = self.source
        self._close_source = False
        return source

    _close_source = True
    _last: tuple[int, tuple[int, int], list[Interface]] = (0, (0, 0), [])
    """offset, damage and interfaces as they were when it was closed."""
    _progress: tuple[int, int | None] = (0, None)

    def close(self) -> None:
        """Close the source, unless it was released, and the input. May be repeated."""
        if not self.source:
            return
        with _InUse(self):
            if self._close_source:
                self._progress = self.position, self.size
                self._last = self.offset, self.damage, self.interfaces
                lib.nm_savefile_close(self.source)
            self.source = ffi.NULL
        self._close_input()

    def __del__(self) -> None:
        if getattr(self, "source", None):
            if self._close_source:
                text = f"savefile {printable(self.name)} was not closed"
                warnings.warn(text, ResourceWarning, source=self, stacklevel=1)
            self.close()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def format(self) -> str:
        """``pcap`` or ``pcapng``."""
        return "pcap" if self._info.format == lib.NM_SAVEFILE_PCAP else "pcapng"

    @property
    def linktype(self) -> int:
        """DLT of the file, or of its first interface."""
        return int(self._info.linktype)

    @property
    def snaplen(self) -> int:
        """The snapshot length in force."""
        return int(self._info.snaplen)

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor version of the format."""
        return int(self._info.version_major), int(self._info.version_minor)

    @property
    def swapped(self) -> bool:
        """Whether the (first) byte order is not this machine's."""
        return bool(self._info.swapped)

    @property
    def nano(self) -> bool:
        """Whether time stamps are finer than a microsecond."""
        return bool(self._info.nano)

    @property
    def fcs_len(self) -> int | None:
        """Octets of frame check sequence at the end of each packet; None where the file does not say."""
        return int(self._info.fcs_len) if self._info.fcs_len >= 0 else None

    @property
    def datalink_ext(self) -> int:
        """The upper six bits of a pcap file's link type, as they stand there: libpcap's pcap_datalink_ext."""
        return int(self._info.file_linktype) & 0xFC000000

    @property
    def offset(self) -> int:
        """The byte that the next record starts at (in the uncompressed file); after close, as it was then."""
        if not self.source:
            return self._last[0]
        return int(lib.nm_savefile_offset(self.source))

    @property
    def position(self) -> int:
        """Bytes taken of the input, compressed as it may be, to compare with ``size``; also after close."""
        if not self.source:
            return self._progress[0]
        if self._input.position is not None:
            return self._input.position()
        return self.offset

    @property
    def size(self) -> int | None:
        """Bytes of the input as it is now, compressed or not; None where nobody knows: of pipes."""
        return self._input.size() if self.source else self._progress[1]

    @property
    def damage(self) -> tuple[int, int]:
        """With salvage: how many damaged places were passed over, and how many bytes; also after close."""
        if not self.source:
            return self._last[1]
        damage = ffi.new("struct nm_savefile_damage *")
        lib.nm_savefile_get_damage(self.source, damage)
        return int(damage.places), int(damage.skipped)

    @property
    def interfaces(self) -> list[Interface]:
        """The interfaces met so far; a record's ``interface`` is an index into this list."""
        return self.interfaces_from(0)

    def _interfaces_from(self, first: int) -> list[Interface]:
        return self.interfaces_from(first)

    def interfaces_from(self, first: int) -> list[Interface]:
        """Return the interfaces met so far, from number ``first`` on; also after close."""
        if not self.source:
            return self._last[2][first:]
        found = ffi.new("struct nm_savefile_interface *")
        interfaces = []
        for ifindex in range(first, lib.nm_savefile_interfaces(self.source)):
            lib.nm_savefile_interface(self.source, ifindex, found)
            options = bytes(ffi.buffer(found.options, found.options_len)) if found.options_len else b""
            interfaces.append(
                Interface(
                    found.linktype,
                    found.snaplen,
                    found.ts_units,
                    found.tsoffset_s,
                    found.section,
                    options,
                    bool(found.swapped),
                )
            )
        return interfaces


class _InUse:
    """Keeps another thread out of a reader: what one reads, the other would move away under it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __enter__(self) -> None:
        reader = self._reader
        if not reader._lock.acquire(blocking=False):
            raise UsageError(f"{reader.name}: another thread is reading this savefile")
        if not reader.source:
            reader._lock.release()
            reader._living()

    def __exit__(self, *exception: object) -> None:
        self._reader._lock.release()


def read_blocks(source: Source, *, salvage: bool = False, max_memory: int = MAX_MEMORY) -> Iterator[Block]:
    """Read a pcapng file block by block, of every type, each as it stands in the file.

    The keywords are Reader's. Writing them all with ``Writer.write_block`` gives the same file again.
    """
    with Reader(source, salvage=salvage, blocks=True, max_memory=max_memory) as reader:
        yield from reader.blocks()


def _record(kind: type[Record], view: Any) -> Record:
    return kind(
        view.ts_ns,
        ffi.unpack(ffi.cast("char *", view.data), view.caplen),
        view.len,
        view.ifindex,
        view.linktype,
        view.flags,
    )
