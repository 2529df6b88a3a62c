"""Packet and Batch as values; run with the compiled and, by test_plain.py, with the plain ones."""

from __future__ import annotations

import copy
import gc
import pickle
import struct
import sys

import pytest

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
    assert make() != b"\x01\x02\x03\x04\x05"
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


def test_stats_are_values() -> None:
    stats = Stats(*range(13))
    assert stats == Stats(*range(13))
    assert stats.received == 0
    assert stats.unsent == 8
    with pytest.raises(AttributeError):
        stats.sent = 1
