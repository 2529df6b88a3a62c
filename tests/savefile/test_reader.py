"""Classic pcap, read: every variant, every cut, every way for the bytes to come, against libpcap."""

from __future__ import annotations

import errno
import gzip
import io
import os
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pcapy
import pytest

from nmpcap import DeviceError, PcapError, SavefileError, UsageError
from nmpcap.savefile import Reader, open_writer

from . import libpcap
from .pcapfiles import LAYOUTS, MODIFIED, NANO, Given, Layout, some_packets
from .reading import Trickle, read

EVERY_LAYOUT = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


# ---- against libpcap ------------------------------------------------------------------


@EVERY_LAYOUT
def test_packets_are_those_that_libpcap_reads(layout: Layout, save, rng: random.Random) -> None:
    path = save(layout.file(some_packets(rng, 300, layout.magic == NANO)))
    theirs = libpcap.read(libpcap.library(), path)
    with Reader(path) as ours:
        assert [(r.ts_ns, r.data, r.len) for r in ours] == theirs.packets
        assert (ours.linktype, ours.snaplen) == (theirs.linktype, theirs.snaplen)
    assert len(theirs.packets) == 300
    assert theirs.error == ""


@EVERY_LAYOUT
def test_pcapy_reads_the_same(layout: Layout, save, rng: random.Random) -> None:
    path = save(layout.file(some_packets(rng, 50)))
    peer, theirs = pcapy.open_offline(str(path)), []
    while (packet := peer.next())[0] is not None:
        seconds, micros = packet[0].getts()
        theirs.append((seconds * 10**6 + micros, packet[1], packet[0].getlen()))
    assert [(ts // 1000, data, length) for ts, data, length in read(path)[0]] == theirs


@pytest.mark.parametrize(
    "name", ["micro-little", "micro-big", "nano-big", "modified-little", "version-2.0-big"]
)
def test_a_file_cut_anywhere_ends_as_in_libpcap(name: str, save, rng: random.Random) -> None:
    layout, pcap = LAYOUTS[name], libpcap.library()
    whole = layout.file([Given(1, 2, rng.randbytes(size), size) for size in (5, 0, 33)])
    for size in range(len(whole) + 1):
        path = save(whole[:size])
        theirs, (packets, error) = libpcap.read(pcap, path), read(path)
        assert packets == theirs.packets, size
        if 4 <= size < 24:
            # libpcap: counts the bytes behind the magic number alone
            assert error == f"truncated dump file; tried to read 24 file header bytes, only got {size}"
        else:
            assert error == theirs.error, size


@pytest.mark.parametrize("snaplen", [0, 1, 100, 65535, 262144, 300000, 2**31 - 1, 2**31, 2**32 - 1])
@pytest.mark.parametrize("linktype", [1, 231, 249, 279])
def test_lengths_over_the_snaplen_are_cut_or_refused_as_in_libpcap(snaplen: int, linktype: int, save) -> None:
    pcap = libpcap.library()
    layout = Layout(snaplen=snaplen, linktype=linktype)
    for size in (99, 100, 101, 262144, 262145, 300001, 1 << 20, (1 << 20) + 1):
        path = save(layout.file([Given(1, 2, bytes(size), size), Given(2, 3, b"next", 4)]))
        theirs = libpcap.read(pcap, path)
        assert read(path) == (theirs.packets, theirs.error), size


@pytest.mark.parametrize(
    ("major", "minor"), [(0, 0), (1, 9), (2, 4), (2, 5), (3, 0), (542, 0), (543, 0), (543, 1)]
)
@pytest.mark.parametrize("order", "<>")
def test_versions_are_refused_as_in_libpcap(major: int, minor: int, order: str, save) -> None:
    path = save(Layout(order=order, major=major, minor=minor).file([]))
    assert read(path)[1] == libpcap.read(libpcap.library(), path).error


@pytest.mark.parametrize("start", [b"\0\0\0\0", b"\xd4\xc3\xb2\xa2", b"\xa1\x2b\x3c\x4d", b"GIF89a"])
def test_what_is_no_savefile_is_refused(start: bytes, save) -> None:
    path = save(start + bytes(60))
    with pytest.raises(SavefileError, match=r"trace\.pcap: unknown file format \(at byte 0\)"):
        Reader(path)
    assert libpcap.read(libpcap.library(), path).error == "unknown file format"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("word", [0x00010001, 0x03FF0000, 0x02000071])
def test_a_reserved_bit_of_the_link_type_is_refused(word: int, order: str, save) -> None:
    # As in libpcap's branch 1.10 of 2026; the 1.10.3 of Debian 12 does not look yet.
    path = save(Layout(order=order, linktype=word).file([]))
    assert read(path)[1] == f"savefile linktype reserved field not zero (0x{word & 0x03FF0000:08x})"


def test_the_length_of_frame_check_sequences_is_told(save) -> None:
    with Reader(save(Layout(linktype=0x24000001).file([]))) as reader:
        assert (reader.linktype, reader.fcs_len) == (1, 4)
    with Reader(save(Layout().file([]))) as reader:
        assert reader.fcs_len is None


def test_no_other_link_type_is_turned(save, rng: random.Random) -> None:
    pcap = libpcap.library()
    for linktype in range(290):
        packets = [Given(i, 0, rng.randbytes(rng.randrange(1, 150)), 300) for i in range(10)]
        path = save(Layout(order=">", linktype=linktype).file(packets))
        assert read(path)[0] == libpcap.read(pcap, path).packets, linktype


@pytest.mark.parametrize("linktype", [189, 220, 239, 113, 276, 117])
def test_numbers_inside_swapped_packets_are_turned_as_in_libpcap(
    linktype: int, save, rng: random.Random
) -> None:
    packets = [Given(i, 0, pseudo_header(linktype, rng), 300) for i in range(500)]
    path = save(Layout(order=">", linktype=linktype).file(packets))
    assert read(path)[0] == libpcap.read(libpcap.library(), path).packets


@pytest.mark.parametrize("linktype", [189, 220, 239, 113, 276, 117])
def test_numbers_behind_a_swapped_packets_own_length_are_left_as_in_libpcap(
    linktype: int, save, rng: random.Random
) -> None:
    packets = [Given(i, 0, pseudo_header(linktype, rng), rng.randrange(1, 80)) for i in range(500)]
    path = save(Layout(order=">", linktype=linktype).file(packets))
    assert read(path)[0] == libpcap.read(libpcap.library(), path).packets


def pseudo_header(linktype: int, rng: random.Random) -> bytes:
    """The start of a packet, more or less what its link type asks for."""
    data = bytearray(rng.randbytes(rng.randrange(1, 200)))
    if linktype in {189, 220} and len(data) > 64:
        data[9] = rng.choice([0, 0, 1, 3])
        data[60:64] = struct.pack(">I", rng.choice([0, 1, 3, 2**32 - 1]))
    elif linktype == 239:
        data = bytearray([2, rng.choice([0, 0, 0, 1]), 0, 1])
        for _ in range(rng.randrange(5)):
            size = rng.choice([0, 3, 4, 5, 8, 20])
            data += struct.pack(">HH", size, rng.randrange(20)) + bytes((max(size, 4) - 1) // 4 * 4)
    elif linktype in {113, 276} and len(data) > 20:
        at = 14 if linktype == 113 else 0
        data[at : at + 2] = struct.pack(">H", rng.choice([0x000C, 0x000D, 0x0800]))
    return bytes(data)


# ---- what the reader says of a file ---------------------------------------------------


def test_the_error_names_the_file_and_the_byte(save) -> None:
    layout = Layout()
    path = save(layout.file([Given(1, 2, b"whole", 5)]) + layout.record(Given(3, 4, b"cut", 3), caplen=9))
    with pytest.raises(SavefileError) as caught, Reader(path) as reader:
        list(reader)
    assert caught.value.offset == 24 + 16 + 5
    assert str(caught.value) == (
        f"{path}: truncated dump file; tried to read 9 captured bytes, only got 3 (at byte 45)"
    )
    assert caught.value.reason == "truncated dump file; tried to read 9 captured bytes, only got 3"


def test_damage_is_told_once_and_then_the_file_has_ended(save) -> None:
    with Reader(save(Layout().file([Given(1, 2, b"whole", 5)]) + b"cut")) as reader:
        records = iter(reader)
        assert next(records).data == b"whole"
        with pytest.raises(SavefileError):
            next(records)
        assert list(reader) == []


def test_a_packet_of_a_modified_file_tells_its_direction(save) -> None:
    layout = Layout(magic=MODIFIED)
    sent = bytearray(layout.record(Given(1, 2, b"sent", 4)))
    sent[22] = 4
    with Reader(save(layout.header() + sent + layout.record(Given(1, 2, b"got", 3)))) as reader:
        assert [record.flags for record in reader] == [1, 0]


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="missing: No such file or directory") as caught:
        Reader(tmp_path / "missing")
    assert isinstance(caught.value, OSError)
    with pytest.raises(PcapError, match="error reading dump file: Is a directory"):
        Reader(tmp_path)


@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        (None, TypeError, "not NoneType"),
        (3.5, TypeError, "not float"),
        (socket.socket(), TypeError, "not socket; fileno"),
        (io.StringIO("text"), TypeError, "StringIO: a text file; savefiles are binary"),
        (99_999, DeviceError, "fd 99999: Bad file descriptor"),
        (-1, DeviceError, "fd -1: Bad file descriptor"),
        ("a\0b", UsageError, "it holds a zero character"),
        (b"/missing/file", DeviceError, "/missing/file: No such file"),
        ("", DeviceError, "No such file"),
    ],
    ids=lambda value: value.__class__.__name__,
)
@pytest.mark.parametrize("opener", [Reader, open_writer])
def test_what_is_no_source_or_target_is_refused(opener, source, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        opener(source)


class Failing(io.RawIOBase):
    """A raw file that gives what it has in small pieces, then fails, then has more."""

    def __init__(self, contents: bytes, error: Exception | None) -> None:
        self._pieces = [contents[i : i + 50] for i in range(0, len(contents), 50)]
        self._error = error
        self._left = len(self._pieces) // 2

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes | None:
        if self._left == 0:
            self._left = -1
            if self._error is None:
                return None
            raise self._error
        self._left -= 1
        piece = self._pieces.pop(0) if self._pieces else b""
        if len(piece) > size >= 0:
            self._pieces.insert(0, piece[size:])
            self._left += 1
        return piece[:size] if size >= 0 else piece


def test_an_input_that_fails_gives_what_it_had_and_then_the_reason(rng: random.Random) -> None:
    packets = some_packets(rng, 100)
    source = Failing(Layout().file(packets), OSError(errno.EIO, "Input/output error"))
    found = []
    with Reader(source) as reader:
        with pytest.raises(OSError, match="Input/output") as caught:
            found.extend(reader)
        assert caught.value is source._error  # as it was raised
        assert list(reader) == []
    assert [record.data for record in found] == [packet.data for packet in packets[: len(found)]]
    assert len(found) > 20


def test_a_raw_file_without_bytes_now_has_not_ended(rng: random.Random) -> None:
    packets = some_packets(rng, 100)
    found = []
    with Reader(Failing(Layout().file(packets), None)) as reader:
        with pytest.raises(DeviceError, match="non-blocking and has no bytes now") as caught:
            found.extend(reader)
        assert caught.value.errno == errno.EAGAIN
        found.extend(reader)
    assert [record.data for record in found] == [packet.data for packet in packets]


def test_an_interface_stands_for_the_whole_file(save) -> None:
    with Reader(save(Layout(magic=NANO, linktype=101, snaplen=96).file([]))) as reader:
        [interface] = reader.interfaces
        assert (interface.linktype, interface.snaplen, interface.ts_units) == (12, 96, 10**9)
        assert (reader.format, reader.version, reader.nano) == ("pcap", (2, 4), True)


# ---- ways for the bytes to come -------------------------------------------------------


@EVERY_LAYOUT
def test_one_byte_at_a_time_reads_the_same(layout: Layout, save, rng: random.Random) -> None:
    contents = layout.file(some_packets(rng, 20))
    assert read(Trickle(contents)) == read(io.BytesIO(contents)) == read(save(contents))
    assert read(Trickle(contents[:-1])) == read(save(contents[:-1]))


def test_a_pipe_gives_packets_as_they_come() -> None:
    layout = Layout()
    out, into = os.pipe()
    try:
        os.write(into, layout.header() + layout.record(Given(1, 2, b"first", 5)))
        with Reader(out) as reader:
            records = iter(reader)
            assert next(records).data == b"first"
            later = threading.Timer(0.05, os.write, (into, layout.record(Given(2, 3, b"second", 6))))
            later.start()
            assert next(records).data == b"second"
            later.join()
            os.close(into)
            assert list(records) == []
    finally:
        os.close(out)


def test_a_second_thread_is_refused_and_a_closed_reader_too() -> None:
    out, into = os.pipe()
    os.write(into, Layout().header())
    reader = Reader(out)
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.extend(record.data for record in reader))
    thread.start()
    time.sleep(0.1)
    for use in (reader.skip, reader.close):
        with pytest.raises(UsageError, match="another thread is reading this savefile"):
            use()
    os.write(into, Layout().record(Given(1, 2, b"packet", 6)))
    os.close(into)
    thread.join()
    assert found == [b"packet"]
    reader.close()
    reader.close()
    os.close(out)
    with pytest.raises(UsageError, match="the savefile is closed"):
        list(reader)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_pipe_in_non_blocking_mode_is_waited_for(
    compress: Callable[[bytes], bytes], rng: random.Random
) -> None:
    contents = compress(Layout().file(some_packets(rng, 10)))
    out, into = os.pipe()
    os.set_blocking(out, False)

    def send() -> None:
        with os.fdopen(into, "wb", buffering=0) as sender:
            for at in range(0, len(contents), 100):
                time.sleep(0.001)
                sender.write(contents[at : at + 2])
                time.sleep(0.001)
                sender.write(contents[at + 2 : at + 100])

    thread = threading.Thread(target=send)
    thread.start()
    try:
        with os.fdopen(out, "rb") as receiver, Reader(receiver.fileno()) as reader:
            assert len(list(reader)) == 10
    finally:
        thread.join()


