"""pcapy: what holds of the original and of the stand-in, each test run with both."""

from __future__ import annotations

import pickle
import select
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nmpcap.compat import pcapy as stand_in

from ..network import Network, frame
from . import captures
from .captures import FILES, FRAMES, PACKETS, PLAIN, burst, outcome

Save = Callable[[bytes], Path]


@pytest.fixture
def reader(pcapy: Any, save: Save) -> Any:
    return pcapy.open_offline(str(save(PLAIN)))


def read(reader: Any) -> list[Any]:
    """Every packet by next, and what ended it."""
    found: list[Any] = []
    while True:
        try:
            header, data = reader.next()
        except Exception as error:
            return [*found, (type(error).__name__, str(error))]
        if header is None:
            return [*found, (header, data)]
        found.append((header.getts(), header.getcaplen(), header.getlen(), data))


def as_read(packets: list[Any]) -> list[Any]:
    return [((p.seconds, p.fraction), len(p.data), p.len, p.data) for p in packets]


# ---- reading files


@pytest.mark.parametrize(
    ("kind", "count", "end"),
    [
        ("plain", 8, (None, b"")),
        ("swapped", 8, (None, b"")),
        ("nanoseconds", 8, (None, b"")),
        ("short", 8, (None, b"")),
        ("raw", 4, (None, b"")),
        ("empty", 0, (None, b"")),
        (
            "in the record's header",
            0,
            ("PcapError", "truncated dump file; tried to read 16 header bytes, only got 5"),
        ),
        (
            "in the packet",
            7,
            ("PcapError", "truncated dump file; tried to read 54 captured bytes, only got 51"),
        ),
    ],
)
def test_next_gives_a_header_and_bytes_until_the_end(
    pcapy: Any, save: Save, kind: str, count: int, end: Any
) -> None:
    reader = pcapy.open_offline(str(save(FILES[kind])))
    found = read(reader)
    assert len(found) == count + 1
    assert found[-1] == end
    assert reader.next() == (None, b"")
    if kind in ("plain", "swapped"):
        assert found[:-1] == as_read(PACKETS)
    if kind == "nanoseconds":
        assert found[0][0] == (captures.SECONDS, 2991)
    if kind == "short":
        assert found[0][1:3] == (20, len(FRAMES[0]))


def test_loop_calls_back_and_returns_nothing(reader: Any) -> None:
    found: list[Any] = []
    assert reader.loop(3, lambda header, data: found.append(data)) is None
    assert found == FRAMES[:3]
    assert reader.loop(-1, lambda header, data: found.append(data)) is None
    assert found == FRAMES
    assert reader.loop(0, found.append) is None


def test_dispatch_counts(reader: Any) -> None:
    assert reader.dispatch(3, lambda header, data: "ignored") == 3
    assert reader.next()[1] == FRAMES[3]


@pytest.mark.parametrize("error", [ValueError("x"), StopIteration(), SystemExit(3), KeyboardInterrupt()])
def test_what_a_callback_raises_ends_the_loop_behind_its_packet(reader: Any, error: BaseException) -> None:
    def callback(header: Any, data: bytes) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        reader.loop(-1, callback)
    assert raised.value is error
    assert reader.next()[1] == FRAMES[1]


def test_a_callback_may_read_on(reader: Any) -> None:
    found: list[bytes] = []
    reader.loop(2, lambda header, data: found.extend((data, reader.next()[1])))
    assert found == FRAMES[:4]


@pytest.mark.parametrize("callback", [None, 3, "f"])
def test_a_callback_that_is_none(reader: Any, callback: Any) -> None:
    for method in (reader.loop, reader.dispatch):
        with pytest.raises(TypeError, match="object is not callable"):
            method(-1, callback)


def test_headers_are_kept_when_the_next_packet_comes(reader: Any) -> None:
    first, second = reader.next()[0], reader.next()[0]
    assert first.getts() == (PACKETS[0].seconds, PACKETS[0].fraction)
    assert second.getlen() == len(FRAMES[1])
    assert [name for name in dir(first) if not name.startswith("_")] == ["getcaplen", "getlen", "getts"]
    assert (type(first).__name__, type(reader).__name__) == ("Pkthdr", "Reader")


