"""What a ring's packets become: libpcap on the same interface, at the same time, gives the same."""

from __future__ import annotations

import os
import random
import socket
import struct
import time

import pytest

import nmpcap
from nmpcap import Capture, Packet

from ...network import MODES, Network, frame, read
from ...oracles.live import Captured, Libpcap

DLT_EN10MB, DLT_RAW, DLT_LINUX_SLL, DLT_LINUX_SLL2 = 1, 12, 113, 276
CLOSE_NS = 50_000_000  # two sockets look at the clock one after the other, on a machine that may be busy


def some_frames(rng: random.Random, count: int) -> list[bytes]:
    """Frames of all sizes, some with one or two VLAN tags, some of 802.1ad's."""
    tags = ((), (), ((0x8100, 5),), ((0x8100, 0xE123),), ((0x88A8, 7), (0x8100, 8)), ((0x8100, 0),))
    return [frame(i, rng.choice([14, 60, 61, 128, 1499, 1506]), tags=rng.choice(tags)) for i in range(count)]


def same(ours: list[Packet], theirs: list[Captured]) -> None:
    assert [bytes(p.data) for p in ours] == [c.data for c in theirs]
    assert [p.len for p in ours] == [c.len for c in theirs]
    assert max(abs(p.ts_ns - c.ts_ns) for p, c in zip(ours, theirs, strict=True)) < CLOSE_NS


@MODES
@pytest.mark.parametrize("snaplen", [262144, 96, 20, 13, 5])
def test_packets_are_libpcaps(network: Network, rng: random.Random, immediate: bool, snaplen: int) -> None:
    a, b = network.veth()
    frames = some_frames(rng, 200)
    with (
        Libpcap(b, snaplen=snaplen, immediate=immediate) as theirs,
        nmpcap.open(b, snaplen=snaplen, immediate=immediate) as ours,
        network.raw(a) as sender,
    ):
        for data in frames:
            sender.send(data)
        packets = read(ours, len(frames))
        if snaplen >= 12:  # libpcap leaves the tag out of len where it does not fit what is captured
            same(packets, theirs.read(len(frames)))
        assert ours.datalink() == DLT_EN10MB
        assert [p.len for p in packets] == list(map(len, frames))
        assert [bytes(p.data) for p in packets] == [data[:snaplen] for data in frames]
        assert not any(p.outgoing for p in packets)
        assert ours.next(0.05) is None


def test_pcapy_sees_the_same(network: Network, rng: random.Random) -> None:
    pcapy = pytest.importorskip("pcapy", reason="no pcapy-ng; to run it: pip install '.[test]'")
    a, b = network.veth()
    frames = some_frames(rng, 100)
    theirs = pcapy.open_live(b, 65535, True, 10)
    seen: list[tuple[bytes, int, int]] = []
    with nmpcap.open(b) as ours, network.raw(a) as sender:
        for data in frames:
            sender.send(data)
        packets = read(ours, len(frames))
        until = time.monotonic() + 5
        theirs.setnonblock(True)
        while len(seen) < len(frames) and time.monotonic() < until:
            theirs.dispatch(-1, lambda h, data: seen.append((data, h.getlen(), h.getts()[0])))
    theirs.close()
    assert [(bytes(p.data), p.len) for p in packets] == [(data, length) for data, length, _ in seen]
    assert all(abs(p.ts_ns // 10**9 - seconds) <= 1 for p, (_, _, seconds) in zip(packets, seen, strict=True))


@MODES
def test_packets_larger_than_the_mtu_are_whole(network: Network, immediate: bool) -> None:
    """Receive offload makes one packet of many, and lo has an MTU of 64 KiB."""
    with (
        Libpcap("lo", immediate=immediate) as theirs,
        nmpcap.open("lo", immediate=immediate) as ours,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        for size in (10, 60000, 200, 9000, 50000, 9200):
            sender.sendto(os.urandom(size), ("127.0.0.1", 9))
        packets = [p for p in read(ours, 12, 0.5) if bytes(p.data)[23] == socket.IPPROTO_UDP]
        assert [p.caplen - 42 for p in packets] == [10, 60000, 200, 9000, 50000, 9200]
        same(packets, [c for c in theirs.read(12, 0.5) if c.data[23] == socket.IPPROTO_UDP])


def test_lo_is_seen_once(network: Network) -> None:
    for name in ("lo", "any"):
        with nmpcap.open(name) as capture, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("127.0.0.1", 0))
            sender.sendto(b"once", sender.getsockname())
            packets = read(capture, 2, 0.2)
            assert len(packets) == 1
            assert bytes(packets[0].data).endswith(b"once")
            assert not packets[0].outgoing


@MODES
@pytest.mark.parametrize("linktype", [DLT_LINUX_SLL2, DLT_LINUX_SLL])
def test_any_is_all_interfaces(network: Network, rng: random.Random, linktype: int, immediate: bool) -> None:
    a, b = network.veth()
    # Tags in SLL2: libpcap 1.10.3 leaves them out.
    tags = () if linktype == DLT_LINUX_SLL2 else ((0x8100, 5),)
    frames = [frame(i, rng.choice([60, 1514]), tags=rng.choice([(), tags])) for i in range(50)]
    with (
        # With a larger snaplen its immediate ring has room for eight packets.
        Libpcap("any", snaplen=2000, linktype=linktype, immediate=immediate) as theirs,
        nmpcap.open("any", snaplen=2000, immediate=immediate) as ours,
        network.raw(a) as sender,
    ):
        use_linktype(ours, linktype)
        for data in frames:
            sender.send(data)
        packets = read(ours, 2 * len(frames))
        same(packets, theirs.read(2 * len(frames)))
        assert {p.linktype for p in packets} == {linktype}
        assert [i.name for i in ours.interfaces] == [a, b]
        assert [(p.interface, p.outgoing) for p in packets] == [(0, True), (1, False)] * len(frames)


def use_linktype(capture: Capture, linktype: int) -> None:
    from nmpcap._core import lib

    assert capture.datalink() == DLT_LINUX_SLL2
    assert lib.nm_packet_set_linktype(capture._port._source, linktype) == 0


def test_a_tag_of_a_cooked_packet_is_put_back(network: Network) -> None:
    a, _ = network.veth()
    with nmpcap.open("any") as capture, network.raw(a) as sender:
        sender.send(frame(1, tags=((0x8100, 0x2005),)))
        came = [bytes(p.data) for p in read(capture, 2)]
    sent, received = came
    assert received[:2] == b"\x81\0"
    assert received[20:24] == b"\x20\x05\x88\xb5"
    # The copy that went out had its tag in place: the same bytes after the header.
    assert sent[20:] == received[20:]


def test_a_tunnel_is_raw_ip(network: Network) -> None:
    fd = os.open("/dev/net/tun", os.O_RDWR) if os.path.exists("/dev/net/tun") else -1
    if fd < 0:
        pytest.skip("no /dev/net/tun; to run it: modprobe tun")
    try:
        import fcntl

        fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", b"tun7", 0x1001))  # TUNSETIFF, IFF_TUN | IFF_NO_PI
        network.ip("link", "set", "tun7", "up")
        packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20, 1, 0, 64, 59, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
        with Libpcap("tun7") as theirs, nmpcap.open("tun7") as ours:
            os.write(fd, packet)
            assert ours.datalink() == DLT_RAW
            packets = read(ours, 1)
            assert bytes(packets[0].data) == packet
            same(packets, theirs.read(1))
    finally:
        os.close(fd)