def test_a_pipe_may_cut_records_anywhere(rng: random.Random) -> None:
    layout = Layout()
    packets = some_packets(rng, 200)
    contents = layout.file(packets)
    out, into = os.pipe()

    def write_in_pieces() -> None:
        at = 0
        while at < len(contents):
            at += os.write(into, contents[at : at + rng.randrange(1, 3000)])
        os.close(into)

    writer = threading.Thread(target=write_in_pieces)
    writer.start()
    try:
        assert [data for _, data, _ in read(out)[0]] == [packet.data for packet in packets]
    finally:
        writer.join()
        os.close(out)


def test_a_descriptor_is_read_from_where_it_stands_and_stays_open(save) -> None:
    layout = Layout()
    path = save(b"in front" + layout.file([Given(1, 2, b"packet", 6)]))
    fd = os.open(path, os.O_RDONLY)
    try:
        os.lseek(fd, 8, os.SEEK_SET)
        assert [data for _, data, _ in read(fd)[0]] == [b"packet"]
        os.fstat(fd)
    finally:
        os.close(fd)


def test_standard_input_is_called_minus(save, run_python) -> None:
    path = save(Layout().file([Given(1, 2, b"packet", 6)]))
    program = "from nmpcap.savefile import Reader; print([record.data for record in Reader('-')])"
    with path.open("rb") as file:
        assert run_python("-c", program, stdin=file).stdout == "[b'packet']\n"
    assert run_python(
        "-c", program, input=path.read_bytes().decode("latin-1"), encoding="latin-1"
    ).stdout == ("[b'packet']\n")