def test_batches_have_records_of_sixteen_bytes(reader: Any) -> None:
    data, records = reader.next_batch(3)
    assert data == b"".join(FRAMES[:3])
    offsets = [0, len(FRAMES[0]), len(FRAMES[0] + FRAMES[1])]
    assert [struct.unpack_from("=IIII", records, i * 16) for i in range(3)] == [
        (p.seconds, p.fraction, offset, len(p.data)) for p, offset in zip(PACKETS, offsets, strict=False)
    ]
    data, records = reader.next_batch(0)
    assert (data, len(records)) == (b"".join(FRAMES[3:]), 5 * 16)
    assert reader.next_batch(10_000_000) == (b"", b"")


def test_a_batch_is_full_whatever_was_read_before(pcapy: Any, save: Save) -> None:
    many = captures.Layout().file([captures.Given(i, 0, bytes([i & 255]) * 60, 60) for i in range(3000)])
    reader = pcapy.open_offline(str(save(many)))
    reader.next()
    data, records = reader.next_batch(2000)
    assert (len(data), len(records)) == (2000 * 60, 2000 * 16)
    assert [struct.unpack_from("=IIII", records, i * 16) for i in (0, 1999)] == [
        (1, 0, 0, 60),
        (2000, 0, 1999 * 60, 60),
    ]
    assert data[-60:] == bytes([2000 & 255]) * 60


def test_a_header_that_tells_of_more_than_there_is(save: Save, tmp_path: Path) -> None:
    reader = stand_in.open_offline(str(save(PLAIN)))
    header, data = reader.next()
    dumper = reader.dump_open(str(tmp_path / "out"))
    with pytest.raises(stand_in.PcapError, match="the header tells of 50 bytes, there are 49"):
        dumper.dump(header, data[:-1])
    dumper.close()
    assert len((tmp_path / "out").read_bytes()) == 24


def test_a_batch_before_damage_is_not_lost(save: Save) -> None:
    many = [captures.Given(i, 0, bytes(1500), 1500) for i in range(1000)]
    reader = stand_in.open_offline(str(save(captures.Layout().file(many)[:-3])))
    data, records = reader.next_batch(2000)
    assert (len(data), len(records)) == (999 * 1500, 999 * 16)
    with pytest.raises(stand_in.PcapError, match="truncated dump file"):
        reader.next_batch(2000)
    assert reader.next_batch(2000) == (b"", b"")


# ---- a file's other calls


def test_what_a_file_is(reader: Any) -> None:
    assert (reader.datalink(), reader.getnet(), reader.getmask(), reader.getnonblock()) == (
        1,
        "0.0.0.0",
        "0.0.0.0",
        0,
    )
    assert (reader.datalink(1), reader.getnet("ignored")) == (1, "0.0.0.0")
    assert select.select([reader.getfd()], [], [], 0)[0]


def test_raw_ip_is_12(pcapy: Any, save: Save) -> None:
    assert pcapy.open_offline(str(save(FILES["raw"]))).datalink() == pcapy.DLT_RAW == 12


@pytest.mark.parametrize(
    ("method", "arguments", "texts"),
    [
        ("stats", (), {"Statistics aren't available from savefiles"}),
        ("setnonblock", (1,), {"Savefiles cannot be put into non-blocking mode"}),
        ("setdirection", (1,), {"Failed setting direction"}),
        ("sendpacket", (bytes(60),), {"Sending packets isn't supported on savefiles"}),
        ("setfilter", ("foo bar",), {"can't parse filter expression: syntax error", "syntax error"}),
        ("setfilter", ("host nosuch.invalid",), {"unknown host 'nosuch.invalid'"}),
        ("setfilter", ("ip and arp",), {"expression rejects all packets"}),
        ("setfilter", ("wlan type mgt",), {"802.11 link-layer types supported only on 802.11"}),
        ("dump_open", ("/nonexistent/x",), {"/nonexistent/x: No such file or directory"}),
    ],
)
def test_what_a_file_refuses(pcapy: Any, reader: Any, method: str, arguments: Any, texts: set[str]) -> None:
    with pytest.raises(pcapy.PcapError) as raised:
        getattr(reader, method)(*arguments)
    assert raised.value.args[0] in texts
    assert len(raised.value.args) == 1


