"""DHCPv6 (RFC 8415): messages, and those that relays wrap."""

from __future__ import annotations

from ..printer import Printer
from ..table import load
from ..wire import take, u24

__all__ = ["show"]

_MESSAGES = (
    *("", "solicit", "advertise", "request", "confirm", "renew", "rebind", "reply", "release", "decline"),
    *("reconfigure", "inf-req", "relay-fwd", "relay-reply", "leasequery", "leasequery-reply"),
)
_RELAYED = (12, 13)


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a message; with -v its options."""
    p.proto = "dhcp6"
    put = p.put
    put("dhcp6")
    end = at + length
    if length < 4 or at + 4 > len(d):
        p.truncated()
        return
    kind = d[at]
    put(f" {_MESSAGES[kind] if 0 < kind < len(_MESSAGES) else f'msgtype-{kind}'}")
    if not p.verbose:
        return
    put(" (")
    options = load("application.dhcp6_options")
    if kind in _RELAYED:
        if length < 34 or len(d) - at < 34:
            p.truncated()
            return
        put(f"linkaddr={p.names.ip6[take(d, at + 2, 16)]}")
        put(f" peeraddr={p.names.ip6[take(d, at + 18, 16)]}")
        options(p, d, at + 34, end)
    else:
        put(f"xid={u24(d, at + 1):x}")
        options(p, d, at + 4, end)
    put(")")
