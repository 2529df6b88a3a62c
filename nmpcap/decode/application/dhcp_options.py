"""The options of DHCP (RFC 2132 and what registered others)."""

from __future__ import annotations

from collections.abc import Callable

from ..hexdump import hex_lines
from ..printer import Printer
from ..text import safe
from ..wire import take, u16

__all__ = ["show"]

# Names by what the options hold.
_ADDRESSES = {
    **{1: "Subnet-Mask", 3: "Default-Gateway", 4: "Time-Server", 5: "IEN-Name-Server"},
    **{6: "Domain-Name-Server", 7: "LOG", 8: "CS", 9: "LPR-Server", 10: "IM", 11: "RL", 16: "SS"},
    **{28: "BR", 32: "RSA", 41: "YS", 42: "NTP", 44: "Netbios-Name-Server", 45: "WDD", 48: "XFS"},
    **{49: "XDM", 50: "Requested-IP", 54: "Server-ID", 65: "N+S", 68: "MH", 69: "SMTP", 70: "POP3"},
    **{71: "NNTP", 72: "WWW", 73: "FG", 74: "IRC", 75: "STS", 76: "STDA", 92: "Associated-IP"},
    **{112: "NI", 118: "SUBNET", 150: "TFTP-Server-Address"},
}
_LONGS = {
    **{2: "Time-Zone", 24: "MTU-Timeout", 35: "AT", 38: "KI", 51: "Lease-Time", 58: "RN", 59: "RB"},
    **{91: "Last-Transaction-Time"},
}
_TEXT = {
    **{12: "Hostname", 14: "DP", 15: "Domain-Name", 17: "RP", 18: "EP", 40: "YD"},
    **{47: "Netbios-Scope", 56: "MSG", 60: "Vendor-Class", 66: "TFTP", 67: "BF", 80: "SLP-NA"},
    **{88: "TZSTR", 95: "LDAP", 98: "UAP", 100: "POSIX-TZ", 101: "TZ-Name", 113: "NITAG"},
    **{114: "URL", 161: "MUD-URL"},
}
_SHORTS = {
    **{13: "BS", 22: "RSZ", 25: "MTU-Table", 26: "MTU", 57: "MSZ", 64: "N+D", 93: "ARCH"},
    **{117: "NSSEARCH"},
}
_BOOLEANS = {
    **{19: "IPF", 20: "SRT", 27: "LSN", 29: "MD", 30: "MS", 31: "Router-Discovery", 34: "UT"},
    **{36: "IE", 39: "KG", 116: "NOAUTO"},
}
_PAIRS = {
    **{21: "PF", 33: "Static-Route"},
}
_BYTES = {
    **{23: "TTL", 37: "TT", 43: "Vendor-Option", 78: "SLP-DA", 79: "SLP-SCOPE", 83: "ARMT"},
    **{89: "FQDNS", 90: "AUTH", 94: "NDI", 97: "GUID"},
}
_OWN = {
    **{46: "Netbios-Node", 52: "OO", 53: "DHCP-Message", 55: "Parameter-Request", 61: "Client-ID"},
    **{77: "User-Class", 81: "FQDN", 82: "Agent-Information", 121: "Classless-Static-Route"},
    **{249: "Classless-Static-Route-Microsoft"},
}
_NAMES = {
    **{0: "PAD", 255: "END"},
    **_TEXT,
    **_ADDRESSES,
    **_LONGS,
    **_SHORTS,
    **_BYTES,
    **_BOOLEANS,
    **_PAIRS,
    **_OWN,
}
_TIME_ZONE = 2
_PAD, _END, _MESSAGE, _CLIENT, _REQUEST = 0, 255, 53, 61, 55
_MESSAGES = ("Discover", "Offer", "Request", "Decline", "ACK", "NACK", "Release", "Inform")
_NODES = {1: "b-node", 2: "p-node", 4: "m-node", 8: "h-node"}
_OVERLOADS = {1: "file", 2: "sname", 3: "file+sname"}
_AGENT = {1: "Circuit-ID", 2: "Remote-ID", 6: "Subscriber-ID"}
_HARDWARE = {1: "ether", 6: "ieee802", 7: "arcnet", 15: "frelay", 17: "strip", 24: "ieee1394"}
_FQDN_FLAGS = ((1, "S"), (2, "O"), (4, "E"), (8, "N"))


def show(p: Printer, d: bytes, at: int) -> None:
    """Put the options behind the magic cookie at an offset."""
    put = p.put
    put("\n\t  Vendor-rfc1048 Extensions\n\t    Magic Cookie 0x63825363")
    at += 4
    while at < len(d):
        code = d[at]
        if code == _END:
            if p.verbose > 2:
                put("\n\t    END (255), length 0")
                at += 1
                continue
            return
        if code == _PAD:
            start = at
            while d[at : at + 1] == b"\0":
                at += 1
            if p.verbose > 2:
                occurs = f", occurs {at - start}" if at - start > 1 else ""
                put(f"\n\t    PAD (0), length 0{occurs}")
            continue
        size = d[at + 1]
        if p.verbose:
            put(f"\n\t    {_NAMES.get(code, 'Unknown')} ({code}), length {size}")
        at += 2
        if size:
            put(": ")
        take(d, at, size)
        left = _value(p, d, at, code, size)
        if left:
            put(f"\n\t  trailing data length {left}")
        at += size


