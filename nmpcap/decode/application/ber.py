"""Basic encoding rules, as far as SNMP uses them: an element, and its value as text (X.690)."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from ..text import safe

__all__ = ["Element", "Malformed", "object_id", "read", "text", "unsigned"]

_CLASSES = ("U", "A", "C", "P")
_INTEGER, _BITS, _STRING, _NULL, _OID, _SEQUENCE = 2, 3, 4, 5, 6, 16
_ADDRESS, _COUNTER, _GAUGE, _TICKS, _OPAQUE, _COUNTER64 = 0, 1, 2, 3, 4, 6
_UNIVERSAL, _APPLICATION, _CONTEXT = 0, 1, 2
_EXCEPTIONS = {0: "[noSuchObject]", 1: "[noSuchInstance]", 2: "[endOfMibView]"}
_UNIVERSAL_NAMES = {
    **{0: "U-0?", 1: "Boolean", 2: "Integer", 3: "Bitstring", 4: "String", 5: "Null", 6: "OID", 7: "OD"},
    **{8: "External", 16: "Sequence", 17: "Set"},
}
_APPLICATION_NAMES = {0: "IpAddress", 1: "Counter", 2: "Gauge", 3: "TimeTicks", 4: "Opaque", 5: "C-5"}


class Malformed(Exception):
    """Bytes that are no element; says in brackets what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its class, form and number, and where its value is.

    end is where the value ends in the bytes it was read from.
    """

    kind: int
    constructed: bool
    number: int
    value: bytes
    end: int

    def is_universal(self, number: int) -> bool:
        """Say whether this is the universal type of a number."""
        return self.kind == _UNIVERSAL and self.number == number

    def name(self) -> str:
        """Return class, form and number as they are shown where something else was expected."""
        form = "C" if self.constructed else "P"
        if self.kind == _UNIVERSAL:
            name = _UNIVERSAL_NAMES.get(self.number, f"U-{self.number}")
        elif self.kind == _APPLICATION:
            name = _APPLICATION_NAMES.get(self.number, f"A-{self.number}")
        else:
            name = f"{_CLASSES[self.kind]}-{self.number}"
        return f"{form}/{_CLASSES[self.kind]}/{name}"


def read(data: bytes, at: int) -> Element:
    """Return the element at an offset; Malformed, or IndexError where captured bytes would be needed."""
    left = len(data) - at
    if left <= 0:
        raise Malformed("[nothing to parse]")
    first = data[at]
    number = first & 31
    head = 1
    if number == 31:
        number = 0
        while True:
            byte = data[at + head]
            head += 1
            number = number << 7 | byte & 0x7F
            if not byte & 0x80:
                break
    if left < head + 1:
        raise Malformed("[nothing to parse]")
    length = data[at + head]
    head += 1
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[at + head : at + head + count], "big")
        head += count
    rest = left - head
    if length > max(rest, 0):
        raise Malformed(f"[len{max(rest, 0)}<asnlen{length}]")
    start = at + head
    return Element(first >> 6, bool(first & 0x20), number, data[start : start + length], start + length)


def unsigned(element: Element) -> int:
    """Return the value of an element as a number without a sign."""
    return int.from_bytes(element.value, "big")


def object_id(value: bytes) -> str:
    """Return an object identifier with its dots, one in front."""
    parts: list[int] = []
    number = 0
    for byte in value:
        number = number << 7 | byte & 0x7F
        if byte & 0x80:
            continue
        if not parts:
            parts = [min(number // 40, 2), number - 40 * min(number // 40, 2)]
        else:
            parts.append(number & 0xFFFFFFFF)
        number = 0
    return "".join([f".{part}" for part in parts])


def _hex(value: bytes) -> str:
    return "".join([f"_{byte:02x}" for byte in value])


def _readable(value: bytes) -> str:
    if all(32 <= byte < 127 or byte in b"\t\n\r" for byte in value):
        return f'"{safe(value)}"'
    return _hex(value)[1:]


def text(element: Element) -> str:
    """Return a value as text; Malformed if it has none."""
    value = element.value
    if element.kind == _UNIVERSAL and not element.constructed:
        if element.number == _INTEGER:
            if not value:
                raise Malformed("[asnlen=0]")
            number = int.from_bytes(value, "big", signed=True)
            return str((number + (1 << 31)) % (1 << 32) - (1 << 31))
        if element.number == _STRING:
            return _readable(value)
        if element.number == _NULL:
            return ""
        if element.number == _OID:
            return object_id(value)
    elif element.kind == _APPLICATION and not element.constructed:
        if element.number == _ADDRESS and len(value) == 4:
            return socket.inet_ntoa(value)
        if element.number in (_COUNTER, _GAUGE, _TICKS):
            return str(unsigned(element) & 0xFFFFFFFF)
        if element.number == _COUNTER64:
            return str(unsigned(element) & 0xFFFFFFFFFFFFFFFF)
        if element.number > _COUNTER64:
            raise Malformed(f"[id?P/x/{element.number}]")
    elif element.kind == _CONTEXT and element.number in _EXCEPTIONS and not element.constructed:
        return _EXCEPTIONS[element.number]
    elif element.is_universal(_SEQUENCE):
        return f"Seq({len(value)})"
    if element.constructed:
        return f"[{element.name()}]"
    return f"[{element.name()}]{_hex(value)}"