@pytest.mark.parametrize(
    "name", ["set_snaplen", "set_promisc", "set_timeout", "set_buffer_size", "set_rfmon"]
)
def test_what_is_open_is_set_no_more(reader: Any, name: str) -> None:
    assert getattr(reader, name)(1) == -4
    assert reader.activate() == -4


def test_filters(reader: Any) -> None:
    assert reader.setfilter("udp port 53") is None
    with pytest.raises(Exception, match="syntax error"):
        reader.setfilter("nonsense (")
    assert [data for *_, data in read(reader)[:-1]] == [FRAMES[0], FRAMES[2]]


def test_a_filter_may_change_on_the_way(reader: Any) -> None:
    reader.setfilter(r"ip proto \tcp")
    assert reader.next()[1] == FRAMES[1]
    reader.setfilter("arp")
    assert reader.next()[1] == FRAMES[4]
    reader.setfilter("")
    assert reader.next()[1] == FRAMES[5]


@pytest.mark.parametrize(
    ("contents", "texts"),
    [
        (b"", {"truncated dump file; tried to read 4 file header bytes, only got 0"}),
        (b"nothing that is a capture", {"unknown file format"}),
    ],
)
def test_files_that_are_none(pcapy: Any, save: Save, contents: bytes, texts: set[str]) -> None:
    with pytest.raises(pcapy.PcapError) as raised:
        pcapy.open_offline(str(save(contents)))
    assert raised.value.args[0] in texts