def test_a_growing_file_can_be_read_on(save) -> None:
    layout = Layout()
    path = save(layout.file([Given(1, 2, b"first", 5)]))
    with Reader(path) as reader:
        assert [record.data for record in reader] == [b"first"]
        with path.open("ab") as file:
            file.write(layout.record(Given(2, 3, b"second", 6)))
        assert [record.data for record in reader] == [b"second"]


def test_a_file_that_shrinks_meanwhile_is_an_error_and_no_crash(save) -> None:
    layout = Layout(snaplen=0)
    path = save(layout.file([Given(1, 2, bytes(100_000), 100_000)] * 50))
    with Reader(path) as reader:
        records = iter(reader)
        next(records)
        os.truncate(path, 1_000_000)
        with pytest.raises(SavefileError, match="truncated dump file"):
            list(records)


def test_a_huge_length_costs_no_memory_before_its_bytes_come(save) -> None:
    layout = Layout(linktype=231)
    contents = layout.header() + layout.record(Given(1, 2, bytes(1000), 1000), caplen=128 << 20)
    started = time.monotonic()
    with pytest.raises(SavefileError, match="only got 1000"):
        list(Reader(save(contents)))
    assert time.monotonic() - started < 5


# ---- salvage --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["micro-little", "nano-big", "modified-big", "version-2.2-little"])
def test_salvage_finds_the_records_behind_damage(name: str, save, rng: random.Random) -> None:
    layout = LAYOUTS[name]
    packets = [Given(1_700_000_000 + i, i, rng.randbytes(rng.randrange(20, 2000)), 2000) for i in range(400)]
    records = [bytearray(layout.record(packet)) for packet in packets]
    hurt = {50, 51, 200, 399}
    for i in hurt:
        records[i][8:16] = b"\xff" * 8  # both lengths
    path = save(layout.header() + b"".join(records))
    with Reader(path, salvage=True) as reader:
        found = [record.data for record in reader]
        places, skipped = reader.damage
    assert found == [packet.data for i, packet in enumerate(packets) if i not in hurt]
    assert places == 3
    assert skipped == sum(len(records[i]) for i in hurt)


