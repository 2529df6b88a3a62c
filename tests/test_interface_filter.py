"""Filters on interfaces: what libpcap lets through, refused in the kernel, changed under traffic."""

from __future__ import annotations

import contextlib
import os
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import nmpcap
from nmpcap import Capture, FilterError, PcapError, Program
from nmpcap.dlt import DLT_DOCSIS, DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2

from .bpf.assembler import assemble
from .filter import expressions
from .network import Network
from .oracles import libpcap
from .oracles.live import Captured, Libpcap
from .wire import FAR, NEAR, OUTGOING, Wire, make_frame, tagged

needs_libpcap = pytest.mark.skipif(
    libpcap.library() is None, reason=f"nothing to compare with; to run it: {libpcap.INSTALL}"
)

HEAD = b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"
EVERYDAY = [
    "ip", "ip6", "arp", "not ip", "tcp", "udp", "icmp or icmp6", "port 53", "tcp port 80 or 443",
    "host 10.0.0.1", "net 192.168.0.0/16", "src portrange 1-1024", "tcp[tcpflags] & tcp-syn != 0",
    "ether broadcast", "multicast", "ip multicast", "greater 100", "len <= 60", "ip[2:2] > 100", "stp",
    "ip[8] < 64 and not udp", "ether host 00:11:22:33:44:55", "ether[0] & 1 = 0", "ip protochain 6",
    "vlan", "vlan 5", "vlan and ip", "not vlan", "vlan 5 and udp port 53", "ip or vlan", "vlan and vlan",
    "ether proto 0x88a8", "mpls", "pppoes", "vxlan", "geneve",
    "inbound", "outbound", "inbound and udp", "outbound and vlan",
]  # fmt: skip


@pytest.fixture
def there(network: Network) -> Iterator[Wire]:
    with contextlib.closing(Wire(network)) as made:
        yield made


def datagram(number: int, port: int = 53, size: int = 60) -> bytes:
    payload = struct.pack("!HHHHQ", 40000, port, size - 34, 0, number)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size - 14, 1, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return (HEAD + b"\x08\x00" + ip + payload).ljust(size, b"\0")


def number_of(frame: bytes) -> int:
    return int.from_bytes(frame[42:50], "big")


def read(capture: Capture) -> list[nmpcap.Packet]:
    """What has come, once the last block's time is up."""
    return list(iter(lambda: capture.next(0.05), None))


class Seen(NamedTuple):
    data: bytes
    len: int


def seen(capture: Capture | Libpcap) -> list[Seen]:
    """What is there: where packets are handed over one by one, all that has been sent."""
    packets: Iterable[Captured | nmpcap.Packet]
    packets = iter(lambda: capture.next(0), None) if isinstance(capture, Capture) else capture.read(9999, 0)
    return [Seen(packet.data, packet.len) for packet in packets]


def agree(theirs: list[Seen], ours: list[Seen], text: str) -> bool:
    """Whether both saw the same.

    libpcap judges the first packet after a change above the kernel, too, where it knows no metadata but
    the tag: it then refuses that packet.
    """
    asks = any(word in text for word in ("inbound", "outbound", "ifindex"))
    return theirs == ours or (asks and theirs == ours[1:])


# In the kernel libpcap's programs shift modulo 32; above it, where the first packet is judged once more, the
# variables of tunnels start with whatever is there.
DIFFERS_IN_THE_KERNEL = re.compile(r"<<|>>|geneve|vxlan")


def texts(rng: random.Random, linktype: int) -> Iterator[str]:
    yield from EVERYDAY
    for _ in range(60):
        text = expressions.make_filter(rng, linktype, rng.randrange(3))
        if not DIFFERS_IN_THE_KERNEL.search(text):
            yield text


