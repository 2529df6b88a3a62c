"""Labels over a small region made by hand: one netmap_if, a tx and an rx ring of four slots, ten buffers."""

from __future__ import annotations

import struct

import pytest

from .frames import payload
from .labels import Buffers, Payloads, PortNames, Regions
from .layout import Interface, Ring, Slot
from .scenarios import scenarios

BUF_SIZE = 128
TX, RX, BUFS = 128, 512, 1024
SIZE = BUFS + 14 * BUF_SIZE
EXTRA = (12, 11)


@pytest.fixture
def interface() -> Interface:
    region = bytearray(SIZE)
    struct.pack_into("=16sIIIIIII", region, 0, b"vale0:a", 14, 1, 1, 1, EXTRA[0], 0, 0)
    struct.pack_into("=qq", region, 56, TX, RX)
    for base, direction, first in ((TX, 1, 2), (RX, 0, 6)):
        struct.pack_into("=qIIHH", region, base, BUFS - base, 4, BUF_SIZE, 0, direction)
        for place in range(4):
            struct.pack_into("=I", region, base + 256 + 16 * place, first + place)
    struct.pack_into("=I", region, BUFS + EXTRA[0] * BUF_SIZE, EXTRA[1])
    return Interface(region, SIZE, 0)


def test_buffers_are_named_after_the_place_where_they_were_seen(interface) -> None:
    buffers = Buffers()
    buffers.meet("a", interface)
    names = [buffers.name(index, interface.rings) for index in (2, 5, 6, 9, *EXTRA)]
    assert names == ["a.t0.0", "a.t0.3", "a.r0.0", "a.r0.3", "a.x.0", "a.x.1"]
    assert buffers.index("a.r0.3") == 9


def test_a_buffer_keeps_its_first_name(interface) -> None:
    buffers = Buffers()
    buffers.meet("a", interface)
    interface.tx[0].put_slot(0, buf_idx=9)
    buffers.meet("b", interface)
    assert buffers.name(9, interface.rings) == "a.r0.3"


def test_other_indexes(interface) -> None:
    buffers = Buffers()
    assert [buffers.name(index, interface.rings) for index in (0, 1, 14, 13, 10, 13)] == [
        *("0", "1", "bad", "?0", "?1", "?0")
    ]


def test_buffers_out_of_reach_are_forgotten(interface) -> None:
    buffers = Buffers()
    buffers.meet("a", interface)
    buffers.keep({2})
    assert buffers.name(2, interface.rings) == "a.t0.0"
    assert buffers.name(3, interface.rings) == "?0"


def test_regions_are_named_in_order_and_forgotten() -> None:
    regions = Regions()
    for mem_id in (7, 3, 7, 1, 0):
        regions.meet(mem_id)
    assert [regions.name(mem_id) for mem_id in (0, 1, 7, 3, 5)] == ["0", "global", "A", "B", "other"]
    regions.keep({3})
    regions.meet(7)
    assert [regions.name(mem_id) for mem_id in (3, 7)] == ["B", "C"]


@pytest.fixture
def ring(interface) -> Ring:
    return interface.rx[0]


def recognise(ring: Ring, data: bytes, length: int | None = None, ptr: int = 0) -> str:
    payloads = Payloads()
    payloads.learn(payload("p0", 60), "p0")
    payloads.learn(payload("q", 40), "q")
    payloads.learn(payload("s", 9), "s")
    start = ring.buf_at(6)
    assert start
    ring.region[start : start + len(data)] = data
    return payloads.recognise(ring, Slot(6, len(data) if length is None else length, 0, ptr))


@pytest.mark.parametrize(
    ("data", "label"),
    [
        (payload("p0", 60), "p0"),
        (payload("p0", 33), "p0[:33]"),
        (payload("p0", 60) + b"xy", "p0+2"),
        (payload("p0", 60) + bytes(3), "p0+zeros3"),
        (payload("s", 9), "s"),
        (payload("s", 9) + bytes(9), "other"),
        (bytes(16) + payload("q", 40), "q@16"),
        (bytes(60), "zeros"),
        (bytes(59) + b"x", "other"),
        (b"", ""),
    ],
)
def test_payloads(ring, data, label) -> None:
    assert recognise(ring, data) == label


def test_a_length_beyond_the_buffer_is_told(ring) -> None:
    assert recognise(ring, payload("p0", 60), BUF_SIZE + 5) == "p0+zeros68+5"


def test_an_offset_is_followed_where_the_ring_has_offsets(ring) -> None:
    data = bytes(16) + payload("p0", 60)
    assert recognise(ring, data, 60, ptr=16) == "p0@16"
    struct.pack_into("=Q", ring.region, ring.base + 56, 0xFF)
    assert recognise(ring, data, 60, ptr=16) == "p0"


@pytest.mark.parametrize("index", [0, 1, 14, 1 << 31])
def test_no_payload_without_a_buffer(ring, index) -> None:
    assert Payloads().recognise(ring, Slot(index, 60, 0, 0)) == "bad buffer"


def test_port_names_go_there_and_back_in_every_scenario() -> None:
    for name, scenario in scenarios().items():
        ports = PortNames(name)
        for step in scenario.steps:
            if isinstance(step.get("name"), str):
                assert ports.token not in step["name"]
                assert ports.canonical(ports.real(step["name"])) == step["name"]