def test_salvage_bridges_what_is_missing_and_what_is_foreign(save, rng: random.Random) -> None:
    layout = Layout()
    packets = [Given(1_700_000_000 + i, i, rng.randbytes(300), 300) for i in range(3000)]
    contents = bytearray(layout.file(packets))
    del contents[100_000:100_777]
    contents[600_000:600_000] = rng.randbytes(500_000)
    with Reader(save(bytes(contents) + b"\0" * 7), salvage=True) as reader:
        found = {record.data for record in reader}
        places, _ = reader.damage
    whole = {packet.data for packet in packets}
    assert len(found & whole) >= 2994
    assert len(found - whole) <= 2  # a record whose tail was replaced before the damage shows
    assert places == 3


def test_salvage_of_any_bytes_ends(save, rng: random.Random) -> None:
    for _ in range(50):
        noise = rng.randbytes(rng.randrange(3000)) + bytes(rng.randrange(3000))
        with Reader(save(Layout().header() + noise), salvage=True) as reader:
            for _record in reader:
                pass
            assert reader.damage[1] <= len(noise)


# ---- manners ------------------------------------------------------------------------------


@pytest.mark.parametrize("contents", [b"\xd4\xc3\xb2\xa1" + bytes(1 << 20), b"x" * (1 << 20)])
def test_what_is_in_a_file_is_no_path_and_is_not_echoed(contents: bytes) -> None:
    for opening in (Reader, open_writer):
        with pytest.raises(UsageError, match=f"{len(contents)} bytes of something else.*BytesIO") as caught:
            opening(contents)
        assert len(str(caught.value)) < 300
    with pytest.raises(UsageError, match="1048576 characters") as caught:
        Reader("x" * (1 << 20))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", ["plain.pcap", "small.pcap.gz"])
