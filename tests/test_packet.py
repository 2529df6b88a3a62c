"""Packet and Batch as values; run with the compiled and, by test_plain.py, with the plain ones."""

from __future__ import annotations

import copy
import gc
import pickle
import struct
import subprocess
import sys

import pytest

from nmpcap.errors import PcapError
from nmpcap.packet import Batch, Packet, Stats

FIELDS = {"ts_ns": 1_700_000_000_123_456_789, "len": 1514, "linktype": 113, "interface": 7, "outgoing": True}


def make(data: bytes = b"\x01\x02\x03\x04\x05", **fields: int) -> Packet:
    return Packet(data, **{**FIELDS, **fields})


def test_fields_are_what_was_given() -> None:
    packet = make()
    assert {name: getattr(packet, name) for name in FIELDS} == FIELDS
    assert packet.caplen == 5
    assert packet.data == b"\x01\x02\x03\x04\x05"
    assert type(packet.data) is bytes


def test_defaults_are_an_ethernet_packet_captured_whole() -> None:
    packet = Packet(b"abc")
    assert repr(packet) == "<Packet ts_ns=0 caplen=3 len=3 linktype=1 interface=0>"
    assert packet.outgoing is False


@pytest.mark.parametrize("data", [bytearray(b"xy"), memoryview(b"xy"), Packet(b"xy")])
def test_any_buffer_makes_a_packet_which_owns_its_bytes(data: object) -> None:
    packet = Packet(data)
    if isinstance(data, bytearray):
        data[:] = b"??"
    assert packet.data == b"xy"


def test_it_stands_for_its_bytes() -> None:
    packet = make()
    assert bytes(packet) == packet.data
    assert len(packet) == packet.caplen
    assert memoryview(packet).readonly
    assert memoryview(packet).tobytes() == packet.data
    assert struct.unpack_from("!H", packet, 1) == (0x0203,)
    assert b"".join([packet, b"!"]) == packet.data + b"!"
    assert packet[0] == packet[-5] == 1
    assert packet[1:3] == b"\x02\x03"
    assert packet[::-2] == b"\x05\x03\x01"
    assert type(packet[1:3]) is bytes
    assert list(packet) == [1, 2, 3, 4, 5]
    for index in (5, -6):
        with pytest.raises(IndexError):
            packet[index]
    with pytest.raises(TypeError):
        packet["x"]


def test_a_packet_of_no_bytes_is_true() -> None:
    assert Packet(b"")
    assert len(Packet(b"")) == 0


def test_a_view_keeps_the_packet_alive() -> None:
    view = memoryview(make(b"z" * 1500))
    gc.collect()
    others = [make(b"y" * 1500) for _ in range(50)]
    assert view.tobytes() == b"z" * 1500
    assert others


@pytest.mark.parametrize("field", [*FIELDS, "caplen", "data", "other"])
def test_it_is_immutable(field: str) -> None:
    packet = make()
    with pytest.raises(AttributeError):
        setattr(packet, field, 1)
    with pytest.raises(AttributeError):
        delattr(packet, field)


@pytest.mark.parametrize(
    ("field", "value"),
    [("ts_ns", 0), ("len", 9), ("linktype", 1), ("interface", 0), ("outgoing", False)],
)
def test_equal_means_every_field(field: str, value: int) -> None:
    assert make() == make()
    assert (make() != make()) is False
    assert hash(make()) == hash(make())
    assert make() != make(**{field: value})
    assert make() != make(b"\x01\x02\x03\x04\x06")
    assert make() != make(b"\x01\x02\x03\x04")
    assert make() != "\x01\x02\x03\x04\x05"
    assert len({make(), make(), make(**{field: value})}) == 2


def test_packets_have_no_order() -> None:
    with pytest.raises(TypeError):
        sorted([make(), make(ts_ns=1)])


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_it_survives_pickling(protocol: int) -> None:
    assert pickle.loads(pickle.dumps(make(), protocol)) == make()


def test_copies_are_the_same_packet() -> None:
    packet = make()
    assert copy.copy(packet) is packet
    assert copy.deepcopy(packet) is packet


@pytest.mark.parametrize("buffer", [bytes, bytearray])
def test_it_equals_its_bytes(buffer: type) -> None:
    data = buffer(b"\x01\x02\x03\x04\x05")
    assert make() == data
    assert data == make()
    assert (make() != data) is False
    assert make() != data[:4]
    assert make() != data[:4] + b"\x06"
    assert make() != data + b"\0"
    assert Packet(b"") == buffer(b"")


def test_what_is_equal_hashes_alike() -> None:
    assert hash(make()) == hash(make().data) == hash(make(ts_ns=0))
    assert make().data in {make()}
    assert make() in {make().data}


def test_hexadecimal_is_that_of_bytes() -> None:
    assert make().hex() == "0102030405"
    assert make().hex(":") == "01:02:03:04:05"
    assert make().hex("-", bytes_per_sep=2) == "01-0203-0405"
    with pytest.raises(TypeError):
        make().hex(1)


