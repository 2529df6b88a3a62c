"""What EAP's methods say before they turn secret."""

from __future__ import annotations

from ..printer import Printer
from ..wire import u32

__all__ = ["show"]

_TLS, _TTLS, _FAST, _SIM, _AKA = 13, 21, 43, 18, 23
_FLAGS = ((0x80, "L bit"), (0x40, "More fragments bit"), (0x20, "Start bit"))
_AKA_SUBTYPES = {
    **{1: "Challenge", 2: "Authentication reject", 4: "AKA Synchronization failure", 5: "Identity"},
    **{12: "Notification", 13: "Reauthentication", 14: "Client error"},
}


def show(p: Printer, d: bytes, at: int, kind: int, name: str, count: int) -> None:
    """Put the method of a request or response at an offset, and its flags."""
    put = p.put
    flags = d[at + 5] if kind in (_TLS, _TTLS, _FAST, _SIM, _AKA) else 0
    put(f"\n\t\t Type {name} ({kind})")
    if kind in (_TTLS, _FAST):
        put(f" {name}v{flags & 7}")
    if kind in (_TLS, _TTLS, _FAST):
        names = ", ".join([text for bit, text in _FLAGS if flags & bit]) or "none"
        put(f" flags [{names}] 0x{flags:02x}")
        if flags & 0x80:
            put(f", len {u32(d, at + 6)}")
    elif kind in (_SIM, _AKA):
        put(f" subtype [{_AKA_SUBTYPES.get(flags, 'unknown')}] 0x{flags:02x}")
