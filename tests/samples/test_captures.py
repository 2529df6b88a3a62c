"""The captures hold what PROVENANCE.md says: those of the project, and those that make.py makes here.

Packets are read with libpcap, through pcapy-ng, and with dpkt.
"""

from __future__ import annotations

import importlib.util
import re
import struct
import subprocess
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path

import dpkt
import pcapy
import pytest
from dpkt.dns import DNS, DNS_A, DNS_AAAA, DNS_CNAME, DNS_MX, DNS_PTR, DNS_RCODE_NXDOMAIN, DNS_TC, DNS_TXT
from dpkt.icmp import ICMP
from dpkt.icmp6 import ICMP6
from dpkt.tcp import TCP, TH_ACK, TH_RST, TH_SYN
from dpkt.udp import UDP

from .datagrams import SERVICE_VLAN, VLAN, Datagram, datagrams, untagged

CAPTURES = Path(__file__).parents[2] / "samples" / "captures"
FILES = ("everyday", "dns", "tls", "fragments", "vlan")
NANOSECONDS = {"fragments"}
CLIENT, SERVER = bytes.fromhex("020000000001"), bytes.fromhex("020000000053")
PROTOCOLS = {1: ICMP, 6: TCP, 17: UDP, 58: ICMP6}


@pytest.fixture(scope="session")
def made_here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("captures")
    done = subprocess.run(
        [sys.executable, CAPTURES / "make.py", made], capture_output=True, text=True, timeout=120, check=False
    )
    if done.stderr.startswith(("make.py needs", "unshare:")):
        pytest.skip(f"captures are not made anew ({done.stderr.strip()}); to run it: see to that, as root")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(params=["committed", "made here"])
def folder(request: pytest.FixtureRequest) -> Path:
    return CAPTURES if request.param == "committed" else request.getfixturevalue("made_here")


@pytest.fixture(params=FILES)
def name(request: pytest.FixtureRequest, folder: Path) -> str:
    skip_what_was_not_made(folder, request.param)
    return request.param


def skip_what_was_not_made(folder: Path, name: str) -> None:
    if folder != CAPTURES and name == "vlan" and not (folder / "vlan.pcap").exists():
        pytest.skip("this kernel has no 802.1Q interfaces; to run it: modprobe 8021q, or another kernel")


def frames(folder: Path, name: str) -> list[bytes]:
    with (folder / f"{name}.pcap").open("rb") as file:
        return [frame for _, frame in dpkt.pcap.Reader(file)]


def said(folder: Path, name: str) -> list[Datagram]:
    return list(datagrams(frames(folder, name)))


def decoded(datagram: Datagram):
    return PROTOCOLS[datagram.protocol](datagram.payload)


def of_protocol(folder: Path, name: str, protocol: type) -> list:
    every = said(folder, name)
    return [(one, decoded(one)) for one in every if PROTOCOLS.get(one.protocol) is protocol]


def stream(folder: Path, name: str, version: int, port: int) -> bytes:
    """What the server said on the TCP connections to one of its ports, first sent bytes first."""
    segments = [
        tcp
        for one, tcp in of_protocol(folder, name, TCP)
        if one.version == version and tcp.sport == port and tcp.data
    ]
    return b"".join({tcp.seq: tcp.data for tcp in segments}.values())