@pytest.mark.parametrize("given", ["path", "descriptor", "file object", "bytes"])
def test_progress_goes_from_the_beginning_to_the_end(name: str, given: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with open_writer(path) as writer:
        for i in range(20_000):
            writer.write(random.Random(i).randbytes(60))
    size = path.stat().st_size
    with path.open("rb") as file:
        source = {
            "path": path,
            "descriptor": file.fileno(),
            "file object": file,
            "bytes": io.BytesIO(path.read_bytes()),
        }[given]
        with Reader(source) as reader:
            assert reader.size == size
            seen = [reader.position for _ in reader]
            assert seen == sorted(seen)
            assert seen[0] < size / 2
            assert reader.position == size
        assert (reader.position, reader.size) == (size, size)


def test_the_progress_of_a_growing_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with open_writer(path, flush_after=0) as writer:
        writer.write(bytes(60))
        with Reader(path) as reader:
            before = reader.size
            writer.write(bytes(60))
            assert reader.size == before + 76


def test_of_a_pipe_nobody_knows_the_size(rng: random.Random) -> None:
    contents = Layout().file(some_packets(rng, 10))
    there, here = os.pipe()
    with os.fdopen(here, "wb") as sender:
        sender.write(contents)
    with os.fdopen(there, "rb") as receiver, Reader(receiver.fileno()) as reader:
        assert reader.size is None
        assert len(list(reader)) == 10
        assert reader.position == len(contents)


@pytest.mark.parametrize(("linktype", "header"), [(113, 16), (276, 20)])
def test_can_xl_behind_a_cooked_header_is_swapped(linktype: int, header: int, save) -> None:
    # By hand: libpcap does so from 1.11 on.
    cooked = bytearray(header)
    place = 14 if header == 16 else 0
    cooked[place : place + 2] = b"\x00\x0e"

    def frame(order: str) -> bytes:
        return bytes(cooked) + struct.pack(f"{order}IBBHI", 0x01020304, 0x80, 3, 0x0506, 0x0708090A) + b"data"

    swapped = ">" if sys.byteorder == "little" else "<"
    for caplen in range(len(frame("="))):
        contents = Layout(order=swapped, linktype=linktype).file([Given(1, 0, frame(swapped)[:caplen], 40)])
        if caplen in {header, header + 4, header + 8, header + 12}:
            assert read(save(contents))[0][0][1] == frame("=")[:caplen]