def test_files_that_are_not_there(pcapy: Any, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert outcome(pcapy.open_offline, str(missing)) == (
        "PcapError",
        (f"{missing}: No such file or directory",),
    )
    assert outcome(pcapy.open_offline, str(tmp_path)) == (
        "PcapError",
        ("error reading dump file: Is a directory",),
    )


# ---- the end


CLOSED = [
    ("next", ()),
    ("loop", (1, print)),
    ("dispatch", (1, print)),
    ("next_batch", (1,)),
    ("loop_filtered", (1, print)),
    ("loop_to_buffer", (1, bytearray(9))),
    ("setfilter", ("",)),
    ("getnet", ()),
    ("getmask", ()),
    ("datalink", ()),
    ("getnonblock", ()),
    ("setnonblock", (1,)),
    ("setdirection", (1,)),
    ("set_fanout", (1,)),
    ("getfd", ()),
    ("stats", ()),
    ("sendpacket", (b"",)),
    ("dump_open", ("/nonexistent",)),
    ("set_snaplen", (1,)),
    ("activate", ()),
    ("__enter__", ()),
]


@pytest.mark.parametrize(("method", "arguments"), CLOSED, ids=[name for name, _ in CLOSED])
@pytest.mark.parametrize("made", ["opened", "created"])
def test_a_closed_reader(pcapy: Any, save: Save, made: str, method: str, arguments: Any) -> None:
    reader = pcapy.create("lo") if made == "created" else pcapy.open_offline(str(save(PLAIN)))
    assert reader.close() is None
    assert reader.close() is None
    assert outcome(getattr(reader, method), *arguments) == ("ValueError", ("pcap is closed",))


def test_with_closes(reader: Any) -> None:
    with reader as same:
        assert same is reader
    with pytest.raises(ValueError, match="pcap is closed"):
        reader.next()
    assert reader.__exit__(None, None, None) is None


def test_types_cannot_be_made(reader: Any, tmp_path: Path) -> None:
    assert outcome(type(reader)) == ("TypeError", ("cannot create 'Reader' instances",))
    dumper = reader.dump_open(str(tmp_path / "x"))
    assert outcome(type(dumper)) == ("TypeError", ("cannot create 'Dumper' instances",))
    with pytest.raises(AttributeError):
        reader.other = 1
    assert repr(reader).startswith("<Reader object at ")
    for name in ("fd", "inject", "set_immediate_mode", "snapshot", "readpkts"):
        assert not hasattr(reader, name)


# ---- arguments


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("open_live", (b"lo", 1, 1, 1), ("TypeError", ("open_live() argument 1 must be str, not bytes",))),
        ("open_live", (None, 1, 1, 1), ("TypeError", ("open_live() argument 1 must be str, not None",))),
        ("open_live", ("l\0o", 1, 1, 1), ("ValueError", ("embedded null character",))),
        (
            "open_live",
            ("lo", 1.5, 1, 1),
            ("TypeError", ("'float' object cannot be interpreted as an integer",)),
        ),
        (
            "open_live",
            ("lo", 1, None, 1),
            ("TypeError", ("'NoneType' object cannot be interpreted as an integer",)),
        ),
        (
            "open_live",
            ("lo", 1, 1, 2**31),
            ("OverflowError", ("signed integer is greater than maximum",)),
        ),
        (
            "open_live",
            ("lo", -(2**31) - 1, 1, 1),
            ("OverflowError", ("signed integer is less than minimum",)),
        ),
        ("open_offline", (b"x",), ("TypeError", ("argument 1 must be str, not bytes",))),
        ("open_offline", (None,), ("TypeError", ("argument 1 must be str, not None",))),
        ("create", (None,), ("TypeError", ("pcap_create() argument 1 must be str, not None",))),
        ("compile", (1, 96, None, 1, 0), ("TypeError", ("compile() argument 3 must be str, not None",))),
        ("compile", (1, 0, "udp", 1, 0), ("PcapError", ("snaplen of 0 rejects all packets",))),
        ("BPFProgram", (None,), ("TypeError", ("argument 1 must be str, not None",))),
        ("BPFProgram", ("nonsense (",), ("BPFError", ("Couldn't compile BPF program",))),
    ],
)
def test_arguments_that_are_wrong(pcapy: Any, name: str, arguments: Any, expected: Any) -> None:
    assert outcome(getattr(pcapy, name), *arguments) == expected


@pytest.mark.parametrize("arguments", [(), (1,), (1, 2, 3, 4, 5, 6)])
@pytest.mark.parametrize("name", ["open_live", "open_offline", "create", "compile"])
def test_arguments_that_are_too_few_or_too_many(pcapy: Any, name: str, arguments: Any) -> None:
    with pytest.raises(TypeError):
        getattr(pcapy, name)(*arguments)


def test_constants(pcapy: Any) -> None:
    dlts = {name: getattr(pcapy, name) for name in dir(pcapy) if name.startswith("DLT_")}
    assert len(dlts) == 16
    assert sum(dlts.values()) == 709
    assert (pcapy.PCAP_D_INOUT, pcapy.PCAP_D_IN, pcapy.PCAP_D_OUT) == (0, 1, 2)
    fanout = [getattr(pcapy, f"PACKET_FANOUT_{name}") for name in ("HASH", "LB", "CPU", "ROLLOVER", "RND")]
    assert fanout == [0, 1, 2, 3, 4]
    assert not hasattr(pcapy, "pcap")
    assert not hasattr(pcapy, "open_dead")


def test_a_star_import_has_all_names(pcapy: Any) -> None:
    names: dict[str, Any] = {}
    exec(f"from {pcapy.__name__} import *", names)
    assert {"compile", "open_live", "PcapError", "BPFError", "DLT_LTALK", "create"} <= set(names)


def test_exceptions_are_their_own(pcapy: Any) -> None:
    assert pcapy.PcapError.__mro__[1:] == pcapy.BPFError.__mro__[1:] == Exception.__mro__
    copy = pickle.loads(pickle.dumps(pcapy.PcapError("text", 3)))
    assert (type(copy), copy.args) == (pcapy.PcapError, ("text", 3))


