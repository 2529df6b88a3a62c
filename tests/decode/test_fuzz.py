"""Whatever the bytes: a line, no exception, no end of time."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from nmpcap import dlt
from nmpcap.decode import Printer, printer, table

from . import judge
from .frames import ether, ip4, ip6, over_ip4, over_tcp, over_udp
from .test_lines import CASES

ROUNDS = 3000
OPTIONS = ({}, {"verbose": 3}, {"link_header": True, "verbose": 1}, {"quiet": 1})


def mutated(frame: bytes, rng: random.Random) -> bytes:
    """A frame with a few bytes changed, bytes put in or taken out, or cut off."""
    data = bytearray(frame)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(max(len(data), 1))
        choice = rng.random()
        if choice < 0.6 and data:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif choice < 0.8:
            data[at:at] = rng.randbytes(rng.randint(1, 40))
        else:
            del data[at : at + rng.randint(1, 20)]
    return bytes(data[: rng.choice((len(data), rng.randint(1, max(len(data), 1))))]) or b"\0"


def made_up(rng: random.Random) -> bytes:
    """Random bytes behind the headers that lead to some printer."""
    payload = rng.randbytes(rng.choice((0, 1, 7, 20, 60, 300)))
    tables: tuple[Callable[[], bytes], ...] = (
        lambda: ether(rng.choice(list(table.ETHERTYPES)), payload),
        lambda: over_ip4(rng.choice(list(table.IP_PROTOCOLS)), payload),
        lambda: ether(0x86DD, ip6(rng.choice([0, 43, 44, 60, 135, *table.IP_PROTOCOLS]), payload)),
        lambda: over_udp(rng.choice(list(table.UDP_PORTS)), 1, payload),
        lambda: over_tcp(rng.choice(list(table.TCP_PORTS)), 1, payload),
        lambda: ether(0x0800, ip4(17, payload, options=rng.randbytes(rng.randint(0, 40)))),
        lambda: ether(len(payload), payload),
    )
    return rng.choice(tables)()


@pytest.fixture
def frames(request: pytest.FixtureRequest) -> list[bytes]:
    rng = random.Random(20261201)
    known = [judge.parts(frame)[0] for case in CASES.values() for frame in case.frames[::37]]
    return [mutated(rng.choice(known), rng) if rng.random() < 0.6 else made_up(rng) for _ in range(ROUNDS)]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_frame_has_a_line(frames: list[bytes], options: dict[str, int]) -> None:
    for linktype in table.LINKS:
        show = Printer(linktype, numeric=True, **options)  # type: ignore[arg-type]
        for frame in frames if linktype == dlt.DLT_EN10MB else frames[::8]:
            text = show(frame, len(frame) + 7)
            assert text.strip(), f"no line for {frame.hex()} of link type {linktype}"


def test_only_the_end_of_the_bytes_ends_a_printer(frames: list[bytes]) -> None:
    """A wrong index would pass for the end of the captured bytes: a frame with room behind it has none."""
    show = printer.Printer(dlt.DLT_EN10MB, numeric=True, verbose=3)
    longer = [frame + bytes(4096) for frame in frames]
    cut = sum("[|" in show(frame) for frame in longer)
    assert cut < len(longer) // 2
