"""What a handle gives for a packet, in each of its forms; run with both deliveries."""

from __future__ import annotations

import copy
import pickle
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import nmpcap
from nmpcap.errors import UsageError
from nmpcap.packet import Pkthdr

from .savefile.pcapfiles import NANO, Given, Layout

Save = Callable[[bytes], Path]
NS = [0, 1, 999, 1000, 123_456_789, 999_999_999]
PACKETS = [Given(1_700_000_003 + i, ns, bytes([i]) * 60, 90 + i) for i, ns in enumerate(NS)]


@pytest.fixture
def opened(save: Save) -> Callable[..., Any]:
    def opened(*fields: str, empty: Any = None) -> Any:
        handle: Any = nmpcap.open_offline(save(Layout(magic=NANO).file(PACKETS)))
        handle._deliver_as(fields, empty)
        return handle

    return opened


EXPECTED: dict[str, Callable[[Given], Any]] = {
    "header": lambda p: Pkthdr(p.seconds, p.fraction // 1000, len(p.data), p.len),
    "data": lambda p: p.data,
    "len": lambda p: p.len,
    "caplen": lambda p: len(p.data),
    "time": lambda p: p.seconds + p.fraction * 1e-9,
    "time_us": lambda p: p.seconds + p.fraction // 1000 / 1e6,
    "decimal": lambda p: p.seconds + p.fraction / Decimal("1E9"),
    "ts_ns": lambda p: p.seconds * 10**9 + p.fraction,
    "sec": lambda p: p.seconds,
}


@pytest.mark.parametrize("field", EXPECTED)
def test_each_field_alone_and_among_others(opened: Callable[..., Any], field: str) -> None:
    expected = [EXPECTED[field](packet) for packet in PACKETS]
    found = list(opened(field))
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]
    assert [str(value) for value in found] == [str(value) for value in expected]
    assert list(opened("data", field)) == [
        (packet.data, value) for packet, value in zip(PACKETS, expected, strict=True)
    ]


def test_one_form_for_every_way_to_read(opened: Callable[..., Any]) -> None:
    expected = [(p.len, p.data, p.seconds) for p in PACKETS]
    fields = ("len", "data", "sec")
    handle = opened(*fields, empty="nothing")
    assert [handle.next() for _ in PACKETS] == expected
    assert handle.next() == handle.next(0) == "nothing"
    assert list(opened(*fields)) == expected
    found: list[Any] = []
    for method in ("loop", "dispatch"):
        count = getattr(opened(*fields), method)(-1, lambda *given: found.append(given), ("mine", 7))
        assert count == len(PACKETS)
    assert found == [(*fields, "mine", 7) for fields in expected] * 2


def test_float_times_are_rounded_as_others_round_them(save: Save, rng: random.Random) -> None:
    packets = [Given(rng.randrange(2**31), rng.randrange(10**9), b"", 0) for _ in range(2000)]
    handle: Any = nmpcap.open_offline(save(Layout(magic=NANO).file(packets)))
    handle._deliver_as(("time",))
    assert list(handle) == [p.seconds + p.fraction * 1e-9 for p in packets]


class Record(NamedTuple):
    """As scapy has them."""

    sec: int
    fraction: int
    wirelen: int
    caplen: int


@pytest.mark.parametrize("nano", [False, True])
def test_a_class_of_tuples_is_a_field(opened: Callable[..., Any], nano: bool) -> None:
    handle = opened("data")
    handle._deliver_as(("data", Record), None, nano)
    found = list(handle)
    assert found == [
        (p.data, Record(p.seconds, p.fraction if nano else p.fraction // 1000, p.len, len(p.data)))
        for p in PACKETS
    ]
    assert {type(record) for _, record in found} == {Record}
    handle._deliver_as((tuple,), nano=True)
    handle._deliver_as(("data", Record), nano=nano)


def test_forms_that_are_none(opened: Callable[..., Any]) -> None:
    handle = opened("data")
    for fields in ((), ("data",) * 4, ("nonsense",), ["data"], (3,), (list,), (int,)):
        with pytest.raises(UsageError, match="_deliver_as"):
            handle._deliver_as(fields)
    with pytest.raises(TypeError, match="args must be a tuple"):
        handle.loop(1, print, [3])
    assert handle.next() == PACKETS[0].data


def test_records_of_many_packets(opened: Callable[..., Any]) -> None:
    handle = opened("data")
    data, records = handle._next_records(4)
    assert data == b"".join(p.data for p in PACKETS[:4])
    assert memoryview(records).cast("I").tolist() == [
        word for i, p in enumerate(PACKETS[:4]) for word in (p.seconds, p.fraction // 1000, i * 60, 60)
    ]
    assert handle.next() == PACKETS[4].data
    assert handle._next_records(99)[0] == PACKETS[5].data
    assert handle._next_records(99) is None


# ---- the header as a value


def test_headers_are_values() -> None:
    header = Pkthdr(5, 7, 60, 90)
    assert (header.getts(), header.getcaplen(), header.getlen()) == ((5, 7), 60, 90)
    assert header == Pkthdr(sec=5, usec=7, caplen=60, len=90)
    assert hash(header) == hash(Pkthdr(5, 7, 60, 90))
    others = [Pkthdr(6, 7, 60, 90), Pkthdr(5, 8, 60, 90), Pkthdr(5, 7, 61, 90), Pkthdr(5, 7, 60, 91), 5, None]
    assert all(header != other for other in others)
    assert repr(header) == "<Pkthdr sec=5 usec=7 caplen=60 len=90>"
    for again in (pickle.loads(pickle.dumps(header)), copy.copy(header), copy.deepcopy(header)):
        assert again == header
    with pytest.raises(AttributeError):
        header.sec = 3  # type: ignore[attr-defined]


def test_times_before_the_epoch() -> None:
    assert Pkthdr(-1, 999_999, 0, 0).getts() == (-1, 999_999)
    assert Pkthdr(-9_223_372_036, 0, 0, 0).getts() == (-9_223_372_036, 0)


@pytest.mark.parametrize(
    "fields",
    [(2**40, 0, 0, 0), (0, -1, 0, 0), (0, 10**6, 0, 0), (0, 0, -1, 0), (0, 0, 2**32, 0), (0, 0, 0, 2**32)],
)
def test_headers_that_nothing_can_have(fields: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="Pkthdr"):
        Pkthdr(*fields)
