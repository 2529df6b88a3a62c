"""pcapng, read: against libpcap where libpcap can, by construction where it cannot."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from nmpcap import PcapError, SavefileError
from nmpcap.savefile import Option, Reader, open_writer, pcapng, read_blocks

from . import libpcap
from .pcapngfiles import BIG, DSB, IDB, LITTLE, NRB, PB, Maker, rich_file
from .reading import Trickle, read

ORDERS = pytest.mark.parametrize("maker", [LITTLE, BIG], ids=["little", "big"])
M = LITTLE
START = M.section() + M.interface()

# ---- against libpcap ------------------------------------------------------------------


@ORDERS
def test_packets_are_those_that_libpcap_reads(maker: Maker, save, rng: random.Random) -> None:
    blocks = [maker.section(), maker.interface(options=maker.option(9, b"\x09"))]
    for i in range(300):
        data = rng.randbytes(rng.randrange(2000))
        length = len(data) + rng.randrange(100)
        ts = 1_700_000_000_000_000_000 + i * rng.randrange(10**9)
        kind = rng.choice([6, 6, 2])
        comment = maker.option(1, b"hello") + maker.option(0)
        blocks.append(maker.packet(data, ts, length=length, kind=kind, options=rng.choice([b"", comment])))
        blocks.append(rng.choice([b"", maker.simple(data), maker.block(99, data)]))
    path = save(b"".join(blocks))
    theirs = libpcap.read(libpcap.library(), path)
    assert read(path) == (theirs.packets, "")
    assert len(theirs.packets) >= 300


def damaged() -> dict[str, bytes]:
    packet, option = M.packet(), M.option
    after = packet * 2
    files = {
        "only a section": M.section(),
        "packet first": M.section() + packet,
        "simple packet first": M.section() + M.simple(b"abc"),
        "names first": M.section() + M.block(NRB, b"") + M.interface() + packet,
        "magic": M.section(magic=0x11223344),
        "interface too short": M.section() + M.block(IDB, b"abcd"),
        "resolution length": M.section() + M.interface(options=option(9, b"ab")) + packet,
        "resolution twice": M.section() + M.interface(options=option(9, b"\6") * 2) + packet,
        "offset length": M.section() + M.interface(options=option(14, b"abcd")) + packet,
        "offset twice": M.section() + M.interface(options=option(14, bytes(8)) * 2) + packet,
        "option behind the end": M.section() + M.interface(options=option(0) + option(9, b"\x09")) + packet,
        "end with a length": M.section() + M.interface(options=option(0, b"abcd")) + packet,
        "option too long": M.section() + M.interface(options=option(2, b"abcd", 9)) + packet,
        "option runs out": M.section() + M.interface(options=struct.pack("<HH", 2, 100)) + packet,
        "unknown interface": START + M.packet(interface=7) + after,
        "unknown interface, old": START + M.packet(interface=7, kind=PB) + after,
        "over the snaplen": M.section() + M.interface(snaplen=10) + M.packet(bytes(11)) + after,
        "simple over the snaplen": M.section() + M.interface(snaplen=10) + M.simple(bytes(12), 20) + packet,
        "caplen over the block": START + M.packet(b"x", caplen=5) + after,
        "caplen far over the block": START + M.packet(b"x", caplen=60000) + after,
        "caplen absurd": START + M.packet(b"x", caplen=1 << 31) + after,
        "snaplen over libpcap's": M.section() + M.interface(snaplen=300000) + M.packet(bytes(300000)),
        "no snaplen": M.section()
        + M.interface(snaplen=0)
        + M.packet(bytes(262144))
        + M.packet(bytes(262145)),
        "simple over the block": START + M.simple(b"abcd", 9) + after,
        "trailer": START + packet + M.packet(trailer=7) + after,
        "trailer of an interface": M.section() + M.interface(trailer=4),
        "two sections": START + packet + START + packet,
        "section without interface": START + packet + M.section() + packet,
        "later magic": START + packet + M.section(magic=0x11223344),
        "later major version": START + packet + M.section(major=2),
        "later minor version": START + packet + M.section(minor=3) + M.interface() + packet,
        "later section too short": START + packet + M.block(0x0A0D0D0A, struct.pack("<I", 0x1A2B3C4D)),
        "huge snaplen, block over the maximum": M.section()
        + M.interface(snaplen=1 << 30)
        + M.packet(total=(1 << 30) + 131072),
        "d-bus, large block": M.section() + M.interface(231, 0) + M.packet(bytes(17 << 20)) + packet,
    }
    for version in ((0, 0), (1, 1), (1, 2), (1, 3), (2, 0)):
        files[f"version {version}"] = M.section(b"", *version) + M.interface() + packet
    for total in (0, 8, 12, 24, 27, 28, (1 << 20) + 1, (1 << 20) + 4):
        files[f"section of {total}"] = M.section(total=total) + M.interface() + bytes(1 << 21)
    for resolution in (0, 3, 6, 9, 12, 18, 19, 20, 0x80, 0x8A, 0x9E, 0xFF):
        interface = M.interface(options=option(9, bytes([resolution])))
        files[f"resolution {resolution:#x}"] = M.section() + interface + M.packet(ts=1_234_567_890)
    for seconds in (100, -100, 10**9, -(10**9)):
        interface = M.interface(options=option(14, struct.pack("<q", seconds)))
        files[f"offset {seconds}"] = M.section() + interface + M.packet()
    for kind in (2, 3, 6):
        files[f"type {kind} too short"] = START + M.block(kind, bytes(16 if kind != 3 else 0)) + after
    for total in (
        0,
        8,
        11,
        12,
        13,
        14,
        16,
        (16 << 20) - 4,
        16 << 20,
        (16 << 20) + 4,
        (16 << 20) + 1,
        2**32 - 4,
    ):
        files[f"packet of {total}"] = START + M.packet(total=total) + bytes(200)
    return files


@pytest.mark.parametrize("name", damaged())
def test_damage_is_told_as_by_libpcap(name: str, save) -> None:
    path = save(damaged()[name])
    theirs = libpcap.read(libpcap.library(), path)
    assert read(path) == (theirs.packets, theirs.error)


@ORDERS
def test_a_file_cut_anywhere_ends_as_in_libpcap(maker: Maker, save) -> None:
    pcap, option = libpcap.library(), maker.option
    whole = maker.section(option(4, b"application") + option(0)) + maker.interface(options=option(9, b"\x09"))
    whole += maker.packet(b"hello", options=option(1, b"comment")) + maker.simple(b"abc")
    for size in range(len(whole) + 1):
        path = save(whole[:size])
        theirs = libpcap.read(pcap, path)
        assert read(path) == (theirs.packets, theirs.error), size


@pytest.mark.parametrize("linktype", [189, 220, 239, 113, 276, 117])
@ORDERS
def test_numbers_inside_packets_are_turned_as_in_libpcap(
    linktype: int, maker: Maker, save, rng: random.Random
) -> None:
    packets = [maker.packet(rng.randbytes(rng.randrange(1, 150))) for _ in range(200)]
    path = save(maker.section() + maker.interface(linktype) + b"".join(packets))
    assert read(path)[0] == libpcap.read(libpcap.library(), path).packets


@ORDERS
def test_lengths_of_usb_transfers_are_put_right_as_in_libpcap(maker: Maker, save, rng: random.Random) -> None:
    order, packets = maker.order, []
    for _ in range(500):
        count, buffer = rng.choice([0, 1, 2, 3, 7, 100]), rng.choice([0, 100, 1000])
        data = bytearray(rng.choice([63, 64, 65, 96, 112, 160, 700]))
        data[8:11] = bytes([rng.choice(b"CCCS"), rng.choice([0, 0, 0, 1]), rng.choice([0x81, 0x81, 1])])
        data[32:36] = struct.pack(f"{order}I", buffer)
        data[60:64] = struct.pack(f"{order}I", count)
        for i in range(min(count, (len(data) - 64) // 16)):
            size = rng.choice([0, rng.randrange(100)])
            data[64 + 16 * i : 80 + 16 * i] = struct.pack(f"{order}iIII", 0, rng.randrange(1000), size, 0)
        packets.append(maker.packet(bytes(data), length=64 + 16 * count + buffer + rng.choice([0, 0, 1])))
    path = save(maker.section() + maker.interface(220) + b"".join(packets))
    theirs = libpcap.read(libpcap.library(), path)
    assert read(path) == (theirs.packets, "")


# ---- what libpcap cannot --------------------------------------------------------------


def test_interfaces_may_differ_and_sections_too(save) -> None:
    path = save(rich_file(LITTLE) + rich_file(BIG))
    with Reader(path) as reader:
        records = list(reader)
        interfaces = reader.interfaces
    half = [
        (1_000_001_000, b"first", 5, 1, 1),
        (1_600_000_123_456_789_012, b"\x45second", 1500, 12, 0),
        (0, b"third", 5, 1, 0),
        (1_000_001_000, b"fourth", 6, 1, 0),
    ]
    assert [(r.ts_ns, r.data, r.len, r.linktype, r.flags) for r in records] == half * 2
    assert [r.interface for r in records] == [0, 1, 0, 0, 2, 3, 2, 2]
    assert [(i.linktype, i.snaplen, i.section, i.ts_units, i.tsoffset_s) for i in interfaces] == [
        (1, 65535, 0, 10**6, 0),
        (12, 0, 0, 10**9, 1_600_000_000),
        (1, 65535, 1, 10**6, 0),
        (12, 0, 1, 10**9, 1_600_000_000),
    ]
    assert [(i.name, i.description, i.filter) for i in interfaces] == [
        ("eth0", "the first", "tcp"),
        ("tun0", None, None),
    ] * 2


def test_the_trailer_of_the_first_section_counts(save) -> None:
    with pytest.raises(SavefileError, match="block total length in header and trailer don't match"):
        Reader(save(M.section(trailer=32) + M.interface()))


@pytest.mark.parametrize(
    ("resolution", "offset", "units", "ts_ns"),
    [
        (0, 0, 9_223_372_036, 9_223_372_036 * 10**9),
        (0, 0, 9_223_372_037, 2**63 - 1),
        (9, 0, 2**63 - 1, 2**63 - 1),
        (9, 0, 2**63, 2**63 - 1),
        (9, 0, 2**64 - 1, 2**63 - 1),
        (6, 1, 9_223_372_035_854_775, 9_223_372_036_854_775_000),
        (6, 2, 9_223_372_035_854_775, 2**63 - 1),
        (12, 0, 1999, 1),
        (0xBF, 0, 2**63 + 2**62, 1_500_000_000),
        (9, -1, 5, -999_999_995),
        (9, 2**62, 0, 2**63 - 1),
        (9, -(2**62), 0, -(2**63)),
    ],
)
def test_times_are_exact_and_those_out_of_range_the_nearest(
    resolution: int, offset: int, units: int, ts_ns: int, save
) -> None:
    options = M.option(9, bytes([resolution])) + M.option(14, struct.pack("<q", offset))
    with Reader(save(M.section() + M.interface(options=options) + M.packet(ts=units))) as reader:
        assert [record.ts_ns for record in reader] == [ts_ns]


@ORDERS
def test_one_byte_at_a_time_reads_the_same(maker: Maker, save) -> None:
    contents = rich_file(maker)
    assert read(Trickle(contents)) == read(io.BytesIO(contents)) == read(save(contents))
    assert len(read(Trickle(contents))[0]) == 4


# ---- blocks and options ---------------------------------------------------------------


@ORDERS
def test_every_block_comes_out_as_it_stands(maker: Maker, save) -> None:
    contents = rich_file(maker)
    blocks = list(read_blocks(save(contents)))
    assert b"".join(block.raw for block in blocks) == contents
    assert [block.type for block in blocks] == [0x0A0D0D0A, 1, 0x1234, 1, 6, 4, 6, 3, 2, 0xA, 0xBAD, 5]


@ORDERS
def test_what_blocks_say(maker: Maker, save) -> None:
    section, _, unknown, tunnel, first, names, second, third, fourth, secrets, custom, statistics = (
        read_blocks(save(rich_file(maker)))
    )
    assert [option.code for option in section.options] == [2, 4, 1, 0x8001]
    assert section.comments == ["ein Kommentar, zwölf"]
    assert unknown.options == []
    assert len(tunnel.comments) == 2
    assert first.comments == section.comments
    assert (first.data, first.len, first.ts_ns, first.linktype) == (b"first", 5, 1_000_001_000, 1)
    assert names.names == [("192.0.2.1", ["host.example", "alias"])]
    assert names.comments == section.comments
    assert (second.interface, second.linktype, second.len) == (1, 12, 1500)
    assert (third.data[:5], third.len, third.options) == (b"third", 5, [])
    assert (fourth.data, fourth.is_packet) == (b"fourth", True)
    assert (secrets.secrets_type, secrets.data, secrets.comments) == (
        0x544C534B,
        b"secrets",
        section.comments,
    )
    assert (custom.pen, custom.is_packet) == (32473, False)
    assert statistics.options == [Option(4, bytes(8))]


@ORDERS
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_copying_all_blocks_gives_the_same_file(maker: Maker, suffix: str, save, tmp_path: Path) -> None:
    path, copy = (
        save(rich_file(maker) + rich_file(LITTLE) + rich_file(BIG)),
        tmp_path / f"copy.pcapng{suffix}",
    )
    with open_writer(copy) as writer:
        for block in read_blocks(path):
            writer.write_block(block)
        assert writer.packets == 12
    assert b"".join(block.raw for block in read_blocks(copy)) == path.read_bytes()


def test_a_comment_can_be_added_to_a_packet_in_passing(save, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pcapng"
    with open_writer(copy) as writer:
        for block in read_blocks(save(rich_file(BIG))):
            if block.type == pcapng.ENHANCED_PACKET:
                writer.write_block(block.with_options([*block.options, *pcapng.make_comments(["seen"])]))
            else:
                writer.write_block(block)
    before, after = read_blocks(save(rich_file(BIG))), read_blocks(copy)
    for old, new in zip(before, after, strict=True):
        if old.type == pcapng.ENHANCED_PACKET:
            assert new.comments == [*old.comments, "seen"]
            assert (new.data, new.ts_ns, new.len) == (old.data, old.ts_ns, old.len)
        else:
            assert new == old


def test_packets_written_behind_copied_blocks_get_an_interface_of_their_own(save, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pcapng"
    with open_writer(copy, nano=True) as writer:
        for block in read_blocks(save(rich_file(BIG))):
            writer.write_block(block)
        writer.write(b"more", ts_ns=5, comment="in the section's order")
    *_, interface, packet = read_blocks(copy)
    assert (interface.type, interface.swapped, packet.interface) == (pcapng.INTERFACE_DESCRIPTION, True, 2)
    assert (packet.data, packet.ts_ns, packet.comments) == (b"more", 5, ["in the section's order"])


def test_a_block_of_the_other_order_is_refused(tmp_path: Path) -> None:
    with open_writer(tmp_path / "x.pcapng") as writer, pytest.raises(PcapError, match="other byte order"):
        writer.write_block(pcapng.make_block(0x1234, b"body", swapped=True))


def test_a_pcap_file_has_no_blocks(save, tmp_path: Path) -> None:
    with open_writer(tmp_path / "x.pcap") as writer:
        with pytest.raises(PcapError, match="a pcap file has none"):
            writer.write_block(pcapng.make_block(0x1234, b"body"))
        with pytest.raises(PcapError, match="no comments or options"):
            writer.write(b"x", comment="not here")
        with pytest.raises(PcapError, match="describes no interfaces"):
            writer.describe_interface()
    with pytest.raises(SavefileError, match="a pcap file has no blocks"):
        list(read_blocks(tmp_path / "x.pcap"))


@pytest.mark.parametrize("swapped", [False, True])
def test_made_blocks_say_what_they_were_made_of(swapped: bool) -> None:
    names = [("192.0.2.1", ["a", "b"]), ("2001:db8::1", ["c"])]
    comment = pcapng.make_comments(["why"])
    made = pcapng.make_name_resolution(names, comment, swapped=swapped)
    assert (made.names, made.comments) == (names, ["why"])
    made = pcapng.make_secrets(0x544C534B, b"odd", swapped=swapped)
    assert (made.secrets_type, made.data) == (0x544C534B, b"odd")
    made = pcapng.make_custom(32473, b"data", copy=False, swapped=swapped)
    assert (made.type, made.pen) == (pcapng.CUSTOM_NO_COPY, 32473)
    made = pcapng.make_statistics(3, 1 << 40, [Option(5, bytes(8)), *comment], swapped=swapped)
    assert (made.fields("III"), made.comments) == ((3, 256, 0), ["why"])


@pytest.mark.parametrize("field", ["data", "len", "names", "pen", "secrets_type"])
def test_a_block_without_the_field_says_so(field: str) -> None:
    with pytest.raises(ValueError, match="a block of type 4660 has no such field"):
        getattr(pcapng.make_block(0x1234, bytes(100)), field)
    for kind in (pcapng.SIMPLE_PACKET, pcapng.CUSTOM, pcapng.DECRYPTION_SECRETS):
        with pytest.raises((ValueError, SavefileError), match=r"no such field|too short"):
            getattr(pcapng.make_block(kind, b""), field)


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SavefileError, match="option 2 of 100 bytes does not fit the 1 left"):
        pcapng.decode_options(struct.pack("=HH", 2, 100) + b"x")
    for option in (Option(0, b""), Option(65536, b""), Option(1, bytes(65536))):
        with pytest.raises(ValueError, match="codes are 1 to 65535"):
            pcapng.encode_options([option])
    with pytest.raises(ValueError, match="has no options"):
        pcapng.make_custom(1, b"").with_options([])


# ---- salvage --------------------------------------------------------------------------


@ORDERS
def test_salvage_finds_the_blocks_behind_damage(maker: Maker, save, rng: random.Random) -> None:
    blocks = [maker.packet(b"%5d" % i + rng.randbytes(rng.randrange(500)), ts=i) for i in range(300)]
    contents = bytearray(maker.section() + maker.interface())
    hurt = {
        20: lambda block: block[:4] + b"\xff\xff\xff\x7f" + block[8:],  # a length beyond any
        21: lambda block: block[:-4] + b"oops",  # a trailer
        80: lambda block: block[7:],  # bytes missing
        81: lambda block: block + b"added",
        150: lambda block: rng.randbytes(10_000),
    }
    for i, block in enumerate(blocks):
        contents += hurt.get(i, bytes)(block)
    with Reader(save(bytes(contents)), salvage=True) as reader:
        found = [int(record.data[:5]) for record in reader]
        places, _ = reader.damage
    assert found == [i for i in range(300) if i not in hurt or i == 81]
    assert places == 4


def test_salvage_leaves_out_a_sound_block_that_makes_no_sense(save) -> None:
    inner = M.packet(b"a capture inside a capture")
    contents = START + M.packet(b"a") + M.packet(inner, interface=9) + M.packet(b"b")
    with Reader(save(contents), salvage=True) as reader:
        assert [record.data for record in reader] == [b"a", b"b"]
        assert reader.damage == (1, 32 + len(inner))


def test_salvage_goes_on_in_a_section_of_the_other_order(save) -> None:
    contents = START + M.packet(b"a")[:-3] + BIG.section() + BIG.interface() + BIG.packet(b"b")
    with Reader(save(contents), salvage=True) as reader:
        assert [record.data for record in reader] == [b"b"]


def test_salvage_of_any_bytes_ends(save, rng: random.Random) -> None:
    pieces: list[Callable[[], bytes]] = [
        lambda: rng.randbytes(rng.randrange(100)),
        lambda: bytes(rng.randrange(100)),
        lambda: M.packet(total=rng.randrange(1 << 22) * 4),
        lambda: struct.pack("<II", rng.choice([1, 2, 3, 6, DSB]), rng.randrange(0, 1000, 4)),
        lambda: BIG.section()[: rng.randrange(28)],
    ]
    for _ in range(100):
        noise = b"".join(rng.choice(pieces)() for _ in range(rng.randrange(50)))
        with Reader(save(START + noise), salvage=True) as reader:
            for _record in reader:
                pass
            assert reader.damage[1] <= len(noise)


@pytest.mark.parametrize("offset", [-9_223_372_037, -9_223_372_036, -(2**40), 9_223_372_036, 2**40])
def test_an_offset_is_added_before_the_sum_is_clamped(offset: int, save) -> None:
    option = LITTLE.option(14, struct.pack("<q", offset)) + LITTLE.option(0)
    start = LITTLE.section() + LITTLE.interface(options=option)
    with Reader(save(start + LITTLE.packet(ts=5_000_000) + LITTLE.simple(b"none"))) as reader:
        found = [record.ts_ns for record in reader]
    assert found == [min(max((offset + s) * 10**9, -(2**63)), 2**63 - 1) for s in (5, 0)]
