"""Random filter expressions, biased to boundary values and to what packets.py puts into packets."""

from __future__ import annotations

import random

from .packets import ADDRESSES, ADDRESSES6, MACS, PORTS

_NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    8,
    15,
    17,
    20,
    31,
    32,
    60,
    64,
    127,
    128,
    255,
    256,
    1500,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
_NETS6 = ("2001:db8::/32", "fe80::/10", "::/0", "2001:db8::/127", "2001:db8::1/128", "::/64")
_LINK_PROTOCOLS = (0x800, 0x86DD, 0x806, 0x809B, 0x80F3, 0x8137, 1501, 1500, 0xFE, 0x42, 0xE0, 6, 0x88CC)
_WORDS = [
    "ip",
    "ip6",
    "arp",
    "rarp",
    "tcp",
    "udp",
    "sctp",
    "icmp",
    "icmp6",
    "igmp",
    "pim",
    "ah",
    "esp",
    "vrrp",
    "atalk",
    "aarp",
    "decnet",
    "lat",
    "sca",
    "moprc",
    "mopdl",
    "iso",
    "stp",
    "ipx",
    "netbeui",
    "esis",
    "isis",
    "clnp",
    "l1",
    "l2",
    "iih",
    "lsp",
    "snp",
    "csnp",
    "psnp",
    "broadcast",
    "multicast",
]
_ACCESSORS = ["ip", "ip6", "arp", "tcp", "udp", "icmp", "icmp6", "link", "sctp", "igmp"]
_ENCAPSULATIONS = (
    "vlan",
    "vlan 100",
    "mpls",
    "mpls 100",
    "pppoed",
    "pppoes",
    "pppoes 1",
    "geneve",
    "geneve 5",
)
_OF_LINK_TYPES = {
    **dict.fromkeys(
        (105, 119, 127, 163, 192),
        (
            "type data",
            "type mgt subtype beacon",
            "subtype qos-data",
            "dir tods",
            "dir fromds",
            "wlan ra ff:ff:ff:ff:ff:ff",
            "wlan ta 02:00:00:00:00:01",
            "wlan addr1 00:11:22:33:44:55",
            "wlan addr2 00:11:22:33:44:55",
            "wlan addr3 00:11:22:33:44:55",
            "wlan addr4 00:11:22:33:44:55",
            "llc",
            "llc ui",
            "type 4",
        ),
    ),
    117: (
        "ifname en0",
        "on en1",
        "ruleset rules",
        "rnr 7",
        "srnr 0",
        "reason match",
        "action drop",
        "inbound",
        "outbound",
    ),
    123: (
        "lane",
        "vpi 0",
        "vci > 4",
        "vci (3 or 33)",
        "metac",
        "bcc",
        "oam",
        "oamf4sc",
        "sc",
        "ilmic",
        "connectmsg",
        "metaconnect",
        "llc",
    ),
    **dict.fromkeys(
        (140, 139, 197),
        (
            "fisu",
            "lssu",
            "msu",
            "hfisu",
            "hlssu",
            "hmsu",
            "sio 3",
            "sio > 63",
            "opc 64",
            "dpc (1 or 2)",
            "sls 3",
            "hsio 0",
            "hopc 64",
            "hdpc 2",
            "hsls 15",
            "dpc > 63",
            "opc < 64",
        ),
    ),
    **dict.fromkeys((7, 129), ("link host $05", "link src $00", "link dst $05")),
    **dict.fromkeys((113, 276), ("inbound", "outbound")),
    **dict.fromkeys((1, 10, 6, 11), ("llc", "llc i", "llc s", "llc ui", "llc xid", "llc rr")),
}


def make_number(rng: random.Random) -> int:
    return rng.choice(_NUMBERS)