# ---- programs


def test_programs_judge_bytes(pcapy: Any) -> None:
    program = pcapy.BPFProgram("udp port 53")
    assert [bool(program.filter(frame)) for frame in FRAMES] == [i in (0, 2) for i in range(8)]
    assert pcapy.BPFProgram("").filter(b"") in (0, 65536)
    assert pcapy.compile(1, 96, "udp", 1, 0).filter(FRAMES[0]) == 96
    assert outcome(program.filter, "text") == ("TypeError", ("a bytes-like object is required, not 'str'",))


def test_programs_tell_their_instructions(pcapy: Any) -> None:
    assert pcapy.compile(1, 2**16, "icmp", 1, 1).get_bpf() == [
        (40, 0, 0, 12),
        (21, 0, 3, 2048),
        (48, 0, 0, 23),
        (21, 0, 1, 1),
        (6, 0, 0, 65536),
        (6, 0, 0, 0),
    ]
    assert pcapy.BPFProgram("").get_bpf() == [(6, 0, 0, 65536)]
    with pytest.raises(TypeError):
        type("Derived", (pcapy.BPFProgram,), {})


@pytest.mark.parametrize("netmask", [-1, 2**32, 2**32 + 5, 0])
def test_netmasks_of_any_size(pcapy: Any, netmask: int) -> None:
    assert pcapy.compile(1, 65535, "udp", 0, netmask).filter(FRAMES[0]) == 65535


# ---- dumpers


def test_what_is_dumped_is_read_again(pcapy: Any, save: Save, tmp_path: Path) -> None:
    for kind in ("plain", "swapped", "nanoseconds", "short", "raw"):
        reader = pcapy.open_offline(str(save(FILES[kind])))
        target = tmp_path / f"{kind}.pcapng"
        dumper = reader.dump_open(str(target))
        assert reader.loop(-1, dumper.dump) is None
        assert dumper.close() is None
        assert read(pcapy.open_offline(str(target))) == read(pcapy.open_offline(str(save(FILES[kind]))))
        header = struct.unpack_from("=IHHiIII", target.read_bytes())
        assert header == (
            0xA1B2C3D4,
            2,
            4,
            0,
            0,
            20 if kind == "short" else 65535,
            101 if kind == "raw" else 1,
        )


def test_headers_of_one_reader_are_dumped_by_another(pcapy: Any, save: Save, tmp_path: Path) -> None:
    one, other = (pcapy.open_offline(str(save(FILES[kind]))) for kind in ("plain", "swapped"))
    dumper = other.dump_open(str(tmp_path / "out"))
    header, data = one.next()
    assert dumper.dump(header, data + b"more than the header says") is None
    one.close()
    other.close()
    assert dumper.dump(header, data) is None
    del dumper
    assert len(read(pcapy.open_offline(str(tmp_path / "out")))) == 3


def test_a_dumper_may_be_closed_twice_and_takes_nothing_then(pcapy: Any, reader: Any, tmp_path: Path) -> None:
    dumper = reader.dump_open(str(tmp_path / "out"))
    header, data = reader.next()
    assert dumper.close() is None
    assert dumper.close() is None
    assert outcome(dumper.dump, header, data) == ("PcapError", ("Dumper is already closed.",))
    assert outcome(dumper.dump, 1, data) == ("PcapError", ("Not a pkthdr object",))
    assert len((tmp_path / "out").read_bytes()) == 24