@pytest.mark.parametrize(
    ("ts_ns", "time"),
    [
        (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456+00:00"),
        (0, "1970-01-01T00:00:00+00:00"),
        (-1, "1969-12-31T23:59:59.999999+00:00"),
        (-(2**63), "1677-09-21T00:12:43.145224+00:00"),
        (2**63 - 1, "2262-04-11T23:47:16.854775+00:00"),
    ],
)
def test_its_time_is_a_datetime_in_utc(ts_ns: int, time: str) -> None:
    assert make(ts_ns=ts_ns).time.isoformat() == time


ETHERNET = bytes.fromhex("ffffffffffff 020000000001")
IPV4 = bytes.fromhex("4500001c00004000401100000a0000010a000002") + bytes(8)
IPV6 = bytes.fromhex("6000000000083a40") + bytes(15) + b"\1" + b"\xfe\x80" + bytes(13) + b"\2" + bytes(8)


@pytest.mark.parametrize(
    ("data", "fields", "says"),
    [
        (
            ETHERNET + b"\x88\xb5" + bytes(46),
            {},
            "60 bytes 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff type 0x88b5",
        ),
        (
            ETHERNET + b"\x08\0" + IPV4,
            {"len": 90},
            "90 bytes (42 captured) 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff 10.0.0.1 > 10.0.0.2",
        ),
        (
            ETHERNET + b"\x86\xdd" + IPV6,
            {},
            "62 bytes 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff ::1 > fe80::2",
        ),
        (ETHERNET, {}, "12 bytes 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff"),
        (ETHERNET[:11], {}, "11 bytes"),
        (b"", {}, "0 bytes"),
        (IPV4, {"linktype": 12}, "28 bytes 10.0.0.1 > 10.0.0.2"),
        (IPV6, {"linktype": 229}, "48 bytes ::1 > fe80::2"),
        (IPV4[:19], {"linktype": 12}, "19 bytes"),
        (b"", {"linktype": 12}, "0 bytes"),
        (bytes(14) + b"\x08\0" + IPV4, {"linktype": 113}, "44 bytes 10.0.0.1 > 10.0.0.2"),
        (b"\x08\0" + bytes(18) + IPV4, {"linktype": 276}, "48 bytes 10.0.0.1 > 10.0.0.2"),
        (b"\x08\x06" + bytes(18), {"linktype": 276}, "20 bytes type 0x0806"),
        (bytes(9), {"linktype": 105}, "9 bytes link type 105"),
    ],
)
def test_str_is_a_readable_line(data: bytes, fields: dict, says: str) -> None:
    ts_ns = 1_700_000_000_000_456_789
    assert str(Packet(data, ts_ns, **fields)) == f"2023-11-14 22:13:20.000456789Z if0 {says}"
    outgoing = Packet(data, -1, interface=3, outgoing=True, **fields)
    assert str(outgoing) == f"1969-12-31 23:59:59.999999999Z if3 out {says}"


@pytest.mark.parametrize(
    ("data", "linktype", "name"),
    [
        (ETHERNET + b"\x08\0" + IPV4, 1, "Ethernet"),
        (IPV4, 12, "IP"),
        (IPV6, 12, "IP6"),
        (IPV4, 228, "IP"),
        (IPV6, 229, "IP6"),
        ((2).to_bytes(4, sys.byteorder) + IPV4, 0, "Loopback"),
        (b"\0\0\0\1\0\6" + bytes(8) + b"\x08\0" + IPV4, 113, "SLL"),
        (b"\x08\0" + bytes(2) + b"\0\0\0\1\0\1\0\6" + bytes(8) + IPV4, 276, "SLL2"),
        (bytes.fromhex("d400000002000000000100000000"), 105, "IEEE80211"),
        (bytes.fromhex("0000080000000000d400000002000000000100000000"), 127, "Radiotap"),
    ],
)
def test_dpkt_takes_it_by_its_link_type(data: bytes, linktype: int, name: str) -> None:
    parsed = Packet(data, linktype=linktype).dpkt()
    assert type(parsed).__name__ == name
    assert type(parsed).__module__.startswith("dpkt.")
    if IPV4 in data:
        assert b"\n\0\0\2" in bytes(parsed)


def test_what_dpkt_has_no_class_for() -> None:
    with pytest.raises(PcapError, match="link type 147: dpkt has no class for it"):
        make(linktype=147).dpkt()


def test_dpkt_is_imported_when_asked_for() -> None:
    code = "import nmpcap, sys; str(nmpcap.Packet(bytes(60))); print('dpkt' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert run.stdout == "False\n"


def test_repr_says_what_is_known() -> None:
    assert (
        repr(make())
        == "<Packet ts_ns=1700000000123456789 caplen=5 len=1514 linktype=113 interface=7 outgoing>"
    )


@pytest.mark.parametrize("ts_ns", [-(2**63), -1, 2**63 - 1])
def test_times_have_64_bits(ts_ns: int) -> None:
    assert make(ts_ns=ts_ns).ts_ns == ts_ns


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"len": -1}, ValueError),
        ({"len": 2**32}, ValueError),
        ({"linktype": -1}, ValueError),
        ({"linktype": 65536}, ValueError),
        ({"interface": -1}, ValueError),
        ({"interface": 2**32}, ValueError),
        ({"ts_ns": 2**63}, OverflowError),
        ({"ts_ns": -(2**63) - 1}, OverflowError),
        ({"data": "text"}, TypeError),
        ({"data": None}, TypeError),
        ({"ts_ns": "now"}, TypeError),
    ],
)
def test_impossible_fields_are_refused(fields: dict, error: type) -> None:
    with pytest.raises(error):
        make(**fields)