def same_language(text: str, linktype: int, frames: list[bytes]) -> bool:
    """Whether libpcap, which may be an older one, has the same program in mind, apart from the kernel."""
    if text in EVERYDAY and linktype == DLT_EN10MB and "bound" in text:
        return True
    try:
        theirs, ours = libpcap.compile_filter(text, linktype), nmpcap.compile(text, linktype=linktype)
    except (libpcap.Refused, FilterError):
        return False
    samples = frames + [frame[:12] + frame[16:] for frame in frames if tagged(frame)]
    if linktype != DLT_EN10MB:
        samples = [header_of(linktype, kind) + each[14:] for each in samples for kind in protocols(each)]
    return all(bool(theirs.match(each)) == bool(ours.match(each)) for each in samples)


def protocols(frame: bytes) -> list[bytes]:
    """What Linux calls the protocol of a frame that goes out, and of one that comes in: eth_type_trans()."""
    if int.from_bytes(frame[12:14], "big") >= 0x600:
        return [frame[12:14]]
    return [frame[12:14], b"\x00\x01" if frame[14:16] == b"\xff\xff" else b"\x00\x04"]


def header_of(linktype: int, protocol: bytes) -> bytes:
    return bytes(14) + protocol if linktype == DLT_LINUX_SLL else protocol + bytes(18)


# ---- the same packets as libpcap ---------------------------------------------------------


@needs_libpcap
def test_the_same_packets_as_libpcap(there: Wire, rng: random.Random) -> None:
    both = in_kernel = 0
    with nmpcap.open(NEAR, immediate=True) as ours:
        for text in texts(rng, DLT_EN10MB):
            frames = [make_frame(rng) for _ in range(24)]
            if not same_language(text, DLT_EN10MB, frames):
                continue
            # One handle a filter: libpcap forgets to filter above the kernel where it did so in it before.
            with Libpcap(NEAR, immediate=True) as theirs:
                if not theirs.setfilter(text):
                    continue
                ours.setfilter(text)
                there.send(frames, outgoing=[rng.random() < 0.3 for _ in frames])
                expected, got = seen(theirs), seen(ours)
            assert agree(expected, got, text), shown(ours, text, expected, got)
            both += len(got)
            in_kernel += ours.explain().filter.startswith("in the kernel")
        assert ours.stats().dropped == 0
    assert both > 100
    assert in_kernel > 40


# libpcap loses the header in these: the length and computed places are without it, and of a byte of it a
# whole field is loaded.
LOSES_THE_HEADER = re.compile(r"len|less|greater|geneve|vxlan|byte|\b(link|ether|ppp|slip|fddi|tr|wlan)\[")


@needs_libpcap
@pytest.mark.parametrize("linktype", [DLT_LINUX_SLL, DLT_LINUX_SLL2])
def test_the_same_packets_as_libpcap_on_any(there: Wire, rng: random.Random, linktype: int) -> None:
    both = in_kernel = 0
    with nmpcap.open("any", immediate=True) as ours:
        ours.set_datalink(linktype)
        for text in texts(rng, linktype):
            # libpcap leaves tags out of LINUX_SLL2, and in front of less than 14 bytes; Linux tells its
            # filters and its readers different things about a second tag, and about one in the frame.
            tags = rng.randrange(2) if linktype == DLT_LINUX_SLL else 0
            frames = [make_frame(rng, tags) for _ in range(16)]
            frames = [frame.ljust(34, b"\0") if tagged(frame) else frame for frame in frames]
            if LOSES_THE_HEADER.search(text) or not same_language(text, linktype, frames):
                continue
            with Libpcap("any", immediate=True, linktype=linktype) as theirs:
                if not theirs.setfilter(text):
                    continue
                ours.setfilter(text)
                there.send(frames)
                expected, got = seen(theirs), seen(ours)
            if tags:
                expected = [each for each in expected if each.data[1] != OUTGOING]
                got = [each for each in got if each.data[1] != OUTGOING]
            assert agree(expected, got, text), shown(ours, text, expected, got)
            both += len(got)
            in_kernel += ours.explain().filter.startswith("in the kernel")
    assert both > 100
    assert in_kernel > 40