def test_dumpers_keep_what_they_had_at_the_end_of_the_program(
    pcapy: Any, save: Save, tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    script = f"""
import {pcapy.__name__} as pcapy
class Kept: pass
kept = Kept()
kept.itself = kept
reader = pcapy.open_offline({str(save(PLAIN))!r})
kept.dumper = reader.dump_open({str(tmp_path / "out")!r})
reader.loop(-1, lambda header, data: kept.dumper.dump(header, data))
"""
    run_python("-c", script)
    assert (tmp_path / "out").read_bytes() == PLAIN


# ---- classes of packets

CLASSES = {
    "all": {},
    "heads": {"flow_cutoff": 1},
    "set": {"addr_set": bytes((203, 0, 113, 9)), "flow_cutoff": 2},
    "heads only": {"flow_cutoff": 1, "admit_mask": 2},
    "nothing": {"admit_mask": 0, "flow_cutoff": 1},
    "raw offset": {"l2_offset": 0},
    "security": {"profile": 1, "admit_mask": 63, "flow_cutoff": 3},
    "security, set": {"profile": 1, "admit_mask": 59, "addr_set": bytes((203, 0, 113, 9)), "flow_cutoff": 1},
    "security, ports": {"profile": 1, "dpi_ports": [9], "tls_ports": (80,), "dns_port": 7, "flow_cutoff": 1},
    "security, no ports": {"profile": 1, "dpi_ports": (), "tls_ports": ()},
}
STATS = {
    "all": (8, 0, 8, 0, 0),
    "heads": (8, 0, 2, 6, 0),
    "set": (8, 0, 1, 5, 2),
    "heads only": (6, 2, 2, 6, 0),
    "nothing": (0, 8, 2, 6, 0),
    "raw offset": (8, 0, 8, 0, 0),
    "security": (8, 0, 2, 1, 2, 0, 2, 1),
    "security, set": (6, 2, 2, 1, 2, 1, 1, 1),
    "security, ports": (6, 2, 1, 0, 5, 0, 1, 1),
    "security, no ports": (7, 1, 2, 0, 5, 0, 0, 1),
}


@pytest.mark.parametrize("case", CLASSES)
def test_classes(reader: Any, case: str) -> None:
    found: list[Any] = []
    stats = reader.loop_filtered(-1, lambda header, data, kind: found.append((data, kind)), **CLASSES[case])
    assert stats == reader.filtered_stats() == STATS[case]
    assert len(found) == stats[0]
    base = 100 if len(stats) == 8 else 0
    admitted = CLASSES[case].get("admit_mask", 7)
    kinds = [kind - base for _, kind in found]
    assert [kinds.count(i) for i in range(len(stats) - 2)] == [
        n if admitted >> i & 1 else 0 for i, n in enumerate(stats[2:])
    ]


@pytest.mark.parametrize("case", CLASSES)
@pytest.mark.parametrize("room", [10_000, 130, 0])
def test_classes_in_a_buffer(pcapy: Any, save: Save, case: str, room: int) -> None:
    called: list[Any] = []
    reader = pcapy.open_offline(str(save(PLAIN)))
    stats = reader.loop_filtered(-1, lambda header, data, kind: called.append((data, kind)), **CLASSES[case])
    buffer = bytearray(room)
    again = pcapy.open_offline(str(save(PLAIN)))
    written, dropped, lost, used, *counts = again.loop_to_buffer(-1, buffer, **CLASSES[case])
    assert (written + lost, dropped, *counts) == stats
    expected, full = b"", 0
    for data, kind in called:
        record = struct.pack("<IB", len(data), kind) + data
        if len(expected) + len(record) > room:
            full += 1
        else:
            expected += record
    assert (bytes(buffer[:used]), lost) == (expected, full)


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"l2_offset": 65}, ("ValueError", ("l2_offset out of range [0,64]",))),
        ({"dpi_ports": ["a"]}, ("TypeError", ("'str' object cannot be interpreted as an integer",))),
        ({"tls_ports": 3}, ("TypeError", ("ports must be a sequence of ints",))),
    ],
)
def test_classes_that_are_wrong(reader: Any, keywords: Any, expected: Any) -> None:
    assert outcome(reader.loop_filtered, 1, print, **keywords) == expected
    assert outcome(reader.loop_to_buffer, 1, bytearray(9), **keywords) == expected
    with pytest.raises(ValueError, match="profile must be 0"):
        reader.loop_filtered(1, print, profile=2)
    with pytest.raises(
        TypeError, match=r"loop_to_buffer\(\) argument 2 must be read-write bytes-like object"
    ):
        reader.loop_to_buffer(1, b"read only")