def make_arithmetic(rng: random.Random, depth: int = 2) -> str:
    choice = rng.random()
    if depth == 0 or choice < 0.45:
        if choice < 0.12:
            return str(make_number(rng))
        if choice < 0.2:
            return "len"
        offset = (
            str(rng.choice((0, 1, 2, 6, 8, 9, 12, 13, 16, 20, 39)))
            if choice < 0.42
            else make_arithmetic(rng, 0)
        )
        return f"{rng.choice(_ACCESSORS)}[{offset}{rng.choice(('', ':1', ':2', ':4'))}]"
    if choice < 0.5:
        return f"- {make_arithmetic(rng, depth - 1)}"
    if choice < 0.55:
        return f"({make_arithmetic(rng, depth - 1)} + {make_number(rng)})"
    operator = rng.choice(["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"])
    right = (
        str(rng.choice((1, 2, 3, 4, 8, 15, 0xF0, 255)))
        if rng.random() < 0.6
        else make_arithmetic(rng, depth - 1)
    )
    return f"{make_arithmetic(rng, depth - 1)} {operator} {right}"


def make_relation(rng: random.Random) -> str:
    operator = rng.choice(("=", "!=", "<", ">", "<=", ">=", "=="))
    right = str(make_number(rng)) if rng.random() < 0.7 else make_arithmetic(rng, 1)
    return f"{make_arithmetic(rng)} {operator} {right}"


def make_primitive(rng: random.Random, linktype: int) -> str:
    direction = rng.choice(("", "", "src ", "dst ", "src or dst ", "src and dst "))
    kind = rng.randrange(14)
    if kind == 0:
        proto = rng.choice(("", "", "ip ", "arp ", "rarp "))
        return f"{proto}{direction}host {rng.choice(ADDRESSES)}"
    if kind == 1:
        return f"{rng.choice(('', 'ip6 '))}{direction}host {rng.choice(ADDRESSES6)}"
    if kind == 2:
        net = rng.choice(
            (
                "10",
                "10.1",
                "192.168.1",
                "10.0.0.0/8",
                "192.168.0.0/16",
                "10.0.0.0/31",
                "0.0.0.0/0",
                "10.0.0.0 mask 255.0.255.0",
            )
        )
        return f"{rng.choice(('', 'ip ', 'arp '))}{direction}net {net}"
    if kind == 3:
        return f"{direction}net {rng.choice(_NETS6)}"
    if kind in (4, 5):
        return f"{rng.choice(('', 'tcp ', 'udp ', 'sctp '))}{direction}port {rng.choice(PORTS)}"
    if kind == 6:
        low, high = rng.choice(PORTS), rng.choice(PORTS)
        return f"{rng.choice(('', 'tcp ', 'udp '))}{direction}portrange {low}-{high}"
    if kind == 7:
        return f"{rng.choice(('', 'ip ', 'ip6 '))}proto {rng.choice((0, 1, 6, 17, 44, 51, 58, 255))}"
    if kind == 8:
        return f"ether proto {rng.choice(_LINK_PROTOCOLS)}"
    if kind == 9:
        return f"ether {direction}host {rng.choice(MACS)}"
    if kind == 10:
        return make_relation(rng)
    if kind == 11:
        return rng.choice(
            (
                "less 60",
                "greater 60",
                "len > 100",
                "ip broadcast",
                "ip multicast",
                "ip6 multicast",
                "byte 0 = 0",
                "byte 12 > 7",
                "iso proto 130",
                "isis proto 16",
                "decnet host 10.123",
                "decnet src 10.123",
                "decnet dst 1.1",
            )
        )
    if kind == 12 and linktype in _OF_LINK_TYPES:
        return rng.choice(_OF_LINK_TYPES[linktype])
    return rng.choice(_WORDS)


def make_filter(rng: random.Random, linktype: int, depth: int = 3) -> str:
    choice = rng.random()
    if depth == 0 or choice < 0.35:
        if choice < 0.05:
            return rng.choice(_ENCAPSULATIONS)
        return make_primitive(rng, linktype)
    if choice < 0.45:
        return f"not {make_filter(rng, linktype, 0)}"
    if choice < 0.55:
        return f"not ({make_filter(rng, linktype, depth - 1)})"
    left, right = make_filter(rng, linktype, depth - 1), make_filter(rng, linktype, depth - 1)
    joint = rng.choice(("and", "or", "and", "or", "&&", "||"))
    return f"({left}) {joint} ({right})" if rng.random() < 0.5 else f"{left} {joint} {right}"