def shown(ours: Capture, text: str, theirs: list[Seen], got: list[Seen]) -> str:
    lines = [f"{text!r}, {ours.explain().filter}"]
    lines += [f"only libpcap: {packet.data.hex()} of {packet.len}" for packet in theirs if packet not in got]
    lines += [f"only here:    {packet.data.hex()} of {packet.len}" for packet in got if packet not in theirs]
    return "\n".join(lines)


# ---- in the kernel ------------------------------------------------------------------------


def packets_counted(capture: Capture) -> int:
    """What the kernel has put into the ring since this was asked last, or had no room for."""
    sol_packet, packet_statistics = 263, 6
    with socket.socket(fileno=os.dup(capture.fileno())) as same:
        return int(struct.unpack_from("I", same.getsockopt(sol_packet, packet_statistics, 12))[0])


@pytest.mark.parametrize("immediate", [False, True])
@pytest.mark.parametrize("device", [NEAR, "any"])
def test_what_the_kernel_refuses_does_not_reach_the_ring(there: Wire, device: str, immediate: bool) -> None:
    with nmpcap.open(device, immediate=immediate) as capture:
        capture.setfilter("udp port 7 and inbound")
        there.send([datagram(i, port=7 if i % 10 == 0 else 53) for i in range(200)])
        assert packets_counted(capture) == 20
        assert [number_of(p.data[-60:]) for p in read(capture)] == list(range(0, 200, 10))
        stats = capture.stats()
        assert (stats.received, stats.filtered, stats.delivered) == (20, 0, 20)
        capture.setfilter(None)
        there.send([datagram(i) for i in range(50)])
        assert len(read(capture)) == 50 * (2 if device == "any" else 1)


def test_a_program_for_frames_with_their_tags_finds_them(there: Wire) -> None:
    plain = datagram(1)
    tags = (b"", b"\x81\x00\x00\x05", b"\x88\xa8\x00\x06")
    frames = [plain[:12] + tag + plain[12:] for tag in tags]
    by_hand = Program(assemble("ldh [14]\njeq #5, yes, no\nyes: ret #1000\nno: ret #0"))
    for program in (nmpcap.compile("vlan 5 and udp port 53"), by_hand):
        with nmpcap.open(NEAR, immediate=True) as capture:
            capture.setfilter(program)
            assert capture.explain().filter.startswith("in the kernel and in user space")
            there.send(frames)
            assert [p.data for p in read(capture)] == [f for f in frames if program.match(f)] == frames[1:2]
            assert capture.stats().received == 2, "the kernel refuses what has no tag"


@pytest.mark.parametrize("immediate", [False, True])
@pytest.mark.parametrize("snaplen", [1, 14, 64])
def test_a_filter_looks_further_than_the_snapshot_length(there: Wire, snaplen: int, immediate: bool) -> None:
    frames = [datagram(i, size=60 + i) for i in range(0, 1400, 7)]
    frames += [frame[:12] + b"\x81\x00\x00\x05" + frame[12:] for frame in frames]
    with nmpcap.open(NEAR, immediate=immediate, snaplen=snaplen) as capture:
        odd = "udp[15] & 1 = 1"
        for text in ("ether[49] & 1 = 1", odd, f"vlan and {odd}", "not vlan", "ip[2:2] > 800"):
            program = nmpcap.compile(text, live=True)
            wanted = []
            for frame in frames:
                tag = tagged(frame)
                bare = frame[:12] + frame[16:] if tag else frame
                if program.match(bare, ancillary={"vlanp": tag, "vlan_tci": 5 * tag}):
                    wanted.append(Seen(frame[:snaplen], len(frame)))
            capture.setfilter(text)
            there.send(frames)
            assert [Seen(p.data, p.len) for p in read(capture)] == wanted, text
            assert wanted


def test_a_tag_is_found_however_little_is_kept(there: Wire) -> None:
    with nmpcap.open(NEAR, snaplen=1) as capture:
        capture.setfilter(Program(assemble("ldb [0xfffff030]\njeq #1, yes, no\nyes: ret #9999\nno: ret #0")))
        there.send([datagram(0), datagram(1)[:12] + b"\x81\x00\x00\x05" + datagram(1)[12:]])
        assert [Seen(p.data, p.len) for p in read(capture)] == [Seen(b"\x02", 64)]


