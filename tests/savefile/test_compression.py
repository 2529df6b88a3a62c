"""Compressed savefiles: written, read, cut, damaged, and without the package that knows them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sys
from pathlib import Path

import pytest

from nmpcap import DeviceError, PcapError, SavefileError
from nmpcap.savefile import Reader, Record, open_writer
from nmpcap.savefile.compression import Decompressor, compression_of_bytes, compression_of_name

from .pcapfiles import Given, Layout, some_packets
from .reading import Trickle, read

PACKAGES = {"gzip": None, "xz": None, "bzip2": None, "zstd": "zstandard", "lz4": "lz4"}
SUFFIXES = {"gzip": ".gz", "xz": ".xz", "bzip2": ".bz2", "zstd": ".zst", "lz4": ".lz4"}


@pytest.fixture(params=PACKAGES)
def compression(request: pytest.FixtureRequest) -> str:
    package = PACKAGES[request.param]
    if package:
        pytest.importorskip(package, reason=f"no {package}; to run it: pip install 'nmpcap[compression]'")
    return request.param


def compress(compression: str, contents: bytes) -> bytes:
    """By the compression's own one-step function, which this project's reader has to agree with."""
    if compression == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(write_checksum=True).compress(contents)
    if compression == "lz4":
        import lz4.frame

        return lz4.frame.compress(contents, content_checksum=True)
    module = {"gzip": gzip, "xz": lzma, "bzip2": bz2}[compression]
    return module.compress(contents)


def decompress(compression: str, contents: bytes) -> bytes:
    if compression == "zstd":
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(contents)).read()
    if compression == "lz4":
        import lz4.frame

        return lz4.frame.decompress(contents)
    module = {"gzip": gzip, "xz": lzma, "bzip2": bz2}[compression]
    return module.decompress(contents)


@pytest.fixture
def plain(rng: random.Random) -> bytes:
    return Layout().file(some_packets(rng, 500))


def test_a_compressed_file_reads_as_the_plain_one(compression: str, plain: bytes, save) -> None:
    expected = read(io.BytesIO(plain))
    squeezed = compress(compression, plain)
    assert read(save(squeezed)) == expected
    assert read(io.BytesIO(squeezed)) == expected
    assert read(Trickle(squeezed)) == expected
    assert len(expected[0]) == 500


def test_what_is_written_is_what_others_decompress(compression: str, plain: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"out.pcap{SUFFIXES[compression]}"
    with Reader(io.BytesIO(plain)) as reader, open_writer(path, snaplen=reader.snaplen, nano=False) as writer:
        writer.write_many(reader)
        assert writer.position == len(plain)
    assert compression_of_bytes(path.read_bytes()) == compression == compression_of_name(str(path))
    assert decompress(compression, path.read_bytes()) == plain


def test_members_behind_each_other_are_one_stream(compression: str, plain: bytes, save) -> None:
    pieces = [plain[:1000], plain[1000:1001], plain[1001:]]
    assert read(save(b"".join(compress(compression, piece) for piece in pieces))) == read(io.BytesIO(plain))


def test_a_cut_file_gives_what_it_has_and_then_an_error(compression: str, rng: random.Random, save) -> None:
    packets = [Given(i, 0, rng.randbytes(1000), 1000) for i in range(2000)]
    squeezed = compress(compression, Layout().file(packets))
    for size in (len(squeezed) // 2, len(squeezed) - 1):
        whole: list[bytes] = []
        reader = Reader(save(squeezed[:size]))
        with pytest.raises(SavefileError, match=r"trace\.pcap: .*data cut off after \d+ bytes") as caught:
            whole.extend(record.data for record in reader)
        reader.close()
        assert whole == [packet.data for packet in packets[: len(whole)]]
        assert caught.value.offset == size
    if compression in {"gzip", "zstd"}:
        assert len(whole) >= 1990  # the others decode block by block


def test_a_damaged_file_gives_what_it_can_and_then_an_error(
    compression: str, rng: random.Random, save
) -> None:
    packets = [Given(i, 0, rng.randbytes(1000), 1000) for i in range(1000)]
    squeezed = bytearray(compress(compression, Layout().file(packets)))
    at = len(squeezed) * 3 // 4
    squeezed[at : at + 600] = rng.randbytes(600)
    found = []
    with pytest.raises(SavefileError), Reader(save(bytes(squeezed))) as reader:
        found.extend(record.data for record in reader)
    good = [packet.data for packet in packets]
    assert [data in good for data in found[:500]] == [True] * len(found[:500])


def checksum_at(compression: str, squeezed: bytes) -> int:
    """Where the last checksum of what was squeezed stands."""
    if compression == "xz":  # in front of the index, which the footer tells the length of, and the footer
        index = 4 * (int.from_bytes(squeezed[-8:-4], "little") + 1)
        return len(squeezed) - 12 - index - 8
    return len(squeezed) - {"gzip": 8, "bzip2": 3, "zstd": 4, "lz4": 4}[compression]


@pytest.mark.parametrize("packets", [3, 500, 1200])
def test_a_wrong_checksum_at_the_end_loses_nothing(
    compression: str, packets: int, rng: random.Random, save
) -> None:
    plain = Layout().file(some_packets(rng, packets))
    squeezed = bytearray(compress(compression, plain))
    squeezed[checksum_at(compression, bytes(squeezed))] ^= 0x55
    expected = read(io.BytesIO(plain))[0]
    for source in (save(bytes(squeezed)), io.BytesIO(squeezed), Trickle(bytes(squeezed))):
        found, error = read(source)
        assert found == expected
        assert f"damaged {compression} data" in error


@pytest.mark.parametrize("nothing", ["gzip", "xz", "bzip2"])
def test_a_compressed_nothing_is_an_empty_file(nothing: str, save) -> None:
    assert read(save(compress(nothing, b"")))[1] == (
        "truncated dump file; tried to read 4 file header bytes, only got 0"
    )


def test_zeros_behind_the_end_are_padding(plain: bytes, save) -> None:
    assert read(save(gzip.compress(plain) + bytes(1000))) == read(io.BytesIO(plain))
    assert read(save(gzip.compress(plain) + b"rubbish"))[0] == read(io.BytesIO(plain))[0]


@pytest.mark.parametrize(("name", "package"), [("zstd", "zstandard"), ("lz4", "lz4")])
def test_a_missing_package_is_named(
    name: str, package: str, save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (package, "lz4.frame", "compression.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    magic = {"zstd": b"\x28\xb5\x2f\xfd", "lz4": b"\x04\x22\x4d\x18"}[name]
    with pytest.raises(PcapError, match=f"needs the package {package}: pip install {package}"):
        Reader(save(magic + bytes(100)))
    path = tmp_path / f"out{SUFFIXES[name]}"
    with pytest.raises(PcapError, match=f"needs the package {package}: pip install {package}"):
        open_writer(path)


def test_an_unknown_compression_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PcapError, match="compression 'rar' is not one of gzip, zstd, xz, lz4, bzip2"):
        open_writer(tmp_path / "x", compression="rar")


def test_a_decompressor_takes_one_byte_at_a_time(compression: str) -> None:
    decompressor = Decompressor(compression)
    squeezed = compress(compression, b"hello" * 100) * 2
    out = b"".join(decompressor.decompress(squeezed[i : i + 1]) for i in range(len(squeezed)))
    decompressor.finish()
    assert out == b"hello" * 200


def test_a_full_disk_is_told_behind_a_compressor() -> None:
    writer = open_writer("/dev/full", compression="gzip")
    noise = random.Random(1)
    packets = [Record(0, noise.randbytes(1000), 1000, 0, 1, 0) for _ in range(1000)]
    with pytest.raises(DeviceError, match="No space left on device"):
        writer.write_many(packets)
    with pytest.raises(DeviceError, match="No space left on device"):
        writer.close()
    writer.close()
