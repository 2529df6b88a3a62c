"""Going on in a file that exists: what is refused, in libpcap's words, and what comes out."""

from __future__ import annotations

import ctypes
import io
from pathlib import Path

import pytest

from nmpcap import DeviceError, SavefileError, UsageError
from nmpcap.savefile import Reader, open_writer, read_blocks

from . import libpcap
from .pcapfiles import MODIFIED, NANO, Given, Layout
from .pcapngfiles import BIG, LITTLE, rich_file

NAVTEL = 0xA12B3C4D
FILES = {
    "nanoseconds": Layout(magic=NANO).file([]),
    "other order": Layout(order=">").file([]),
    "other order and precision": Layout(order=">", magic=NANO).file([]),
    "modified": Layout(magic=MODIFIED).file([]),
    "modified, other order": Layout(magic=MODIFIED, order=">").file([]),
    "navtel": Layout(magic=NAVTEL).file([]),
    "something else": b"x" * 50,
    "version 2.3": Layout(minor=3).file([]),
    "raw ip": Layout(linktype=101).file([]),
    "snaplen 96": Layout(snaplen=96).file([]),
    "no snaplen": Layout(snaplen=0).file([]),
    "cut header": Layout().file([])[:10],
    "two bytes": b"ab",
}


def append_error_of_libpcap(path: Path) -> str:
    pcap = libpcap.library()
    handle = ctypes.c_void_p
    pcap.pcap_open_dead.restype = handle
    pcap.pcap_dump_open_append.restype = handle
    pcap.pcap_dump_open_append.argtypes = [handle, ctypes.c_char_p]
    dead = handle(pcap.pcap_open_dead(1, 65535))
    try:
        assert not pcap.pcap_dump_open_append(dead, bytes(path))
        return pcap.pcap_geterr(dead).decode()
    finally:
        pcap.pcap_close(dead)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_kind_is_refused_as_by_libpcap(name: str, save) -> None:
    path = save(FILES[name])
    with pytest.raises(SavefileError) as caught:
        open_writer(path, snaplen=65535, nano=False, append=True)
    assert str(caught.value) == append_error_of_libpcap(path)
    assert path.read_bytes() == FILES[name]


@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("suffix", ["pcap", "pcapng", "pcap.gz", "pcapng.xz"])
def test_packets_go_behind_those_that_are_there(nano: bool, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"trace.{suffix}"
    for i in range(3):  # the first one creates it
        with open_writer(path, nano=nano, append=True) as writer:
            writer.write(b"packet %d" % i, ts_ns=i * 1000)
    with Reader(path) as reader:
        assert [(r.data, r.ts_ns) for r in reader] == [(b"packet %d" % i, i * 1000) for i in range(3)]


@pytest.mark.parametrize("target", [1, io.BytesIO()], ids=["descriptor", "file object"])
def test_only_a_path_can_be_appended_to(target: object) -> None:
    with pytest.raises(UsageError, match="append takes a path"):
        open_writer(target, append=True)


def test_an_empty_file_is_begun(save) -> None:
    path = save(b"")
    with open_writer(path, append=True) as writer:
        writer.write(b"packet", ts_ns=0)
    with Reader(path) as reader:
        assert [record.data for record in reader] == [b"packet"]


def test_the_position_counts_what_was_there(save) -> None:
    path = save(Layout().file([Given(1, 2, bytes(100), 100)]))
    with open_writer(path, snaplen=65535, nano=False, append=True) as writer:
        assert (writer.position, writer.packets) == (140, 0)
        writer.write(b"1234", ts_ns=0)
        assert writer.position == 160
    assert path.stat().st_size == 160


@pytest.mark.parametrize("order", [LITTLE, BIG])
def test_a_pcapng_file_gets_another_section(order, save, tmp_path: Path) -> None:
    path = tmp_path / "trace.pcapng"
    path.write_bytes(rich_file(order))
    with open_writer(path, append=True) as writer:
        writer.write(b"more", ts_ns=0)
    assert path.read_bytes().startswith(rich_file(order))
    assert [block.type for block in read_blocks(path)][-3:] == [0x0A0D0D0A, 1, 6]


@pytest.mark.parametrize("missing", [1, 5, 19])
def test_a_file_cut_in_a_record_is_refused(missing: int, save) -> None:
    contents = Layout().file([Given(1, 2, bytes(4), 4)] * 2)
    path = save(contents[:-missing])
    with pytest.raises(SavefileError, match=r"cannot append behind it \(at byte \d+\)") as caught:
        open_writer(path, snaplen=65535, nano=False, append=True)
    assert caught.value.offset == 24 + 20
    assert path.read_bytes() == contents[:-missing]


def test_a_pcap_file_is_no_pcapng_file_and_plain_is_not_compressed(save, tmp_path: Path) -> None:
    path = save(Layout().file([]))
    with pytest.raises(SavefileError, match="not a pcapng file"):
        open_writer(path, format="pcapng", append=True)
    with pytest.raises(SavefileError, match="compressed with nothing, cannot append to file"):
        open_writer(path, compression="gzip", append=True)


def test_a_place_that_takes_no_file_is_refused_as_for_writing(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="No such file or directory"):
        open_writer(tmp_path / "missing" / "x", append=True)
    with pytest.raises(DeviceError, match="Is a directory"):
        open_writer(tmp_path, append=True)