@pytest.mark.skipif(issubclass(Packet, bytes), reason="the plain Packet; to run it: the compiled one")
def test_it_is_final() -> None:
    with pytest.raises(TypeError):
        type("Mine", (Packet,), {})


def test_packets_do_not_leak() -> None:
    make(), gc.collect()
    before = sys.getrefcount(Packet)
    for _ in range(1000):
        packet = make()
        hash(packet), repr(packet), pickle.dumps(packet), packet == make(), packet.data
    del packet
    gc.collect()
    assert abs(sys.getrefcount(Packet) - before) < 5


# ---- Batch -----------------------------------------------------------------------------


def make_batch() -> Batch:
    columns = struct.pack("=2q2q2I2I2I2H2H", 5, 6, 0, 3, 3, 2, 60, 61, 0, 4, 1, 113, 0, 1)
    return Batch(2, columns, b"abcde")


def test_columns_of_a_batch() -> None:
    batch = make_batch()
    assert len(batch) == 2
    assert batch.data == b"abcde"
    assert batch.ts_ns.tolist() == [5, 6]
    assert batch.offsets.tolist() == [0, 3]
    assert batch.caplens.tolist() == [3, 2]
    assert batch.lens.tolist() == [60, 61]
    assert batch.interfaces.tolist() == [0, 4]
    assert batch.linktypes.tolist() == [1, 113]
    assert batch.flags.tolist() == [0, 1]
    assert batch.lens.readonly


def test_packets_of_a_batch() -> None:
    batch = make_batch()
    assert list(batch) == [Packet(b"abc", 5, 60, 1, 0), Packet(b"de", 6, 61, 113, 4, True)]
    assert [batch[0], batch[1]] == list(batch)
    assert batch[-1] == batch[1]
    for index in (2, -3):
        with pytest.raises(IndexError):
            batch[index]


def test_numpy_takes_columns_without_a_copy() -> None:
    numpy = pytest.importorskip("numpy", reason="no numpy; to run it: pip install numpy")
    batch = make_batch()
    lens = numpy.asarray(batch.lens)
    assert lens.dtype == numpy.uint32
    assert lens.sum() == 121
    assert numpy.asarray(batch.ts_ns).dtype == numpy.int64
    assert lens.__array_interface__["data"][0] == numpy.asarray(batch.lens).__array_interface__["data"][0]


def test_a_slice_is_a_batch_over_the_same_bytes() -> None:
    batch = make_batch()
    assert list(batch[:]) == list(batch)
    assert list(batch[1:]) == [batch[1]]
    assert list(batch[::-1]) == [batch[1], batch[0]]
    assert list(batch[2:]) == []
    assert batch[1:].data.obj is batch.data.obj
    assert batch[1:].lens.tolist() == [61]


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_batch_survives_pickling(protocol: int) -> None:
    for batch in (make_batch(), make_batch()[1:], make_batch()[::-1], make_batch()[2:]):
        again = pickle.loads(pickle.dumps(batch, protocol))
        assert list(again) == list(batch)
        assert len(again.data) == sum(batch.caplens)  # not those of others


def test_a_batch_is_a_structured_array() -> None:
    numpy = pytest.importorskip("numpy", reason="no numpy; to run it: pip install numpy")
    rows = numpy.asarray(make_batch())
    assert rows.dtype.names == ("ts_ns", "offset", "caplen", "len", "interface", "linktype", "flags")
    assert [str(rows.dtype[i]) for i in range(7)] == ["int64"] * 2 + ["uint32"] * 3 + ["uint16"] * 2
    assert rows.tolist() == [(5, 0, 3, 60, 0, 1, 0), (6, 3, 2, 61, 4, 113, 1)]
    with pytest.raises(ValueError, match="is a copy"):
        make_batch().__array__(copy=False)


def test_a_batch_is_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas", reason="no pandas; to run it: pip install pandas")
    frame = make_batch().to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert [str(t) for t in frame.dtypes] == ["int64"] * 2 + ["uint32"] * 3 + ["uint16"] * 2
    assert frame["len"].tolist() == [60, 61]


def test_stats_are_values() -> None:
    stats = Stats(*range(13))
    assert stats == Stats(*range(13))
    assert stats.received == 0
    assert stats.unsent == 8
    with pytest.raises(AttributeError):
        stats.sent = 1
