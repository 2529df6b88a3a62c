"""Random packets of every link type, biased to what filters look at: boundaries, few values, cut short."""

from __future__ import annotations

import random
import struct

ADDRESSES = (
    "10.0.0.1",
    "10.0.0.2",
    "10.1.2.3",
    "192.168.1.1",
    "192.168.1.255",
    "224.0.0.1",
    "255.255.255.255",
    "0.0.0.0",
)
ADDRESSES6 = ("2001:db8::1", "2001:db8::2", "fe80::1", "ff02::1", "::", "2001:db8:1::1")
MACS = ("00:11:22:33:44:55", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:00:00:00:00:01")
PORTS = (0, 21, 22, 53, 80, 443, 1023, 1024, 4789, 6081, 65535)
IP_PROTOCOLS = (1, 2, 6, 9, 17, 50, 51, 58, 103, 112, 132, 0, 44, 255)

IP, IP6, ARP, RARP = 0x0800, 0x86DD, 0x0806, 0x8035
_OTHER_TYPES = (
    0x809B,
    0x80F3,
    0x8137,
    0x6003,
    0x6004,
    0x88CC,
    0x8863,
    0x8864,
    0x8847,
    0x9000,
    1500,
    1501,
    0x42,
)


def _ip4(rng: random.Random) -> bytes:
    return bytes(int(part) for part in rng.choice(ADDRESSES).split("."))


def _ip6(rng: random.Random) -> bytes:
    import socket

    return socket.inet_pton(socket.AF_INET6, rng.choice(ADDRESSES6))


def mac(rng: random.Random) -> bytes:
    return bytes.fromhex(rng.choice(MACS).replace(":", ""))


def noise(rng: random.Random, most: int = 24) -> bytes:
    return bytes(
        rng.choice((0, 1, 4, 6, 8, 0x7F, 0x80, 0xAA, 0xFF, rng.randrange(256)))
        for _ in range(rng.randrange(most + 1))
    )


def transport(rng: random.Random, protocol: int, depth: int) -> bytes:
    if protocol in (6, 17, 132):
        ports = struct.pack(">HH", rng.choice(PORTS), rng.choice(PORTS))
        if protocol == 17 and depth < 2 and rng.random() < 0.3:
            return tunnel(rng, depth)
        if protocol == 6:
            flags = rng.choice((0, 1, 2, 4, 0x10, 0x12, 0x18, 0xFF))
            return (
                ports
                + struct.pack(">IIBBHHH", 1, 2, rng.choice((0x50, 0x60, 0xF0, 0)), flags, 512, 0, 0)
                + noise(rng)
            )
        return ports + struct.pack(">HH", 8, 0) + noise(rng)
    return bytes((rng.choice((0, 3, 8, 11, 128, 129, 135)), rng.choice((0, 1, 4)))) + noise(rng, 40)


def tunnel(rng: random.Random, depth: int) -> bytes:
    port = rng.choice((6081, 4789))
    udp = struct.pack(">HHHH", rng.choice(PORTS), port, 8, 0)
    vni = rng.choice((0, 5, 0xFFFFFF)) << 8
    if port == 4789:
        return udp + struct.pack(">BxxxI", rng.choice((8, 8, 8, 0, 0x88)), vni) + ethernet(rng, depth + 1)
    options = rng.choice((0, 0, 1, 2))
    inner_type = rng.choice((0x6558, 0x6558, IP, IP6))
    header = struct.pack(">BBHI", options | rng.choice((0, 0, 0, 0x40)), 0, inner_type, vni) + bytes(
        4 * options
    )
    if inner_type == 0x6558:
        return udp + header + ethernet(rng, depth + 1)
    return udp + header + network(rng, inner_type, depth + 1)


def ipv4(rng: random.Random, depth: int = 0) -> bytes:
    options = rng.choice((0, 0, 0, 1, 10))
    protocol = rng.choice(IP_PROTOCOLS)
    fragment = rng.choice((0, 0, 0, 0x2000, 0x4000, 1, 0x1000, 0x1FFF, 0x2001))
    header = struct.pack(
        ">BBHHHBBH",
        0x45 + options if rng.random() < 0.95 else rng.randrange(256),
        0,
        rng.choice((20, 40, 576, 1500)),
        rng.randrange(65536),
        fragment,
        64,
        protocol,
        0,
    )
    header += _ip4(rng) + _ip4(rng) + bytes(4 * options)
    if protocol == 51:
        return header + extension_headers(rng, 51, depth)
    return header + transport(rng, protocol, depth)


def extension_headers(rng: random.Random, first: int, depth: int) -> bytes:
    data, kind = b"", first
    for _ in range(rng.randrange(4)):
        if kind not in (0, 43, 44, 51, 60):
            break
        following = rng.choice((0, 43, 44, 51, 60, 6, 17, 58, 59))
        length = rng.choice((0, 0, 1))
        size = 4 * (length + 2) if kind == 51 else 8 * (length + 1)
        body = bytes((following, length)) + (b"\0\0" if rng.random() < 0.7 else b"\0\x09")
        data += body + bytes(size - 4)
        kind = following
    return data + transport(rng, kind, depth)


def ipv6(rng: random.Random, depth: int = 0) -> bytes:
    protocol = rng.choice(IP_PROTOCOLS)
    header = struct.pack(">IHBB", 0x60000000, 40, protocol, 64) + _ip6(rng) + _ip6(rng)
    if protocol in (0, 43, 44, 51, 60):
        return header + extension_headers(rng, protocol, depth)
    return header + transport(rng, protocol, depth)


def arp(rng: random.Random) -> bytes:
    return (
        struct.pack(">HHBBH", 1, 0x800, 6, 4, rng.choice((1, 2)))
        + mac(rng)
        + _ip4(rng)
        + mac(rng)
        + _ip4(rng)
    )


def decnet(rng: random.Random) -> bytes:
    address = struct.pack("<H", rng.choice((10, 1, 63)) << 10 | rng.choice((1, 123, 1023)))
    other = struct.pack("<H", 10 << 10 | 123)
    pad = rng.choice((b"", b"\x81"))
    if rng.random() < 0.5:
        return b"\0\0" + pad + b"\x02" + address + other + noise(rng)
    return b"\0\0" + pad + b"\x06" + bytes(6) + address + bytes(6) + other + noise(rng)


def llc(rng: random.Random, protocol: int, depth: int = 0) -> bytes:
    if protocol > 1500:
        snap = b"\xaa\xaa\x03" + rng.choice((b"\0\0\0", b"\x08\0\x07")) + struct.pack(">H", protocol)
        return snap + network(rng, protocol, depth)
    sap = protocol & 0xFF
    first = bytes((sap, rng.choice((sap, 0xAA)), rng.choice((0x03, 0x01, 0x05, 0x00, 0x7F, 0xE3))))
    if rng.random() < 0.2:
        first = b"\xff\xff\0"
    return (
        first
        + bytes((rng.choice((0x81, 0x82, 0x83)), 0, 0, 0, rng.choice((15, 16, 17, 18, 24, 27))))
        + noise(rng)
    )


def network(rng: random.Random, protocol: int, depth: int = 0) -> bytes:
    if protocol == IP:
        return ipv4(rng, depth)
    if protocol == IP6:
        return ipv6(rng, depth)
    if protocol in (ARP, RARP):
        return arp(rng)
    if protocol == 0x6003:
        return decnet(rng)
    if protocol in (0x8100, 0x88A8, 0x9100):
        inner = ethertype(rng)
        return struct.pack(">HH", rng.choice((0, 1, 100, 0xFFF, 0x2064)), inner) + network(rng, inner, depth)
    if protocol in (0x8847, 0x0281):
        labels = b"".join(
            struct.pack(">I", rng.choice((0, 100, 0xFFFFF)) << 12) for _ in range(rng.randrange(3))
        )
        last = struct.pack(">I", rng.choice((0, 100, 0xFFFFF)) << 12 | 0x100)
        return labels + last + rng.choice((ipv4, ipv6))(rng, depth)
    if protocol == 0x8864:
        ppp = rng.choice(((0x21, IP), (0x57, IP6), (0x0281, 0x0281), (0xC021, 0)))
        return struct.pack(">BBHHH", 0x11, 0, rng.choice((0, 1, 0xFFFF)), 40, ppp[0]) + network(
            rng, ppp[1], depth
        )
    return noise(rng, 60)


def ethertype(rng: random.Random) -> int:
    return rng.choice(
        (IP,) * 6 + (IP6,) * 5 + (ARP, RARP, 0x8100, 0x88A8, 0x9100, 0x8847, 0x8864, rng.choice(_OTHER_TYPES))
    )


def ethernet(rng: random.Random, depth: int = 0, tag: bytes = b"") -> bytes:
    head = mac(rng) + mac(rng) + tag
    kind = ethertype(rng)
    if kind <= 1500 or rng.random() < 0.1:
        return (
            head
            + struct.pack(">H", rng.choice((0, 40, 1500)))
            + llc(rng, rng.choice((0xFE, 0x42, 0xE0, 0xF0, 6, 0xAA, kind)), depth)
        )
    return head + struct.pack(">H", kind) + network(rng, kind, depth)


def _with_type(
    rng: random.Random, before: bytes, codes: dict[int, int], size: int, after: bytes = b""
) -> bytes:
    kind = rng.choice((*codes, 0))
    code = codes.get(kind, rng.randrange(1 << 8 * size))
    return before + code.to_bytes(size, "big") + after + network(rng, kind)


_PPP = {IP: 0x21, IP6: 0x57, 0x6003: 0x27, 0x809B: 0x29, 0x0281: 0x0281}


def _ethertyped(rng: random.Random, before: bytes, after: bytes) -> bytes:
    kind = ethertype(rng)
    return before + struct.pack(">H", kind) + after + network(rng, kind)


def _sll(rng: random.Random) -> bytes:
    head = struct.pack(">HHH", rng.choice((0, 1, 4)), 1, 6) + bytes(8)
    kind = rng.choice((4, 1, ethertype(rng), ethertype(rng), ethertype(rng)))
    body = llc(rng, rng.choice((0xFE, 0x42, 0xE0, 0xF0, 0x809B, IP))) if kind == 4 else network(rng, kind)
    return head + struct.pack(">H", kind) + body


def _sll2(rng: random.Random) -> bytes:
    kind = ethertype(rng)
    head = struct.pack(">HHIHBB", kind, 0, rng.choice((1, 2)), 1, rng.choice((0, 4)), 6)
    return head + bytes(8) + network(rng, kind)


def _ipnet(rng: random.Random) -> bytes:
    family, kind = rng.choice(((2, IP), (26, IP6), (0, 0)))
    return struct.pack(">BBH", 0, family, rng.choice((1, 2))) + bytes(20) + network(rng, kind)


def wlan(rng: random.Random) -> bytes:
    fc0 = rng.choice((0x08, 0x08, 0x88, 0x88, 0x00, 0x40, 0x80, 0xB4, 0xC4, 0xD4, 0x0C, rng.randrange(256)))
    fc1 = rng.choice((0, 1, 2, 3))
    head = bytes((fc0, fc1, 0, 0)) + mac(rng) + mac(rng) + mac(rng) + b"\0\0"
    if fc1 == 3 and rng.random() < 0.5:
        head += mac(rng)
    if fc0 & 0x8C == 0x88:
        head += b"\0\0"
    return head + llc(rng, rng.choice((ethertype(rng), ethertype(rng), 0xFE, 0x42)))


def _radiotap(rng: random.Random) -> bytes:
    present = rng.choice((0, 2, 3, 0x80000002, 0x6F))
    body = bytes(rng.choice((0, 0x20)) for _ in range(rng.choice((0, 9, 10, 16))))
    head = struct.pack("<BBHI", 0, 0, 8 + len(body), present) + body
    frame = wlan(rng)
    return head + (frame[:24] + bytes(rng.choice((0, 2))) + frame[24:])


def _prism(rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return struct.pack(">II", 0x80211001, 64) + bytes(56) + wlan(rng)
    return b"\0\0\0\x44" + bytes(140) + wlan(rng)


def _ppi(rng: random.Random) -> bytes:
    extra = rng.choice((0, 4))
    return struct.pack("<BBHI", 0, 0, 8 + extra, rng.choice((105, 105, 1))) + bytes(extra) + wlan(rng)


def _pflog(rng: random.Random) -> bytes:
    family = rng.choice(((2, IP), (10, IP6), (24, IP6), (0, 0)))
    head = bytes((rng.choice((61, 64, 48, 45)), family[0], rng.randrange(11), rng.randrange(16)))
    head += rng.choice((b"en0", b"en10", b"lo")).ljust(16, b"\0") + rng.choice((b"", b"rules")).ljust(
        16, b"\0"
    )
    head += (
        struct.pack(">II", rng.choice((0, 7, 0xFFFFFFFF)), rng.choice((0, 7)))
        + bytes(16)
        + bytes((rng.randrange(3), 0, 0, 0))
    )
    return head[: head[0] + 3 & ~3].ljust(head[0] + 3 & ~3, b"\0") + network(rng, family[1])


def _sunatm(rng: random.Random) -> bytes:
    kind = rng.choice((1, 2, 2, 5, 0x81))
    head = struct.pack(">BBH", kind, rng.choice((0, 0, 5)), rng.choice((1, 2, 3, 4, 5, 16, 33)))
    if kind & 15 == 1:
        return head + rng.choice((b"\0\x01", b"\xff\0")) + ethernet(rng)
    if kind & 15 == 2:
        return head + llc(rng, rng.choice((ethertype(rng), 0xFE)))
    return head + bytes(5) + bytes((rng.choice((5, 2, 7, 15, 0x4D, 0x5A, 0)),)) + noise(rng)


def _mtp2(rng: random.Random, before: int) -> bytes:
    return (
        bytes(before)
        + noise(rng, 2)
        + bytes(rng.choice((0, 1, 2, 3, 63, 64, 0x80, rng.randrange(256))) for _ in range(14))
    )


def _null(rng: random.Random, order: str, size: int) -> bytes:
    family = rng.choice(((2, IP), (10, IP6), (24, IP6), (28, IP6), (30, IP6), (0, 0)))
    return (
        struct.pack(rng.choice((order, order, "<I", ">I")), family[0])
        + bytes(size - 4)
        + network(rng, family[1])
    )


def _raw(rng: random.Random, size: int) -> bytes:
    body = rng.choice((ipv4, ipv6))(rng)
    return bytes((rng.choice((0, 1, body[0])),)) + bytes(size - 1) + body if size else body


def _juniper(rng: random.Random) -> bytes:
    return (
        rng.choice((b"MGC", b"MGC", b"XXX"))
        + bytes((rng.choice((0, 1, 2)),))
        + rng.choice((bytes(2), bytes(4), bytes(8), b""))
        + ipv4(rng)
    )


_MAKERS = {
    1: ethernet,
    281: lambda rng: ethernet(rng, tag=bytes((rng.choice((0, 0x20, 0x40, 0xE0)), 0, 0, 1))),
    284: lambda rng: ethernet(rng, tag=bytes((rng.choice((0, 0x40, 0x80, 0xC0)), 0, 0, 1))),
    240: lambda rng: bytes(4) + ethernet(rng),
    241: lambda rng: bytes(12) + ethernet(rng),
    113: _sll,
    276: _sll2,
    99: lambda rng: _ethertyped(rng, bytes(6), bytes(36)),
    138: lambda rng: _ethertyped(rng, bytes(16), b""),
    104: lambda rng: (
        _ethertyped(rng, b"\x0f\0", b"")
        if rng.random() < 0.8
        else b"\x0f\0\xfe\xfe\0"
        + bytes((rng.choice((0x81, 0x82, 0x83)), 0, 0, 0, rng.choice((15, 17, 24))))
        + noise(rng)
    ),
    112: lambda rng: _ethertyped(rng, b"\x0f\0", b""),
    9: lambda rng: _with_type(rng, b"\xff\x03", _PPP, 2),
    166: lambda rng: _with_type(rng, bytes((rng.choice((0, 1)), 3)), _PPP, 2),
    50: lambda rng: _with_type(rng, b"\xff\x03", _PPP, 2),
    51: lambda rng: _with_type(rng, bytes(6), _PPP, 2),
    16: lambda rng: _with_type(rng, bytes(5), {**_PPP, IP: rng.choice((0x21, 0x2D, 0x2F))}, 2, bytes(17)),
    12: lambda rng: _raw(rng, 0),
    8: lambda rng: _raw(rng, 16),
    15: lambda rng: _raw(rng, 24),
    228: ipv4,
    229: ipv6,
    0: lambda rng: _null(rng, "<I", 4),
    109: lambda rng: _null(rng, "<I", 12),
    108: lambda rng: _null(rng, ">I", 4),
    117: _pflog,
    10: lambda rng: b"\x50" + mac(rng) + mac(rng) + llc(rng, rng.choice((ethertype(rng), 0xFE, 0x42, 0xE0))),
    6: lambda rng: (
        b"\x10\x40" + mac(rng) + mac(rng) + llc(rng, rng.choice((ethertype(rng), 0xFE, 0x42, 0xE0)))
    ),
    122: lambda rng: b"\0\0" + mac(rng) + b"\0\0" + mac(rng) + llc(rng, ethertype(rng)),
    11: lambda rng: llc(rng, rng.choice((ethertype(rng), 0xFE, 0x42, 0xE0))),
    19: lambda rng: llc(rng, rng.choice((ethertype(rng), 0xFE, 0x42, 0xE0))),
    123: _sunatm,
    105: wlan,
    119: _prism,
    127: _radiotap,
    163: lambda rng: struct.pack(">II", 0x80211001, 64) + bytes(56) + wlan(rng),
    192: _ppi,
    7: lambda rng: _with_type(
        rng,
        bytes((rng.choice((0, 5)), rng.choice((0, 5)))),
        {IP: 0xD4, ARP: 0xD5, RARP: 0xD6, IP6: 0xC4},
        1,
        bytes(3),
    ),
    129: lambda rng: _with_type(
        rng,
        bytes((rng.choice((0, 5)), rng.choice((0, 5)), 0, 0)),
        {IP: 0xD4, ARP: 0xD5, IP6: 0xC4},
        1,
        bytes(3),
    ),
    114: lambda rng: noise(rng, 60),
    107: lambda rng: _with_type(
        rng, b"\x18\x41", {IP: 0x03CC, IP6: 0x038E, 1: 0x0381, 2: 0x0382, 3: 0x0383}, 2
    ),
    226: _ipnet,
    140: lambda rng: _mtp2(rng, 0),
    139: lambda rng: _mtp2(rng, 4),
    197: lambda rng: _mtp2(rng, 20),
    165: lambda rng: bytes((0x55, 0xFF, 0, rng.choice((0, 5, 0xFF)), rng.choice((0, 5, 0xFF)))) + noise(rng),
    220: lambda rng: noise(rng, 60),
    **dict.fromkeys(
        (
            130,
            131,
            132,
            133,
            134,
            135,
            136,
            137,
            164,
            167,
            168,
            178,
            179,
            180,
            181,
            183,
            194,
            200,
            232,
            233,
            234,
            238,
        ),
        _juniper,
    ),
}

LINK_TYPES = tuple(_MAKERS)


def make_packet(rng: random.Random, linktype: int) -> tuple[bytes, int]:
    """A packet and its length on the wire; sometimes cut short anywhere."""
    packet = _MAKERS[linktype](rng)
    wirelen = len(packet)
    if rng.random() < 0.4 and packet:
        packet = packet[: rng.randrange(len(packet))]
    return packet, wirelen
