"""Fan-out: packets divided among handles, in one process and in two."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

import pytest

import nmpcap
from nmpcap import DeviceError, UsageError

from ...network import MODES, Network, read


def flows(count: int) -> list[bytes]:
    """UDP packets of so many flows."""
    ethernet = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0"
    return [
        ethernet
        + struct.pack("!BBHHHBBH4s4s", 0x45, 0, 46, i, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
        + struct.pack("!HHHH18x", 1024 + i, 53, 26, 0)
        for i in range(count)
    ]


@pytest.mark.parametrize("mode", ["hash", "lb", "rnd"])
@MODES
def test_fanout_divides_packets(network: Network, mode: str, immediate: bool) -> None:
    a, b = network.veth()
    fanout = nmpcap.Fanout(mode)
    with (
        nmpcap.open(b, fanout=fanout, immediate=immediate) as one,
        nmpcap.open(b, fanout=fanout, immediate=immediate) as other,
        network.raw(a) as sender,
    ):
        assert fanout.group is not None
        assert f"fan-out group {fanout.group} by {mode}" in other.explain().backend
        for data in flows(200):
            sender.send(data)
        parts = [[bytes(p.data) for p in read(capture, 200, 0.3)] for capture in (one, other)]
        assert sorted(parts[0] + parts[1]) == sorted(flows(200))
        assert all(len(part) > 20 for part in parts)


def test_fanout_groups_are_agreed_on(network: Network) -> None:
    a, _ = network.veth()
    with nmpcap.open(a, fanout=nmpcap.Fanout("hash", 77)):
        with pytest.raises(DeviceError, match=f"^{a}: joining fan-out group 77: .*mode"):
            nmpcap.open(a, fanout=nmpcap.Fanout("lb", 77))
        assert network.show(a)["promiscuity"] == 1
    for wrong in (lambda: nmpcap.Fanout("fifo"), lambda: nmpcap.Fanout(group=65536)):
        with pytest.raises(UsageError):
            wrong()
    assert repr(nmpcap.Fanout("cpu", 3, rollover=True)) == "Fanout('cpu', 3, rollover=True)"


def test_fanout_over_two_processes(network: Network) -> None:
    a, b = network.veth()
    fanout = nmpcap.Fanout("lb")
    with nmpcap.open(b, fanout=fanout) as ours, network.raw(a) as sender:
        ready, told = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            try:
                with nmpcap.open(b, fanout=fanout) as theirs:
                    os.write(ready[1], b"x")
                    count = len(read(theirs, 1000, 1))
                os.write(told[1], str(count).encode())
            finally:
                os._exit(0)
        try:
            os.read(ready[0], 1)
            for data in flows(100):
                sender.send(data)
            mine = len(read(ours, 1000, 1))
            theirs = int(os.read(told[0], 10))
        finally:
            os.waitpid(child, 0)
            for fd in (*ready, *told):
                os.close(fd)
        assert mine + theirs == 100
        assert min(mine, theirs) > 20


def test_other_ports_have_no_fanout(port_name: Callable[[str], str]) -> None:
    with pytest.raises(DeviceError, match="fanout is for Linux interfaces"):
        nmpcap.open(port_name("a"), netmap="user", fanout=nmpcap.Fanout())