def source() -> object:
    spec = importlib.util.spec_from_file_location("make", CAPTURES / "make.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- every file -----------------------------------------------------------------------


def test_libpcap_and_dpkt_read_the_same(folder: Path, name: str) -> None:
    reader = pcapy.open_offline(str(folder / f"{name}.pcap"))
    assert reader.datalink() == pcapy.DLT_EN10MB
    with (folder / f"{name}.pcap").open("rb") as file:
        for ts, frame in dpkt.pcap.Reader(file):
            header, data = reader.next()
            assert data == frame
            assert header.getlen() == header.getcaplen() == len(frame)
            seconds, microseconds = header.getts()
            assert abs(float(ts) - seconds - microseconds / 1e6) < 2e-6
    assert reader.next()[0] is None


def test_times_ascend_in_the_unit_stated(folder: Path, name: str) -> None:
    magic, *_ = struct.unpack("<I", (folder / f"{name}.pcap").read_bytes()[:4])
    assert magic == (0xA1B23C4D if name in NANOSECONDS else 0xA1B2C3D4)
    with (folder / f"{name}.pcap").open("rb") as file:
        times = [ts for ts, _ in dpkt.pcap.Reader(file)]
    assert times == sorted(times)
    text = (folder / "PROVENANCE.md").read_text()
    unit = "Nanoseconds" if name in NANOSECONDS else "Microseconds"
    assert f"\n## {name}.pcap\n\n{unit}. " in text


def test_the_table_has_packets_and_bytes(folder: Path, name: str) -> None:
    text = (folder / "PROVENANCE.md").read_text()
    row = re.search(rf"^\| `{name}\.pcap` \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    assert row
    assert int(row[1]) == len(frames(folder, name))
    assert int(row[2]) == (folder / f"{name}.pcap").stat().st_size
    assert int(row[2]) <= 100_000


def test_nobody_else_speaks(folder: Path, name: str) -> None:
    for frame in frames(folder, name):
        assert frame[6:12] in (CLIENT, SERVER)
        assert frame[:6] in (CLIENT, SERVER, b"\xff" * 6) or frame.startswith(b"\x33\x33")
        assert len(frame) <= 1514 + 4 * len(untagged(frame)[0])


def test_checksums_are_right_and_nothing_is_missing(folder: Path, name: str) -> None:
    assert len(said(folder, name)) > 10


def test_only_vlan_is_tagged(folder: Path, name: str) -> None:
    assert any(one.tags for one in said(folder, name)) == (name == "vlan")


# ---- each file ------------------------------------------------------------------------


def label(one: Datagram) -> str:
    if not one.version:
        return "addresses"
    packet = decoded(one)
    version = "6" if one.version == 6 else ""
    if isinstance(packet, ICMP | ICMP6):
        return {8: "ping", 0: "ping", 3: "no such port", 128: "ping6", 129: "ping6", 1: "no such port6"}.get(
            packet.type, "addresses"
        )
    port = min(packet.sport, packet.dport)
    return f"{type(packet).__name__}{version} {port if port < 10000 else '...'}"


def test_everyday_has_all_in_order(folder: Path) -> None:
    labels = [label(one) for one in said(folder, "everyday")]
    assert labels[0] == "addresses"
    assert [name for name, _ in groupby(name for name in labels if name != "addresses")] == [
        *("ping", "ping6", "UDP 53", "TCP 80", "UDP 53", "TCP6 80", "TCP 443", "UDP 69", "UDP ..."),
        *("UDP 5353", "no such port", "TCP 81", "TCP 80"),
        *("UDP6 5353", "no such port6", "TCP6 81", "TCP6 80"),
    ]
    assert labels.count("ping") == labels.count("ping6") == 6


def test_everyday_begins_with_arping(folder: Path) -> None:
    first, second, third, _ = (one for one in frames(folder, "everyday")[:4])
    assert [untagged(frame)[2][6:8] for frame in (first, second, third)] == [b"\0\1", b"\0\2", b"\0\1"]
    assert first[:6] == b"\xff" * 6
    assert third[:6] == SERVER


def test_everyday_solicits_neighbours(folder: Path) -> None:
    messages = [icmp.type for _, icmp in of_protocol(folder, "everyday", ICMP6)]
    assert messages[:2] == [135, 136]


def test_everyday_has_the_whole_page_in_full_segments(folder: Path) -> None:
    answers = stream(folder, "everyday", 4, 80)
    assert answers.startswith(b"HTTP/1.0 200 OK\r\n")
    assert answers.endswith(source().PAGE.encode())
    assert sum(len(frame) == 1514 for frame in frames(folder, "everyday")) >= 12
    head = stream(folder, "everyday", 6, 80)
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert head.endswith(b"\r\n\r\n")


def test_everyday_transfers_a_file_over_udp(folder: Path) -> None:
    blocks = {
        udp.data[2:4]: udp.data[4:]
        for _, udp in of_protocol(folder, "everyday", UDP)
        if udp.data.startswith(b"\0\3")
    }
    assert b"".join(blocks.values()) == source().PAGE[:2000].encode()


@pytest.mark.parametrize("version", [4, 6])
def test_everyday_has_unreachable_ports_and_resets(folder: Path, version: int) -> None:
    datagrams = [one for one in said(folder, "everyday") if one.version == version]
    asked = next(one for one in datagrams if label(one).endswith(" 5353"))
    told = next(one for one in datagrams if label(one).startswith("no such port"))
    assert (told.src, told.dst) == (asked.dst, asked.src)
    assert decoded(told).code == (3 if version == 4 else 4)
    assert asked.payload in told.payload
    flags: dict[tuple[int, ...], list[int]] = {}
    for one, tcp in of_protocol(folder, "everyday", TCP):
        if one.version == version:
            flags.setdefault(tuple(sorted((tcp.sport, tcp.dport))), []).append(tcp.flags)
    assert [seen for (port, _), seen in flags.items() if port == 81] == [[TH_SYN, TH_RST | TH_ACK]]
    assert [seen for (port, _), seen in flags.items() if port == 80][-1] == [
        *(TH_SYN, TH_SYN | TH_ACK, TH_ACK, TH_RST | TH_ACK)
    ]


def test_dns_has_the_questions_and_answers(folder: Path) -> None:
    answers = [
        (one.version, DNS(udp.data)) for one, udp in of_protocol(folder, "dns", UDP) if udp.sport == 53
    ]
    assert [
        (version, dns.qd[0].name, dns.qd[0].type, dns.rcode, [answer.type for answer in dns.an])
        for version, dns in answers
    ] == [
        (4, "www.example.test", DNS_A, 0, [DNS_A]),
        (4, "alias.example.test", DNS_A, 0, [DNS_CNAME, DNS_A]),
        (4, "nobody.example.test", DNS_A, DNS_RCODE_NXDOMAIN, []),
        (4, "example.test", DNS_MX, 0, [DNS_MX]),
        (4, "example.test", DNS_TXT, 0, [DNS_TXT]),
        (4, "53.2.0.192.in-addr.arpa", DNS_PTR, 0, [DNS_PTR]),
        (6, "www.example.test", DNS_AAAA, 0, [DNS_AAAA]),
        (4, "long.example.test", DNS_TXT, 0, []),
    ]
    assert [bool(dns.op & DNS_TC) for _, dns in answers] == [False] * 7 + [True]
    over_tcp = stream(folder, "dns", 4, 53)
    assert len(over_tcp) == 2 + int.from_bytes(over_tcp[:2], "big") > 2400
    (answer,) = DNS(over_tcp[2:]).an
    assert "".join(text.decode() if isinstance(text, bytes) else text for text in answer.text) == (
        source().LONG_TEXT.replace(",", "")
    )


def test_tls_has_both_versions(folder: Path) -> None:
    supported_version = bytes.fromhex("002b 0002 0304")
    new, old = stream(folder, "tls", 4, 443), stream(folder, "tls", 6, 443)
    for server_hello in (new, old):
        assert server_hello.startswith(b"\x16\x03\x03")
        assert server_hello[5] == 2
    assert supported_version in new[:200]
    assert supported_version not in old[:200]
    assert len(new) > len(source().PAGE)
    hello = next(
        tcp.data
        for one, tcp in of_protocol(folder, "tls", TCP)
        if one.version == 6 and tcp.dport == 443 and tcp.data
    )
    assert b"www.example.test" in hello


def test_fragments_are_of_pings_and_answers(folder: Path) -> None:
    several = [one for one in said(folder, "fragments") if one.frames > 1]
    assert Counter((PROTOCOLS[one.protocol], one.frames) for one in several) == {
        (ICMP, 3): 4,
        (ICMP6, 3): 4,
        (UDP, 2): 2,
    }
    for one in several:
        if one.protocol == 17:
            assert decoded(one).sport == 53
        else:
            assert len(one.payload) == 8 + 4000


def test_vlan_has_pings_in_each(folder: Path) -> None:
    skip_what_was_not_made(folder, "vlan")
    pings = Counter(
        (one.tags, one.version)
        for one in said(folder, "vlan")
        if one.version and decoded(one).type in (0, 8, 128, 129)
    )
    inside, outside = ((VLAN, 5, 10),), ((SERVICE_VLAN, 0, 20), (VLAN, 0, 30))
    assert pings == {((), 4): 4, (inside, 4): 4, (inside, 6): 4, (outside, 4): 4, (outside, 6): 4}
    assert {one.tags for one in said(folder, "vlan") if not one.version} == {(), inside, outside}