def test_a_filter_changed_under_traffic(there: Wire, rng: random.Random) -> None:
    """Numbered packets, filters for multiples: those of all of them come, none that the latest refuses."""
    multiples = {2: "udp[15] & 1 = 0", 3: "udp[12:4] % 3 = 0", 5: "udp[12:4] % 5 = 0"}
    total, at_once = 60_000, 100
    arrived: list[int] = []
    sent = threading.Event()

    def flood() -> None:
        for first in range(0, total, at_once):
            there.send([datagram(i) for i in range(first, first + at_once)])
        sent.set()

    with nmpcap.open(NEAR, buffer_size=32 << 20) as capture:
        now = 2
        capture.setfilter(multiples[now])
        sender = threading.Thread(target=flood)
        sender.start()
        changes = 0
        try:
            while True:
                packet = capture.next(0.1)
                if packet is None and sent.is_set():
                    break
                if packet is not None:
                    arrived.append(number_of(packet.data))
                    assert arrived[-1] % now == 0, f"{arrived[-1]} has come after change {changes}"
                if rng.random() < 0.003:
                    now = rng.choice(list(multiples))
                    capture.setfilter(multiples[now])
                    changes += 1
        finally:
            sender.join()
        stats = capture.stats()
    assert arrived == sorted(set(arrived)), "in order, and each once"
    lost = set(range(0, total, 30)) - set(arrived)
    assert len(lost) == stats.dropped == 0
    assert changes > 10
    assert stats.received == stats.delivered + stats.filtered


def test_a_filter_is_changed_in_the_callback(there: Wire) -> None:
    got = []
    with nmpcap.open(NEAR, timeout=0.05) as capture:
        capture.setfilter("udp port 53")

        def take(packet: nmpcap.Packet) -> None:
            got.append(number_of(packet.data))
            if len(got) == 10:
                capture.setfilter("udp[15] & 1 = 1")

        there.send([datagram(i) for i in range(100)])
        while capture.dispatch(-1, take):
            pass
    assert got == [*range(10), *range(11, 100, 2)]


def test_a_second_thread_sets_the_filter_of_one_that_waits(there: Wire) -> None:
    with nmpcap.open(NEAR) as capture:
        capture.setfilter("udp[15] & 1 = 1")
        reader = threading.Thread(target=lambda: capture.next(30))
        reader.start()
        time.sleep(0.1)
        capture.setfilter("udp[15] & 1 = 0")
        there.send([datagram(3)])
        time.sleep(0.1)
        assert reader.is_alive(), "the new filter is there, in both places"
        there.send([datagram(2)])
        reader.join(10)
        assert not reader.is_alive()


# ---- where it does not run there, and why --------------------------------------------------


@pytest.mark.parametrize(
    ("device", "text", "reason"),
    [
        (NEAR, "ip protochain 17", "Linux refuses jumps backwards"),
        (NEAR, "ip[0] << ip[1] != 7 and udp", "Linux shifts by a register modulo 32"),
        (
            NEAR,
            "udp and not (" + " or ".join(f"ip[{i % 40}:4] = {i}" for i in range(4000)) + ")",
            "Linux takes at most 4096 instructions",
        ),
        ("any", "udp and link[13] != 77", "byte 13 of the cooked header is not among what Linux tells"),
        ("any", "udp and link[4:4] != 77777", "bytes 4 to 7 of the cooked header are not among"),
        ("any", "udp and link[udp[0] - 156] != 77", "it computes places that may be in the cooked header"),
    ],
    ids=["backwards", "shift", "long", "address", "straddling", "computed"],
)
def test_what_the_kernel_cannot_do_is_done_above_it(there: Wire, device: str, text: str, reason: str) -> None:
    with nmpcap.open(device) as capture:
        capture.set_datalink(DLT_LINUX_SLL if device == "any" else DLT_EN10MB)
        capture.setfilter("arp")
        capture.setfilter(text)
        assert capture.explain().filter.startswith("in user space, ")
        assert f"(not in the kernel: {reason}" in capture.explain().filter
        there.send([datagram(i) for i in range(5)])
        assert len(read(capture)) == 5 * (2 if device == "any" else 1)