# ---- devices


def test_devices_are_names(pcapy: Any) -> None:
    names = pcapy.findalldevs()
    assert all(isinstance(name, str) for name in names)
    assert "any" in names
    assert pcapy.lookupdev("ignored") in names


def test_a_reader_that_is_not_activated(pcapy: Any) -> None:
    reader = pcapy.create("nosuch0")
    inactive = ("PcapError", ("This handle hasn't been activated yet",))
    assert reader.next() == (None, b"")
    assert outcome(reader.loop, 1, print) == outcome(reader.dispatch, 1, print) == inactive
    assert outcome(reader.next_batch, 1) == inactive
    assert (reader.datalink(), reader.getnonblock(), reader.getfd()) == (-3, -3, -1)
    assert (reader.getnet(), reader.getmask()) == ("0.0.0.0", "0.0.0.0")
    assert reader.setdirection(1) is None
    assert [reader.set_snaplen(9), reader.set_promisc(1), reader.set_timeout(5), reader.set_rfmon(0)] == [
        0
    ] * 4
    assert outcome(reader.setfilter, "udp")[1] == ("not-yet-activated pcap_t passed to pcap_compile",)
    if pcapy is stand_in:
        assert outcome(reader.sendpacket, frame(0)) == inactive
        assert outcome(reader.loop_to_buffer, 1, bytearray(9)) == inactive
    assert reader.activate() == -5
    assert reader.activate() == -5
    assert reader.set_snaplen(9) == 0


def test_devices_that_are_not_there(pcapy: Any) -> None:
    with pytest.raises(pcapy.PcapError, match=r"^nosuch0: No such device exists"):
        pcapy.open_live("nosuch0", 65535, 1, 100)


def test_live_packets_come_by_next(pcapy: Any, pair: Network) -> None:
    reader = pcapy.open_live("va", 65535, True, 50)
    reader.setfilter("ether proto 0x88b5")
    burst(pair, "vb", 5)
    found = [reader.next() for _ in range(5)]
    assert [data for _, data in found] == [frame(i) for i in range(5)]
    assert abs(found[0][0].getts()[0] - time.time()) < 5
    assert (reader.datalink(), reader.getnet(), reader.getmask()) == (1, "0.0.0.0", "0.0.0.0")
    received, dropped, by_interface = reader.stats()
    assert received >= 5
    assert (dropped, by_interface) == (0, 0)
    reader.close()


def test_loopback_has_a_network_and_gives_one_copy(pcapy: Any, pair: Network) -> None:
    reader = pcapy.open_live("lo", 65535, 0, 50)
    assert (reader.getnet(), reader.getmask()) == ("127.0.0.0", "255.0.0.0")
    reader.setfilter("ether proto 0x88b5")
    burst(pair, "lo", 3)
    found: list[bytes] = []
    reader.loop(3, lambda header, data: found.append(data))
    assert found == [frame(i) for i in range(3)]


def test_live_dispatch_and_loop(pcapy: Any, pair: Network) -> None:
    reader = pcapy.create("va")
    assert [reader.set_snaplen(30), reader.set_promisc(1), reader.set_timeout(50)] == [0, 0, 0]
    assert reader.activate() == 0
    assert reader.activate() == -4
    reader.setfilter("ether proto 0x88b5")
    burst(pair, "vb", 6)
    found: list[tuple[int, bytes]] = []
    done = reader.dispatch(2, lambda header, data: found.append((header.getlen(), data)))
    assert done == len(found) <= 2
    reader.loop(6 - done, lambda header, data: found.append((header.getlen(), data)))
    assert found == [(60, frame(i)[:30]) for i in range(6)]


