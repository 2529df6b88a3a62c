"""The link as a function: against fractions, against statistics, and that nothing but its inputs decides."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from nmpcap.errors import UsageError
from nmpcap.tools.link import Fate, Impairments, Verdict, Wire

from .reference import Draws, Reference, Setting

SECOND = 10**9


def random_setting(rng: random.Random) -> Setting:
    """Any mixture, with numbers that divide badly."""
    chance = lambda: Fraction(rng.randrange(1, 400), 1000)  # noqa: E731
    setting = Setting(delay=rng.choice((0, 1, 999_999, 20_000_000)))
    if rng.random() < 0.7:
        setting.rate = rng.choice((1, 999_983, 10_000_000, 1_544_000, 10**10))
        setting.overhead = rng.choice((0, 24))
        if rng.random() < 0.3:
            setting.cell, setting.cell_overhead = 48, 5
        setting.queue = rng.choice(
            (None, ("packets", rng.randrange(12)), ("bytes", 5000), ("ns", rng.randrange(SECOND)))
        )
    if rng.random() < 0.5:
        setting.loss = chance()
    if rng.random() < 0.5:
        setting.burst = (chance(), chance(), Fraction(9, 10), Fraction(1, 100))
    if rng.random() < 0.3:
        setting.corrupt = chance()
    if rng.random() < 0.5:
        setting.jitter = rng.choice((1, 5_000_000, 30_000_000))
        setting.normal = rng.random() < 0.4
        setting.keep_order = rng.random() < 0.6
    if rng.random() < 0.3:
        setting.reorder = (chance(), rng.randrange(10**8))
    if rng.random() < 0.3:
        setting.duplicate = chance()
    if rng.random() < 0.3:
        setting.drop = sorted(rng.sample(range(300), 9))
    return setting


def impairments(setting: Setting) -> Impairments:
    unit = {"packets": "p", "bytes": "B", "ns": "ns"}
    given: dict[str, Any] = {
        name: getattr(setting, name)
        for name in (*("overhead", "cell", "cell_overhead", "loss", "burst", "corrupt", "duplicate"), "drop")
    }
    return Impairments(
        **given,
        rate=setting.rate or None,
        queue=f"{setting.queue[1]}{unit[setting.queue[0]]}" if setting.queue else None,
        delay=f"{setting.delay}ns",
        jitter=f"{setting.jitter}ns",
        distribution="normal" if setting.normal else "uniform",
        keep_order=setting.keep_order,
        reorder=(setting.reorder[0], f"{setting.reorder[1]}ns") if setting.reorder else None,
    )


def traffic(rng: random.Random, n: int = 300) -> tuple[list[int], list[int]]:
    now, arrivals = rng.randrange(10**18), []
    for _ in range(n):
        now += rng.choice((0, 1, rng.randrange(10**4), rng.randrange(10**7)))
        arrivals.append(now)
    return arrivals, [rng.choice((0, 60, 61, 1514, rng.randrange(65536))) for _ in range(n)]


def test_departures_are_those_of_fractions(rng: random.Random) -> None:
    for _ in range(60):
        setting, seed, direction = random_setting(rng), rng.randrange(2**64), rng.randrange(2)
        wire = Wire(impairments(setting), seed=seed, direction=direction)
        reference = Reference(setting, Draws(seed, direction))
        arrivals, lengths = traffic(rng)
        verdicts = wire.offer(arrivals, lengths)
        for arrival, length, verdict in zip(arrivals, lengths, verdicts, strict=True):
            expected = reference.offer(arrival, length)
            got = (verdict.fate.name, verdict.departure_ns, verdict.copies, verdict.corrupt_bit)
            assert got == expected, (setting, verdict)


def test_the_same_packets_whatever_the_batches(rng: random.Random) -> None:
    setting, (arrivals, lengths) = random_setting(rng), traffic(rng, 600)
    whole = Wire(impairments(setting), seed=5).offer(arrivals, lengths)
    for size in (1, 7, 256):
        wire, pieces = Wire(impairments(setting), seed=5), []
        for at in range(0, 600, size):
            pieces += wire.offer(arrivals[at : at + size], lengths[at : at + size])
        assert pieces == whole


def lost(verdicts: list[Verdict]) -> set[int]:
    return {verdict.index for verdict in verdicts if not verdict.copies}


def test_one_impairment_does_not_move_anothers_pattern(rng: random.Random) -> None:
    plain, (arrivals, lengths) = Impairments(loss=0.1), traffic(rng, 3000)
    expected = lost(Wire(plain, seed=3).offer(arrivals, lengths))
    more = plain.but(delay="20ms", jitter="5ms", duplicate=0.3, corrupt=0.5, reorder=(0.2, "1ms"), rate="1G")
    assert lost(Wire(more, seed=3).offer(arrivals, lengths)) == expected
    assert lost(Wire(plain, seed=4).offer(arrivals, lengths)) != expected
    assert lost(Wire(plain, seed=3, direction=1).offer(arrivals, lengths)) != expected


def test_a_full_queue_moves_no_draw(rng: random.Random) -> None:
    arrivals, lengths = [0] * 3000, [1000] * 3000
    free = {v.index for v in Wire(Impairments(loss=0.1), seed=3).offer(arrivals, lengths) if not v.copies}
    tight = Wire(Impairments(loss=0.1, rate="1M", queue="1000p"), seed=3).offer(arrivals, lengths)
    waited = {v.index for v in tight if v.fate is not Fate.QUEUE}
    assert len(waited) == 1001
    assert {v.index for v in tight if v.fate is Fate.LOSS} == free & waited


def within(count: int, n: int, p: float) -> bool:
    return abs(count - n * p) <= 3.5 * (n * p * (1 - p)) ** 0.5


@pytest.mark.parametrize("p", [0.001, 0.01, 0.3])
def test_losses_are_as_many_as_asked_for(p: float) -> None:
    n = 200_000
    wire = Wire(Impairments(loss=p), seed=1)
    wire.offer(range(n), [60] * n)
    assert within(wire.counts().lost, n, p)


def test_bursts_have_their_share_and_their_length() -> None:
    n, p, r = 400_000, 0.01, 0.25
    wire = Wire(Impairments(burst=(p, r)), seed=1)
    flags = [not verdict.copies for verdict in wire.offer(range(n), [60] * n)]
    bursts = sum(flag and not before for before, flag in zip([False, *flags[:-1]], flags, strict=True))
    assert wire.counts().bursts in (bursts, bursts + 1)
    deviation = ((1 - r) / r**2 / bursts) ** 0.5
    assert abs(sum(flags) / bursts - 1 / r) <= 3.5 * deviation
    assert abs(sum(flags) / n - p / (p + r)) < 0.003


def test_bit_errors_hit_long_packets_more() -> None:
    n, ber = 50_000, 1e-5
    for length in (60, 1500):
        wire = Wire(Impairments(bit_errors=ber), seed=1)
        wire.offer(range(n), [length] * n)
        assert within(wire.counts().fates[Fate.BIT_ERROR], n, 1 - (1 - ber) ** (8 * length))


def test_corruption_flips_every_bit_alike() -> None:
    verdicts = Wire(Impairments(corrupt=1), seed=1).offer(range(64_000), [1] * 64_000)
    counts = [sum(v.corrupt_bit == bit for v in verdicts) for bit in range(8)]
    assert all(within(count, 64_000, 1 / 8) for count in counts)


def test_a_rate_is_kept_over_a_long_time() -> None:
    n = 100_000
    verdicts = Wire(Impairments(rate="999983", overhead=24)).offer([0] * n, [100] * n)
    assert verdicts[-1].departure_ns == -(-n * 124 * 8 * SECOND // 999_983)


def test_a_queue_counts_only_what_waits_for_the_rate() -> None:
    """Of ten at once one is being sent, three wait; delay holds nobody up."""
    wire = Wire(Impairments(rate="8k", queue="3p", delay="1000s"))
    verdicts = wire.offer([0] * 10, [1000] * 10)
    assert [v.fate is Fate.DELIVERED for v in verdicts] == [True] * 4 + [False] * 6
    assert [v.departure_ns for v in verdicts[:4]] == [(1000 + i) * SECOND for i in range(1, 5)]


def test_order_is_kept_unless_it_is_not_to_be(rng: random.Random) -> None:
    arrivals, lengths = traffic(rng, 2000)
    jittery = Impairments(delay="10ms", jitter="10ms")
    kept = [v.departure_ns or 0 for v in Wire(jittery, seed=1).offer(arrivals, lengths)]
    free = [v.departure_ns or 0 for v in Wire(jittery.but(keep_order=False), seed=1).offer(arrivals, lengths)]
    assert kept == sorted(kept)
    assert free != sorted(free)


def test_a_configuration_changes_between_two_packets() -> None:
    wire = Wire(Impairments(drop=[1, 3]))
    wire.offer([0, 0], [60, 60])
    wire.configure(Impairments(drop=[0, 3], delay="1us"))
    assert [(v.index, v.fate.name, v.departure_ns) for v in wire.offer([5, 5], [60, 60])] == [
        (2, "DELIVERED", 1005),
        (3, "LISTED", None),
    ]
    wire.configure(Impairments(down=True))
    assert wire.offer([9], [60])[0].fate is Fate.DOWN
    counts = wire.counts()
    assert (counts.offered, counts.delivered, counts.lost, sum(counts.fates.values())) == (5, 2, 3, 5)


def test_time_that_goes_back_stands_still() -> None:
    verdicts = Wire(Impairments(delay="1us")).offer([100, 50, 200], [60] * 3)
    assert [v.departure_ns for v in verdicts] == [1100, 1100, 1200]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"rate": "5furlongs"}, "unit 'furlongs' is not known"),
        ({"rate": "1Gbit/fortnight"}, "not known"),
        ({"rate": 0}, "less than a bit"),
        ({"rate": "-5M"}, "write it like"),
        ({"queue": "100p"}, "without a rate"),
        ({"rate": "1M", "queue": "100"}, "write 100p"),
        ({"loss": 2}, "more than 1"),
        ({"loss": "120%"}, "more than 1"),
        ({"loss": float("nan")}, "not a number"),
        ({"bit_errors": 1.0}, "below 1"),
        ({"burst": (0.1,)}, "is meant"),
        ({"burst": "0.1,0.2"}, "is meant"),
        ({"delay": "20"}, "unit '' is not known"),
        ({"delay": -1}, "less than nothing"),
        ({"jitter": "1ms", "distribution": "cauchy"}, "there are uniform, normal, pareto"),
        ({"reorder": (0.1, "1ms", 3)}, "is meant"),
        ({"overhead": 70_000}, "0 to 65535"),
        ({"drop": [-1]}, "counted from 0"),
    ],
)
def test_what_cannot_be_is_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Impairments(**values)


def test_a_mapping_with_an_unknown_key() -> None:
    assert Impairments.of({"loss": "1%"}) == Impairments(loss="1%")
    with pytest.raises(UsageError, match=r"'los' is none; there are rate, .*loss"):
        Impairments.of({"los": "1%"})


def test_wrong_arguments() -> None:
    with pytest.raises(UsageError, match="2 arrivals and 1 lengths"):
        Wire(Impairments()).offer([1, 2], [60])
    with pytest.raises(UsageError, match="seed"):
        Wire(Impairments(), seed=-1)
    assert replace(Impairments(), loss=0.5).loss == 0.5