def test_a_kernel_without_memory_for_it_is_done_without(there: Wire) -> None:
    limit = Path("/proc/sys/net/core/optmem_max")
    if not limit.exists():
        pytest.skip("optmem_max is not the namespace's own here; to run it: Linux 6.8")
    with nmpcap.open(NEAR) as capture:
        capture.setfilter("udp port 7")
        limit.write_text("1000")
        capture.setfilter(" or ".join(f"port {port}" for port in range(53, 1000, 2)))
        assert capture.explain().filter.endswith("(not in the kernel: Cannot allocate memory)")
        there.send([datagram(0), datagram(1, port=7)])
        assert [number_of(p.data) for p in read(capture)] == [0]
        # Enough for one such filter, but not for the one before it besides.
        one, other = (" or ".join(f"port {port}" for port in range(first, 1000, 2)) for first in (53, 54))
        enough = 1000
        while not capture.explain().filter.startswith("in the kernel"):
            enough += 500
            limit.write_text(str(enough))
            capture.setfilter(one)
        capture.setfilter(other)
        assert capture.explain().filter.startswith("in the kernel and in user space")


# ---- link types --------------------------------------------------------------------------


def test_link_types_are_those_of_libpcap(there: Wire) -> None:
    for device in (NEAR, "lo", "any"):
        with nmpcap.open(device) as capture:
            ours = capture.list_datalinks()
            assert ours[0] == capture.datalink()
            if libpcap.library() is not None:
                with Libpcap(device) as theirs:
                    assert sorted(ours) == sorted(theirs.datalinks())


def test_all_interfaces_change_their_header_with_the_filter(there: Wire) -> None:
    with nmpcap.open("any") as capture:
        assert capture.datalink() == DLT_LINUX_SLL2
        capture.setfilter("udp port 53 and inbound")
        there.send([datagram(i, port=53 + i % 2) for i in range(20)])
        first = capture.next(1)
        assert (first.linktype, number_of(first.data[-60:])) == (DLT_LINUX_SLL2, 0)
        capture.set_datalink(DLT_LINUX_SLL)
        assert capture.datalink() == DLT_LINUX_SLL
        there.send([datagram(i, port=53 + i % 2) for i in range(20, 40)])
        packets = read(capture)
        assert [number_of(p.data[-60:]) for p in packets] == list(range(2, 40, 2))
        kinds = [p.linktype for p in packets]
        assert kinds == sorted(kinds, reverse=True), "those in the window keep theirs"
        assert kinds[-1] == DLT_LINUX_SLL
        for packet in packets:
            size = 16 if packet.linktype == DLT_LINUX_SLL else 20
            assert packet.data[size:] == datagram(number_of(packet.data[-60:]))[14:]
        assert capture.stats().filtered == 0


def test_a_text_for_one_header_only_or_a_program_is_in_the_way(there: Wire) -> None:
    with nmpcap.open("any") as capture:
        capture.setfilter(nmpcap.compile("udp", linktype=DLT_LINUX_SLL2))
        with pytest.raises(PcapError, match=r"is for link type LINUX_SLL2, the packets are LINUX_SLL$"):
            capture.set_datalink(DLT_LINUX_SLL)
        with pytest.raises(PcapError, match="EN10MB is not one of the DLTs supported by this device"):
            capture.set_datalink(DLT_EN10MB)
        there.send([datagram(0)])
        assert {p.linktype for p in read(capture)} == {DLT_LINUX_SLL2}
    with nmpcap.open(NEAR) as capture:
        capture.setfilter("ether host 02:00:00:00:00:01")
        with pytest.raises(FilterError):
            capture.set_datalink(DLT_DOCSIS)
        capture.setfilter("link[0] = 2")
        capture.set_datalink(DLT_DOCSIS)
        there.send([datagram(0)])
        assert [(p.linktype, p.data) for p in read(capture)] == [(DLT_DOCSIS, datagram(0))]