def test_nothing_is_waited_for_without_blocking(pcapy: Any, pair: Network) -> None:
    reader = pcapy.open_live("va", 65535, 1, 50)
    reader.setfilter("ether proto 0x88b5")
    assert reader.getnonblock() == 0
    assert reader.setnonblock(5) is None
    assert reader.getnonblock() == 1
    assert reader.next() == (None, b"")
    assert reader.dispatch(-1, print) == 0
    assert reader.next_batch(5) == (b"", b"")
    burst(pair, "vb", 1)
    assert select.select([reader.getfd()], [], [], 5)[0]
    assert reader.next()[1] == frame(0)


def test_frames_are_sent(pcapy: Any, pair: Network) -> None:
    sender, receiver = (pcapy.open_live(name, 65535, 1, 50) for name in ("va", "vb"))
    for reader in (sender, receiver):
        reader.setfilter("ether proto 0x88b5")
        reader.setnonblock(0)
    assert sender.sendpacket(frame(7)) is None
    assert receiver.next()[1] == frame(7)
    assert outcome(sender.sendpacket, b"short") == ("PcapError", ("send: Invalid argument",))
    assert outcome(sender.sendpacket, bytes(70000)) == ("PcapError", ("send: Message too long",))
    assert outcome(sender.sendpacket, "text") == (
        "TypeError",
        ("a bytes-like object is required, not 'str'",),
    )
    with pytest.raises(pcapy.PcapError):
        sender.sendpacket(b"")


def test_directions(pcapy: Any, pair: Network) -> None:
    reader = pcapy.open_live("va", 65535, 1, 50)
    reader.setfilter("ether proto 0x88b5")
    assert reader.setdirection(pcapy.PCAP_D_OUT) is None
    burst(pair, "vb", 1)
    burst(pair, "va", 1, first=9)
    assert reader.next()[1] == frame(9)


def test_any_is_cooked(pcapy: Any, pair: Network) -> None:
    reader = pcapy.open_live("any", 65535, 0, 50)
    assert reader.datalink() == pcapy.DLT_LINUX_SLL
    reader.setfilter("ether proto 0x88b5")
    burst(pair, "vb", 1)
    data = reader.next()[1]
    assert data[14:16] + data[16:] == frame(0)[12:]
    assert outcome(reader.sendpacket, frame(0)) == (
        "PcapError",
        ('Sending packets isn\'t supported on the "any" device',),
    )


def test_fanout_shares_what_comes(pcapy: Any, pair: Network) -> None:
    readers = [pcapy.open_live("va", 65535, 1, 50) for _ in range(2)]
    for reader in readers:
        assert reader.set_fanout(0x4711, pcapy.PACKET_FANOUT_LB) is None
        reader.setfilter("ether proto 0x88b5")
    assert outcome(readers[0].set_fanout, 0x4711) == ("PcapError", (114, "Operation already in progress"))
    burst(pair, "vb", 20)
    time.sleep(0.2)
    counts = []
    for reader in readers:
        reader.setnonblock(1)
        counts.append(reader.dispatch(-1, lambda header, data: None))
    assert sum(counts) == 20
    assert all(counts)


def test_other_threads_run_while_one_waits(pcapy: Any, pair: Network) -> None:
    reader = pcapy.open_live("va", 65535, 1, 50)
    reader.setfilter("ether proto 0x88b5")
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: reader.loop(1, lambda header, data: found.append(data)))
    waiting.start()
    try:
        time.sleep(0.1)
        assert found == []
        assert reader.datalink() == 1
    finally:
        burst(pair, "vb", 1)
        waiting.join(10)
    assert found == [frame(0)]


def test_standard_streams(
    pcapy: Any, save: Save, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    script = (
        f"import {pcapy.__name__} as pcapy; r = pcapy.open_offline('-'); "
        "d = r.dump_open('-'); r.loop(-1, d.dump); d.close()"
    )
    with save(PLAIN).open("rb") as source:
        done: Any = run_python("-c", script, stdin=source, text=False)
    assert done.stdout == PLAIN