def _value(p: Printer, d: bytes, at: int, code: int, size: int) -> int:
    """Put an option's value; return how many of its bytes nothing was said of."""
    own = _OWN_PRINTERS.get(code)
    if own is not None and (code != _MESSAGE or size == 1):
        return own(p, d, at, size)
    value = d[at : at + size]
    if code in _TEXT:
        p.put(f'"{safe(value)}"')
        return 0
    if code in _BOOLEANS:
        p.put(",".join([("N", "Y")[byte] if byte < 2 else f"{byte}?" for byte in value]))
        return 0
    if code in _PAIRS:
        step = 8
        texts = [
            f"({p.names.ip4[value[n : n + 4]]}:{p.names.ip4[value[n + 4 : n + 8]]})"
            for n in range(0, size - 7, 8)
        ]
    elif code in _ADDRESSES:
        step = 4
        texts = [p.names.ip4[value[n : n + 4]] for n in range(0, size - 3, 4)]
    elif code in _LONGS or (code not in _NAMES and not size % 4):
        step = 4
        texts = [str(_long(value, n, code)) for n in range(0, size - 3, 4)]
    elif code in _SHORTS or (code not in _NAMES and not size % 2):
        step = 2
        texts = [str(u16(value, n)) for n in range(0, size - 1, 2)]
    else:
        p.put(".".join([str(byte) for byte in value]))
        return 0
    p.put(",".join(texts))
    return size % step


def _long(value: bytes, at: int, code: int) -> int:
    """The time zone, and what has no name, may be negative."""
    return int.from_bytes(value[at : at + 4], "big", signed=code == _TIME_ZONE or code not in _NAMES)


def _needs(p: Printer, size: int, least: int) -> bool:
    if size < least:
        p.put(f"[ERROR: length < {least} bytes]")
    return size >= least


def _message(p: Printer, d: bytes, at: int, size: int) -> int:
    kind = d[at]
    p.put(_MESSAGES[kind - 1] if 1 <= kind <= len(_MESSAGES) else f"Unknown ({kind})")
    return 0


def _named(names: dict[int, str]) -> Callable[[Printer, bytes, int, int], int]:
    def show_name(p: Printer, d: bytes, at: int, size: int) -> int:
        if not _needs(p, size, 1):
            return 0
        p.put(names.get(d[at], f"#{d[at]}"))
        return size - 1

    return show_name


def _requested(p: Printer, d: bytes, at: int, size: int) -> int:
    for number in range(size):
        code = d[at + number]
        p.put(", " if number % 4 else "\n\t      ")
        p.put(f"{_NAMES.get(code, 'Unknown')} ({code})")
    return 0


def _client(p: Printer, d: bytes, at: int, size: int) -> int:
    if not _needs(p, size, 1):
        return 0
    kind, value = d[at], d[at + 1 : at + size]
    if kind == 0:
        p.put(f'"{safe(value)}"')
    elif kind == 255 and size > 4:
        _duid(p, value)
    else:
        p.put(f"{_HARDWARE.get(kind, f'hardware-type {kind},')} {value.hex(':')}")
    return 0


def _duid(p: Printer, value: bytes) -> None:
    """Put an identity association and a DUID (RFC 4361)."""
    p.put(f"hardware-type 255, {value.hex(':')}")


def _user_class(p: Printer, d: bytes, at: int, size: int) -> int:
    if not _needs(p, size, 2):
        return 0
    end, number = at + size, 0
    while at < end:
        number += 1
        p.put(f"\n\t      instance#{number}: ")
        length = d[at]
        if not length:
            p.put("[ERROR: suboption length must be non-zero]")
            return 0
        if at + 1 + length > end:
            p.put("[ERROR: invalid option]")
            return 0
        p.put(f'"{safe(d[at + 1 : at + 1 + length])}", length {length}')
        at += 1 + length
    return 0


def _fqdn(p: Printer, d: bytes, at: int, size: int) -> int:
    if not _needs(p, size, 3):
        return 0
    flags = d[at]
    if flags & 0xF0:
        p.put(f"[ERROR: MBZ nibble 0x{flags >> 4:x} != 0] ")
    if flags & 15:
        p.put(f"[{''.join([name for bit, name in _FQDN_FLAGS if flags & bit])}] ")
    if d[at + 1] or d[at + 2]:
        p.put(f"{d[at + 1]}/{d[at + 2]} ")
    p.put(f'"{safe(d[at + 3 : at + size])}"')
    return 0


def _agent(p: Printer, d: bytes, at: int, size: int) -> int:
    end = at + size
    while end - at >= 2:
        code, length = d[at], d[at + 1]
        at += 2
        p.put(f"\n\t      {_AGENT.get(code, 'Unknown')} SubOption {code}, length {length}: ")
        if at + length > end:
            p.put("length goes past end of option")
            return 0
        if code in (1, 2, 6):
            p.put(safe(d[at : at + length]))
        else:
            p.put(hex_lines(d[at : at + length], "\n\t\t"))
        at += length
    return end - at


def _classless(p: Printer, d: bytes, at: int, size: int) -> int:
    if not _needs(p, size, 5):
        return 0
    end = at + size
    first = True
    while at < end:
        if not first:
            p.put(",")
        first = False
        width = d[at]
        if width > 32:
            p.put(f"[ERROR: Mask width ({width}) > 32]")
            return 0
        used = (width + 7) // 8
        if at + 1 + used + 4 > end:
            p.put(f"[ERROR: Remaining length ({end - at - 1}) < {used + 4} bytes]")
            return 0
        net = d[at + 1 : at + 1 + used]
        shown = f"{'.'.join([str(byte) for byte in net + bytes(4 - used)])}/{width}" if width else "default"
        at += 1 + used
        p.put(f"({shown}:{p.names.ip4[d[at : at + 4]]})")
        at += 4
    return 0


_OWN_PRINTERS = {
    46: _named(_NODES),
    52: _named(_OVERLOADS),
    _MESSAGE: _message,
    _REQUEST: _requested,
    _CLIENT: _client,
    77: _user_class,
    81: _fqdn,
    82: _agent,
    121: _classless,
    249: _classless,
}