@pytest.mark.parametrize("linktype", [DLT_LINUX_SLL, DLT_LINUX_SLL2])
def test_a_tag_behind_a_cooked_header_is_not_in_the_way(there: Wire, linktype: int) -> None:
    frames = [datagram(i, port=53 + i % 2) for i in range(8)]
    tagged_frames = [frame[:12] + b"\x88\xa8\xa0\x05" + frame[12:] for frame in frames]
    size, protocol = (16, 14) if linktype == DLT_LINUX_SLL else (20, 0)
    with nmpcap.open("any", immediate=True) as capture:
        capture.set_datalink(linktype)
        capture.setfilter(f"inbound and ip and len = {size + 46}")
        there.send(tagged_frames)
        first = capture.next(1)
        capture.setfilter("inbound and udp dst port 53 and ip[8] = 64")  # over those that wait, too
        there.send(tagged_frames)
        packets = [first, *read(capture)]
    assert [number_of(p.data[-60:]) for p in packets] == [0, 2, 4, 6, 0, 2, 4, 6]
    for packet, frame in zip(packets, 2 * frames[::2], strict=True):
        assert packet.data[protocol : protocol + 2] == b"\x88\xa8"
        assert packet.data[size:] == b"\xa0\x05" + frame[12:]
        assert packet.len == size + 4 + 46


# ---- metadata ----------------------------------------------------------------------------


@pytest.mark.parametrize("linktype", [DLT_LINUX_SLL, DLT_LINUX_SLL2])
def test_the_interface_is_told_apart(there: Wire, linktype: int) -> None:
    near, far = (socket.if_nametoindex(name) for name in (NEAR, FAR))
    for wanted, name in ((near, NEAR), (far, FAR)):
        with nmpcap.open("any") as capture:
            capture.set_datalink(linktype)
            there.send([datagram(0)])  # waits in the ring, and is judged above the kernel
            capture.setfilter(f"ifindex {wanted}")
            assert capture.explain().filter.startswith("in the kernel and in user space")
            there.send([datagram(1), datagram(2)])
            packets = read(capture)
            assert [number_of(p.data[-60:]) for p in packets] == [0, 1, 2]
            assert {capture.interfaces[p.interface].name for p in packets} == {name}


def test_what_waits_in_the_ring_is_judged_by_its_metadata(there: Wire) -> None:
    hatype = assemble("ldh [0xfffff01c]\njeq #1, yes, no\nyes: ret #1\nno: ret #0")
    ifindex = socket.if_nametoindex(NEAR)
    for filter, passing in (
        ("inbound", [0, 2]),
        ("outbound", [1, 3]),
        (f"ifindex {ifindex}", [0, 1, 2, 3]),
        (f"ifindex {ifindex + 1}", []),
        (Program(hatype), [0, 1, 2, 3]),
    ):
        with nmpcap.open(NEAR) as capture:
            there.send([datagram(i) for i in range(4)], outgoing=[False, True, False, True])
            capture.setfilter(filter)
            packets = read(capture)
            assert [p.ts_ns for p in packets] == sorted(p.ts_ns for p in packets)
            assert len(packets) == len(passing)
            if packets and packets[0].caplen > 50:
                assert [number_of(p.data) for p in packets] == passing


def test_metadata_that_only_the_kernel_has_is_refused(there: Wire) -> None:
    with nmpcap.open(NEAR) as capture:
        capture.setfilter("udp port 7")
        with pytest.raises(PcapError, match=r"the filter asks for the packet's metadata \(mark\)"):
            capture.setfilter(Program(assemble("ld [0xfffff014]\nret")))
        there.send([datagram(0), datagram(1, port=7)])
        assert [number_of(p.data) for p in read(capture)] == [1]
