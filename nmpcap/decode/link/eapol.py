"""EAPOL and EAP (802.1X, RFC 3748)."""

from __future__ import annotations

from ..printer import Printer
from ..table import load
from ..text import safe
from ..wire import take, u16

__all__ = ["show"]

_KINDS = {0: "EAP packet", 1: "EAPOL start", 2: "EAPOL logoff", 3: "EAPOL key", 4: "Encapsulated ASF alert"}
_CODES = {1: "Request", 2: "Response", 3: "Success", 4: "Failure"}
_TYPES = {
    **{0: "unset", 1: "Identity", 2: "Notification", 3: "Nak", 4: "MD5-challenge", 5: "OTP", 6: "GTC"},
    **{13: "TLS", 18: "SIM", 21: "TTLS", 23: "AKA", 43: "FAST", 254: "Expanded types", 255: "Experimental"},
}


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put an EAPOL frame; with -v what EAP says."""
    p.proto = "eap"
    put = p.put
    version, kind = d[at], d[at + 1]
    size = u16(d, at + 2)
    put(f"{_KINDS.get(kind, 'unknown')} ({kind}) v{version}, len {size}")
    if not p.verbose or kind != 0:
        return
    if length <= 4:
        raise IndexError
    at += 4
    put(", ")
    if size < 4:
        put("EAP fragment?")
        return
    count = u16(d, at + 2)
    if count > size:
        put("EAP fragment?")
        return
    code = d[at]
    put(f"{_CODES.get(code, 'unknown')} ({code}), id {d[at + 1]}, len {count}")
    if code not in (1, 2) or count <= 4:
        return
    subtype = d[at + 4]
    if subtype != 1:
        take(d, at, count)
    if subtype not in (1, 2, 3):
        load("link.eap_methods")(p, d, at, subtype, _TYPES.get(subtype, "unknown"), count)
        return
    put(f"\n\t\t Type {_TYPES.get(subtype, 'unknown')} ({subtype})")
    if subtype == 1 and count > 5:
        put(f", Identity: {safe(take(d, at + 5, count - 5))}")
    elif subtype == 2 and count > 5:
        put(f", Notification: {safe(take(d, at + 5, count - 5))}")
    elif subtype == 3 and count > 5:
        names = ", ".join([f"{_TYPES.get(byte, 'unknown')} ({byte})" for byte in take(d, at + 5, count - 5)])
        put(f" {names}")
