"""TCP and UDP, and the IPv4 header around them: every field that changes a line, every cut."""

from __future__ import annotations

import pytest

from . import judge
from .frames import A6, B6, ether, ip4, over_ip4, over_ip6, tcp, udp

OPTIONS = (*judge.ALL, "-n -S", "-n -v -K", "-n -qq")


def segment(payload: bytes = b"", **fields: object) -> bytes:
    return over_ip4(6, tcp(1000, 2000, payload, **fields))  # type: ignore[arg-type]


CONVERSATION = [
    segment(flags=0x02, seq=100),
    over_ip4(6, tcp(2000, 1000, flags=0x12, seq=700, ack=101)),
    segment(flags=0x10, seq=101, ack=701),
    segment(b"request", flags=0x18, seq=101, ack=701),
    over_ip4(6, tcp(2000, 1000, b"answer", flags=0x18, seq=701, ack=108)),
    segment(flags=0x10, seq=101, ack=600),
    segment(flags=0x04, seq=108),
    segment(b"why", flags=0x14, seq=108, ack=707),
    segment(flags=0x12, seq=9, ack=4),
    over_ip6(6, tcp(1, 2, b"six", flags=0x18, source=A6, to=B6)),
]
SEGMENTS = [
    *CONVERSATION,
    *(segment(b"abc", flags=flags, urgent=9) for flags in range(256)),
    *(segment(b"sixteen bytes...", offset=offset, flags=flags) for offset in range(16) for flags in (2, 16)),
    segment(b"abc", cksum=77),
]
DATAGRAMS = [
    *(over_ip4(17, udp(1000, 2000, b"abcd", length=length)) for length in range(16)),
    *(over_ip4(17, udp(1000, 2000, b"abcd", cksum=cksum)) for cksum in (0, 1)),
    *(ether(0x0800, ip4(17, udp(1000, 2000, b"abcd") + b"trail", total=total)) for total in range(0, 60, 3)),
    *(ether(0x0800, ip4(17, udp(1000, 2000, b"abcd"), off=off)) for off in (0x2000, 0x2001, 1, 0xA000)),
]


@pytest.mark.parametrize("options", OPTIONS)
def test_segments(options: str) -> None:
    judge.check(SEGMENTS + [cut for frame in SEGMENTS[::20] for cut in judge.cut(frame)], options)


@pytest.mark.parametrize("options", OPTIONS)
def test_datagrams(options: str) -> None:
    judge.check([cut for frame in DATAGRAMS for cut in judge.cut(frame)], options)
