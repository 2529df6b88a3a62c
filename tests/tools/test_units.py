"""What people write for rates, times, sizes and probabilities."""

from __future__ import annotations

from fractions import Fraction

import pytest

from nmpcap.errors import UsageError
from nmpcap.tools import units


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        *(
            (9600, 9600),
            ("9600", 9600),
            ("64k", 64_000),
            ("64K", 64_000),
            ("10M", 10**7),
            ("1.544M", 1_544_000),
        ),
        *(("1Gbit/s", 10**9), ("1 Gbit/s", 10**9), ("2Gbps", 2 * 10**9), ("100bit", 100), ("1kB/s", 8000)),
        *((1e6, 10**6), (Fraction(5, 2), 2), (".5k", 500)),
    ],
)
def test_rates(text: units.Quantity, bits: int) -> None:
    assert units.rate(text) == bits


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("20ms", 20_000_000),
        ("1.5us", 1500),
        ("1.5µs", 1500),
        ("2 s", 2 * 10**9),
        (0.25, 250_000_000),
        (3, 3 * 10**9),
    ],
)
def test_times(text: units.Quantity, ns: int) -> None:
    assert units.duration_ns(text) == ns


def test_probabilities_are_exact() -> None:
    assert units.probability("1%") == units.probability("0.01") == Fraction(1, 100)
    assert units.probability(1) == 1


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("100p", ("packets", 100)),
        ("64kB", ("bytes", 64_000)),
        ("1MiB", ("bytes", 1 << 20)),
        ("20ms", ("ns", 20_000_000)),
    ],
)
def test_queues(text: str, limit: tuple[str, int]) -> None:
    assert units.queue(text) == limit


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *(
            (units.rate, bad)
            for bad in ("", "fast", "1Gbit/m", "10 10", "1e6x", "-1", "0x10", "\uff11M", "nan", "inf")
        ),
        *((units.duration_ns, bad) for bad in ("20", "20 min", "ms", "-1ms", "1ms2")),
        *((units.probability, bad) for bad in ("2", "101%", "-0.1", "some")),
        *((units.size, bad) for bad in ("10KB/s", "1Mbit", "x")),
        *((units.queue, bad) for bad in ("", "100", "5q")),
        *((units.rate, bad) for bad in (float("nan"), float("inf"), -1, None, 0, 0.5)),
    ],
)
def test_what_is_not_understood_is_refused(read, text) -> None:
    with pytest.raises(UsageError):
        read(text)


@pytest.mark.parametrize("bits", [1, 9600, 10**6, 1_544_000, 10**10])
def test_a_rate_is_read_as_it_is_shown(bits: int) -> None:
    assert units.rate(units.show_rate(bits)) == bits


@pytest.mark.parametrize("ns", [0, 1, 1500, 20_000_000, 10**9])
def test_a_time_is_read_as_it_is_shown(ns: int) -> None:
    assert units.duration_ns(units.show_duration(ns)) == ns
