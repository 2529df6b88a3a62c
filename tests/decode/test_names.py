"""Names of Ethernet addresses and ports, without -n, as tcpdump has them."""

from __future__ import annotations

import pytest

from nmpcap.decode import Printer

from . import judge
from .frames import ether, over_udp

ADDRESSES = [
    bytes.fromhex(text)
    for text in ("00000c010203", "00005e000101", "080009010203", "ffffffffffff", "123456789abc")
]


@pytest.mark.parametrize("options", ["-e", "-q -e"])
def test_vendors(options: str) -> None:
    frames = [ether(0x88B5, b"payload", source, to) for source in ADDRESSES for to in ADDRESSES]
    judge.check(frames, options)


def test_hosts_and_ports_have_names_only_without_n() -> None:
    asked = []

    def host(address: bytes) -> str | None:
        asked.append(address)
        return "a.example" if address[-1] == 1 else None

    frame = over_udp(1000, 69, b"\0\4\0\1")
    assert Printer(1, host=host)(frame).startswith("IP a.example.1000 > 10.0.0.2.")
    assert Printer(1, host=host, short_names=True)(frame).startswith("IP a.1000 > ")
    count = len(asked)
    assert Printer(1, host=host, numeric=True)(frame).startswith("IP 10.0.0.1.1000 > 10.0.0.2.69: ")
    assert len(asked) == count
