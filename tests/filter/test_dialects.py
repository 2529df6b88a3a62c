"""What is not plain pcap-filter: live handles, files, and the two switches."""

from __future__ import annotations

import struct

import pytest

import nmpcap
from nmpcap import FilterError

MACS = bytes.fromhex("020000000002020000000001")
IP = bytes.fromhex("4500002800014000400600000a0000010a00000204000050") + bytes(16)
IP6 = bytes.fromhex("6000000000140640") + bytes(15) + b"\1" + bytes(15) + b"\2"
TCP = struct.pack(">HHIIBBHHH", 1024, 80, 1, 2, 0x50, 2, 512, 0, 0)

PLAIN = MACS + b"\x08\x00" + IP
TAGGED = MACS + b"\x81\x00\x00\x05\x08\x00" + IP
TWICE = MACS + b"\x88\xa8\x00\x07\x81\x00\x00\x05\x08\x00" + IP


def extended(*headers: bytes, first: int) -> bytes:
    return MACS + b"\x86\xdd" + IP6[:6] + bytes((first,)) + IP6[7:] + b"".join(headers) + TCP


HOP_BY_HOP = extended(bytes((6, 0)) + bytes(6), first=0)
OPTIONS_AND_ROUTING = extended(bytes((43, 1)) + bytes(14), bytes((6, 0)) + bytes(6), first=60)
AUTHENTICATED = extended(bytes((6, 1)) + bytes(10), first=51)
FIRST_FRAGMENT = extended(bytes((6, 0, 0, 1)) + bytes(4), first=44)
LATER_FRAGMENT = extended(bytes((6, 0, 0, 8)) + bytes(4), first=44)
NO_NEXT = extended(bytes((59, 0)) + bytes(6), first=0)
SIX = extended(first=6)


@pytest.mark.parametrize("optimize", [False, True])
def test_scoped_encapsulation_ends_with_its_operands(optimize: bool) -> None:
    def match(text: str, packet: bytes, *, scoped: bool) -> bool:
        return bool(nmpcap.compile(text, scoped=scoped, optimize=optimize).match(packet))

    for text in (
        "vlan or ip",
        "(vlan and ip) or ip",
        "not vlan and ip",
        "(vlan and tcp or arp) or tcp port 80",
    ):
        assert match(text, PLAIN, scoped=True), text
        assert not match(text, PLAIN, scoped=False), text
    for text in (
        "vlan and ip",
        "vlan 5 and tcp port 80",
        "vlan and (arp or ip)",
        "(vlan) and ip",
        "vlan and (tcp and ip)",
    ):
        assert match(text, TAGGED, scoped=True), text
        assert not match(text, PLAIN, scoped=True), text
    assert match("vlan 7 and vlan 5 and ip or arp", TWICE, scoped=True)
    assert not match("vlan 5 or vlan 6", TWICE, scoped=True)
    assert match("vlan 7 or vlan 6", TWICE, scoped=True)


@pytest.mark.parametrize("optimize", [False, True])
def test_extension_headers_are_looked_through(optimize: bool) -> None:
    def matching(text: str, **switches: bool) -> list[str]:
        program = nmpcap.compile(text, optimize=optimize, **switches)
        return [name for name, packet in frames.items() if program.match(packet)]

    frames = {
        "plain": SIX,
        "hop": HOP_BY_HOP,
        "two": OPTIONS_AND_ROUTING,
        "ah": AUTHENTICATED,
        "first": FIRST_FRAGMENT,
        "later": LATER_FRAGMENT,
        "none": NO_NEXT,
        "four": PLAIN,
    }
    found = ["plain", "hop", "two", "ah", "first"]
    assert matching("ip6 and port 80") == ["plain"]
    assert matching("ip6 and port 80", extension_headers=True) == found
    assert matching("tcp dst port 80", extension_headers=True) == [*found, "four"]
    assert matching("ip6 and tcp", extension_headers=True) == [*found, "later"]
    assert matching("tcp[tcpflags] & tcp-syn != 0 and ip6", extension_headers=True) == found
    assert matching("tcp[2:2] = 80", extension_headers=True) == [*found, "four"]
    assert matching("udp port 80", extension_headers=True) == []
    assert matching("port 81", extension_headers=True) == []


@pytest.mark.parametrize("optimize", [False, True])
def test_live_vlan_tags_are_found_in_metadata_too(optimize: bool) -> None:
    beside = {"vlanp": 1, "vlan_tci": 0x6005}
    nothing = {"vlanp": 0, "vlan_tci": 0}

    def match(text: str, packet: bytes, ancillary: dict[str, int]) -> bool:
        program = nmpcap.compile(text, live=True, optimize=optimize)
        return bool(program.match(packet, ancillary=ancillary))

    for text in ("vlan", "vlan 5", "vlan and ip", "vlan 5 and tcp port 80", "vlan and host 10.0.0.1"):
        assert match(text, PLAIN, beside), text
        assert match(text, TAGGED, nothing), text
        assert not match(text, PLAIN, nothing), text
    assert not match("vlan 6", PLAIN, beside)
    assert match("vlan and vlan 5 and ip", TAGGED, beside)
    assert match("ip or vlan", PLAIN, nothing)
    with pytest.raises(FilterError, match="variable length"):
        nmpcap.compile("vlan and protochain 6", live=True)


def test_live_direction_and_interface_are_metadata() -> None:
    for text, key, value in (("outbound", "type", 4), ("inbound", "type", 0), ("ifindex 7", "ifidx", 7)):
        program = nmpcap.compile(text, live=True)
        assert program.match(PLAIN, ancillary={key: value})
        assert not program.match(PLAIN, ancillary={key: 4 - value if key == "type" else 8})
        with pytest.raises(FilterError, match="not supported"):
            nmpcap.compile(text)


@pytest.mark.parametrize("linktype", [0, 108, 109])
def test_files_may_come_from_other_systems(linktype: int) -> None:
    header = 12 if linktype == 109 else 4
    for family in (24, 28, 30, 10):
        for order in ("<I", ">I"):
            packet = struct.pack(order, family) + bytes(header - 4) + IP6 + TCP
            saved = nmpcap.compile("ip6", linktype=linktype, savefile=True).match(packet)
            assert bool(saved) == (family != 10 and (order == ">I" or linktype != 108))
    native = struct.pack(">I" if linktype == 108 else "=I", 10) + bytes(header - 4) + IP6
    assert nmpcap.compile("ip6", linktype=linktype).match(native)


def test_netmask_and_snaplen() -> None:
    network = MACS + b"\x08\x00" + IP[:16] + bytes((10, 0, 0, 255)) + IP[20:]
    assert nmpcap.compile("ip broadcast", netmask=0xFFFFFF00).match(network) == 262144
    assert nmpcap.compile("ip broadcast", netmask=0xFFFF0000).match(network) == 0
    assert nmpcap.compile("ip broadcast", netmask=0).match(MACS + b"\x08\x00" + IP[:16] + b"\xff" * 4)
    for netmask in (None, 0xFFFFFFFF):
        with pytest.raises(FilterError, match="netmask not known"):
            nmpcap.compile("ip broadcast", netmask=netmask)
    assert nmpcap.compile("ip", snaplen=96).match(PLAIN) == 96
    with pytest.raises(FilterError, match="snaplen of 0"):
        nmpcap.compile("ip", snaplen=0)
