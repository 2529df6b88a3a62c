"""Small files made to take memory or time: what a reader takes stays within what was allowed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import nmpcap
from nmpcap import SavefileError
from nmpcap.savefile import Reader, open_writer

from .pcapfiles import Layout
from .pcapngfiles import LITTLE
from .reading import read

MB = 1 << 20
BOMB = 100 * MB
_CHILD = """
import sys
import nmpcap
from nmpcap.savefile import Reader

def peak():  # of this image alone; ru_maxrss begins with what the parent had at its fork
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))

import bz2, gzip, lzma  # and what they need is not the file's
try:
    import zstandard, lz4.frame
except ImportError:
    pass
before = peak()
ends = "end"
try:
    with Reader(sys.argv[1]) as reader:
        reader.skip()
        reader.interfaces
except nmpcap.PcapError as error:
    ends = str(error)
print((peak() - before) // 1024, ends)
"""


def peak_of_reading(path: Path) -> tuple[int, str]:
    """MiB that a process takes to read a file, and what ends it."""
    run = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path)],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    taken, _, ends = run.stdout.strip().partition(" ")
    return int(taken), ends


def zstd_repeating(content: bytes, count: int) -> bytes:
    """A frame of count blocks of 128 KiB, each a single byte that is repeated (RFC 8878)."""
    block = (128 * 1024 << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    last = (1 << 1 | 1).to_bytes(3, "little") + b"\0"
    start = (len(content) << 3).to_bytes(3, "little") + content
    return b"\x28\xb5\x2f\xfd\x00\x38" + start + block * count + last


def lz4_bomb(content: bytes) -> bytes:
    import lz4.frame

    return lz4.frame.compress(content, compression_level=9, block_size=lz4.frame.BLOCKSIZE_MAX4MB)


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "zstd", "lz4"])
def test_what_small_files_unpack_to_is_never_there_at_once(compression: str, tmp_path: Path) -> None:
    # Records of nothing but zeros: the longest that the header allows, one after the other.
    content = Layout().header() + bytes(BOMB)
    if compression == "zstd":
        pytest.importorskip("zstandard", reason="no zstandard; to run it: pip install zstandard")
        squeezed = zstd_repeating(Layout().header(), BOMB // (128 * 1024))
    elif compression == "lz4":
        pytest.importorskip("lz4", reason="no lz4; to run it: pip install lz4")
        squeezed = lz4_bomb(content)
    else:
        squeezed = {"gzip": gzip, "bzip2": bz2, "xz": lzma}[compression].compress(content)
    path = tmp_path / "trace.pcap"
    path.write_bytes(squeezed)
    taken, ends = peak_of_reading(path)
    assert ends == "end"
    assert taken < 40


def test_a_dictionary_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcap.xz"
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 16 * MB}]
    path.write_bytes(lzma.compress(Layout().header(), filters=filters))
    assert read(str(path))[1] == ""
    with pytest.raises(SavefileError, match="xz data needs more memory than max_memory=1048576 allows"):
        Reader(path, max_memory=MB)
    with pytest.raises(SavefileError, match="max_memory=1048576 allows"):
        nmpcap.open_offline(path, max_memory=MB)
    with pytest.raises(nmpcap.UsageError, match="max_memory 0"):
        Reader(path, max_memory=0)


def test_a_window_larger_than_allowed_is_named(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard", reason="no zstandard; to run it: pip install zstandard")
    parameters = zstandard.ZstdCompressionParameters(window_log=29, hash_log=12, chain_log=12)
    squeezing = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    path = tmp_path / "trace.pcap.zst"
    path.write_bytes(squeezing.compress(Layout().header()) + squeezing.flush())
    words = f"needs a window of {1 << 29} bytes, more than max_memory={128 * MB} allows"
    with pytest.raises(SavefileError, match=words) as caught:
        Reader(path)
    assert "damaged" not in str(caught.value)
    Reader(path, max_memory=1 << 29).close()


def test_interfaces_take_no_more_than_allowed(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcapng"
    path.write_bytes(LITTLE.section() + LITTLE.interface() * 1_000_000)
    taken, ends = peak_of_reading(path)
    assert "262144 interfaces and their options are all that max_memory allows" in ends
    assert taken < 160

    options = LITTLE.option(1, bytes(65532)) * 15
    path.write_bytes(LITTLE.section() + LITTLE.interface(options=options) * 200)
    taken, ends = peak_of_reading(path)
    assert "interfaces and their options are all" in ends
    assert taken < 200
    assert read_count(path, max_memory=1 << 30) == 200


def read_count(path: Path, max_memory: int) -> int:
    with Reader(path, max_memory=max_memory) as reader:
        reader.skip()
        return len(reader.interfaces)


def test_salvage_goes_on_behind_interfaces_that_are_too_many(tmp_path: Path) -> None:
    path = tmp_path / "trace.pcapng"
    packet, late = LITTLE.packet(b"first"), LITTLE.packet(b"late", interface=2)
    interfaces = LITTLE.interface() * 2, LITTLE.interface()
    path.write_bytes(LITTLE.section() + interfaces[0] + packet + interfaces[1] + late + packet)
    with Reader(path, max_memory=1024, salvage=True) as reader:
        assert [record.data for record in reader] == [b"first", b"first"]
        assert reader.damage[0] == 2


def test_thousands_of_interfaces_and_link_types_take_no_time_to_speak_of(tmp_path: Path) -> None:
    # The figures are measured elsewhere; with tables searched from end to end this took minutes.
    path, copy = tmp_path / "trace.pcapng", tmp_path / "copy.pcapng"
    count = 50_000
    blocks = [LITTLE.section(), *(LITTLE.interface(200 + i % 20_000) for i in range(count))]
    blocks += [LITTLE.packet(struct.pack("<I", i), interface=i) for i in range(count)]
    path.write_bytes(b"".join(blocks))
    with nmpcap.open_offline(path) as capture, open_writer(copy, format="pcapng") as writer:
        assert capture.dump(writer) == count
    with Reader(copy) as reader:
        assert [record.interface for record in reader] == list(range(count))
        assert len(reader.interfaces) == count


def test_skippable_frames_may_come_first(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard", reason="no zstandard; to run it: pip install zstandard")
    lz4 = pytest.importorskip("lz4.frame", reason="no lz4; to run it: pip install lz4")
    content = Layout().header()
    frame = (
        zstandard.ZstdCompressor().compress(content[:10]),
        zstandard.ZstdCompressor().compress(content[10:]),
    )
    for first in (b"\x50\x2a\x4d\x18", b"\x5f\x2a\x4d\x18"):
        # As pzstd writes: in front of each frame another, which says how long that is.
        pieces = [first + struct.pack("<II", 4, len(piece)) + piece for piece in frame]
        path = tmp_path / "trace"
        for squeezed in (
            b"".join(pieces),
            first + struct.pack("<I", 5000) + bytes(5000) + pieces[0] + frame[1],
            first + struct.pack("<I", 0) + lz4.compress(content),
        ):
            path.write_bytes(squeezed)
            assert read(str(path)) == ([], "")
            with path.open("rb", buffering=0) as file:
                assert read(file) == ([], "")
    path.write_bytes(pieces[0] + first + struct.pack("<I", 5000) + bytes(100))
    assert "zstd data cut off" in read(str(path))[1]
