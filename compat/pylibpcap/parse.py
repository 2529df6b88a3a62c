"""A packet's addresses, ports and protocol, as python-libpcap prints them."""

from __future__ import annotations

import datetime
import socket

__all__ = [
    "Packet",
    "ethernet_type_map",
    "ip_type_map",
    "parse_int",
    "parse_ipv4",
    "parse_ipv6",
    "parse_mac",
    "parse_tcp_flags",
    "port_type_map",
    "to_hex_string",
]

ethernet_type_map = {0x0800: "IPv4", 0x0806: "ARP", 0x86DD: "IPv6"}
ip_type_map = {1: "ICMP", 2: "IGMP", 6: "TCP", 8: "EGP", 9: "IGP", 17: "UDP", 58: "ICMPv6"}
port_type_map = {
    **{21: "FTP", 22: "SSH", 23: "Telnet", 25: "SMTP", 53: "DNS", 69: "TFTP", 80: "HTTP", 110: "POP3"},
    **{179: "BGP", 443: "HTTPS", 445: "NBSS", 3478: "STUN", 3868: "DIAMETER", 5060: "SIP", 1883: "MQTT"},
    **{102: "TPKT", 502: "Modbus", 1911: "Fox", 2222: "Ethernet/IP", 2404: "IEC104", 4001: "H1"},
    **{5094: "HART", 7937: "EGD", 9600: "FINS", 18245: "GE-SRTP", 18246: "EGD", 20000: "DNP3"},
    **{44818: "Ethernet/IP", 47808: "BACnet", 48898: "AMS"},
    **dict.fromkeys((1089, 1090, 1091, 3622), "FF"),
}

_FLAGS = ((0x02, "SYN"), (0x10, "ACK"), (0x08, "PUSH"), (0x04, "RST"), (0x01, "FIN"))
_ETHERNET, _IPV4, _IPV6, _TCP, _UDP = 14, 20, 40, 20, 8  # bytes of the shortest headers
_PRINTED_FROM, _PRINTED_TO = 0x21, 0x7E


def parse_int(val: bytes) -> int:
    """Return bytes in network order as an int."""
    return int.from_bytes(val, "big")


def parse_mac(mac: bytes) -> str:
    """Return a MAC address as text."""
    return mac[:6].hex(":")


def parse_ipv4(addr: bytes) -> str:
    """Return an IPv4 address as text."""
    return ".".join(map(str, addr[:4]))


def parse_ipv6(addr: bytes) -> str:
    """Return an IPv6 address as text."""
    return socket.inet_ntop(socket.AF_INET6, addr)


def parse_tcp_flags(val: int) -> str:
    """Return the names of TCP's flags, with commas between."""
    return ",".join(name for bit, name in _FLAGS if val & bit)


def to_hex_string(buf: bytes) -> str:
    """Return bytes in hexadecimal, sixteen a line, the text of each line at its end but for the last."""
    lines: list[str] = []
    text = ""
    for start in range(0, len(buf), 16):
        row = buf[start : start + 16]
        lines.append(f"  {text}\n     ")
        lines.extend(f"{byte:02x}{'' if i == 15 else ' '}" for i, byte in enumerate(row))
        shown = [chr(byte) if _PRINTED_FROM <= byte <= _PRINTED_TO else "." for byte in row]
        text = "".join(shown[:8]) + (" " if len(row) >= 8 else "") + "".join(shown[8:])
        text += " " if len(row) == 16 else ""
    return "".join(lines)


class Packet:
    """What is known of a packet; ``buf`` is what stands behind the headers that were understood."""

    def __init__(self, buf: bytes, buflen: int, *_ignored: object, **_unknown: object) -> None:
        self.buf = buf
        self.buflen = buflen
        self.smac: str | None = None
        self.dmac: str | None = None
        self.src: str | None = None
        self.dst: str | None = None
        self.sport: int | None = None
        self.dport: int | None = None
        self.proto: str | None = None
        self.protoid: int | None = None
        self.tcp_flags: str | None = None
        self.parse()

    def parse(self) -> None:
        """Read the headers, from Ethernet's on."""
        if self.buflen < _ETHERNET:
            return
        self.dmac, self.smac = parse_mac(self.buf[:6]), parse_mac(self.buf[6:12])
        self.protoid = parse_int(self.buf[12:14])
        self.proto = ethernet_type_map.get(self.protoid)
        self._skip(_ETHERNET)
        if self.protoid == 0x0800:
            self._ipv4()
        elif self.protoid == 0x86DD:
            self._ipv6()

    def _skip(self, size: int) -> None:
        self.buf = self.buf[size:]
        self.buflen -= size

    def _ipv4(self) -> None:
        if self.buflen < _IPV4:
            return
        self.src, self.dst = parse_ipv4(self.buf[12:16]), parse_ipv4(self.buf[16:20])
        self.protoid = self.buf[9]
        self.proto = ip_type_map.get(self.protoid) or self.proto
        self._skip((self.buf[0] & 0x0F) << 2)
        if self.protoid == socket.IPPROTO_TCP and self.buflen >= _TCP:
            self._tcp()
        elif self.protoid == socket.IPPROTO_UDP and self.buflen >= _UDP:
            self._udp()
        for port in (self.sport, self.dport):
            if port in port_type_map:
                self.proto = port_type_map[port]
                break

    def _ipv6(self) -> None:
        if self.buflen < _IPV6:
            return
        size = parse_int(self.buf[4:6])
        self.protoid = self.buf[6]
        self.src, self.dst = parse_ipv6(self.buf[8:24]), parse_ipv6(self.buf[24:40])
        self.proto = ip_type_map.get(self.protoid) or self.proto
        self._skip(size)

    def _ports(self) -> None:
        self.sport, self.dport = parse_int(self.buf[:2]), parse_int(self.buf[2:4])

    def _tcp(self) -> None:
        self._ports()
        self.proto = "TCP"
        self.tcp_flags = parse_tcp_flags(parse_int(self.buf[12:14]))
        self._skip(self.buf[12] >> 2)

    def _udp(self) -> None:
        self._ports()
        self.proto = "UDP"
        self._skip(parse_int(self.buf[4:6]) - _UDP)

    def to_string(self, show_payload: bool = False) -> str:
        """Return a line, with the time it is now, and the rest in hexadecimal where that is asked for."""
        now = datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S")
        ends = [
            f"{mac or '':>17} {address or '':>15} {port or '':>5}"
            for mac, address, port in (
                (self.smac, self.src, self.sport),
                (self.dmac, self.dst, self.dport),
            )
        ]
        payload = f"\n{to_hex_string(self.buf)}\n" if show_payload else ""
        return f"{now:>19} {ends[0]}  -->  {ends[1]} {self.proto or ''} {self.tcp_flags or ''} {payload}"

    def __repr__(self) -> str:
        return self.to_string(True)

    __str__ = __repr__
