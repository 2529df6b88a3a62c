"""SNMP versions 1, 2c and 3 (RFC 1157, 3416, 3412)."""

from __future__ import annotations

from ..printer import Printer
from ..text import safe
from ..wire import take
from .ber import Element, Malformed, object_id, read, text, unsigned

__all__ = ["show"]

_INTEGER, _STRING, _OID, _SEQUENCE = 2, 4, 6, 16
_CONTEXT = 2
_VERSIONS = {0: "SNMPv1", 1: "SNMPv2c", 3: "SNMPv3"}
_PDUS = (
    *("GetRequest", "GetNextRequest", "GetResponse", "SetRequest", "Trap", "GetBulk", "Inform", "V2Trap"),
    "Report",
)
_SET, _RESPONSE, _TRAP, _BULK = 3, 2, 4, 5
_ERRORS = (
    *("", "tooBig", "noSuchName", "badValue", "readOnly", "genErr", "noAccess", "wrongType", "wrongLength"),
    *("wrongEncoding", "wrongValue", "noCreation", "inconsistentValue", "resourceUnavailable"),
    *("commitFailed", "undoFailed", "authorizationError", "notWritable", "inconsistentName"),
)
_TRAPS = (
    *("coldStart", "warmStart", "linkDown", "linkUp", "authenticationFailure", "egpNeighborLoss"),
    "enterpriseSpecific",
)
_SPECIFIC = 6
_WITH_VALUES = {_RESPONSE, _SET, _TRAP, 6, 7, 8}
_USER_BASED = 3


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a message."""
    p.proto = "snmp"
    p.put(" ")
    message = take(d, at, length)
    try:
        _message(p, message)
    except Malformed as wrong:
        p.put(str(wrong))


def _expect(p: Printer, data: bytes, at: int, number: int, what: str) -> Element:
    element = read(data, at)
    if not element.is_universal(number):
        raise Malformed(f"{_other(element)}[!{what}]")
    return element


def _other(element: Element) -> str:
    return text(element) if not element.constructed else element.name()


def _message(p: Printer, data: bytes) -> None:
    put = p.put
    whole = _expect(p, data, 0, _SEQUENCE, "init SEQ")
    if whole.end < len(data):
        put(f"[{len(data) - whole.end} extra after iSEQ]")
    inner = whole.value
    version = _expect(p, inner, 0, _INTEGER, "INT")
    number = unsigned(version)
    if number not in _VERSIONS:
        put(f"SNMP [version = {number}]")
        return
    if p.verbose:
        put(f"{{ {_VERSIONS[number]} ")
    try:
        if number == 3:
            _version3(p, inner, version.end)
        else:
            _community(p, inner, version.end, number)
    except Malformed as wrong:
        put(str(wrong))
    if p.verbose:
        put("} ")


def _community(p: Printer, data: bytes, at: int, version: int) -> None:
    community = _expect(p, data, at, _STRING, "comm STR")
    if community.value != b"public":
        printable = all(32 <= byte < 127 for byte in community.value)
        shown = f'"{safe(community.value)}"' if printable else "_".join([f"{b:02x}" for b in community.value])
        p.put(f"C={shown} ")
    _pdu(p, data, community.end, version)


def _pdu(p: Printer, data: bytes, at: int, version: int) -> None:
    put = p.put
    pdu = read(data, at)
    if pdu.kind != _CONTEXT or not pdu.constructed:
        put("[no PDU]")
        return
    if pdu.number >= len(_PDUS):
        raise Malformed(f"[id?C/x/{pdu.number}]")
    if p.verbose:
        put("{ ")
    put(f"{_PDUS[pdu.number]}({len(pdu.value)}) ")
    if version == 0 and pdu.number >= _BULK:
        put("[v2 PDU in v1 message]")
        return
    if version == 1 and pdu.number == _TRAP:
        put("[v1 PDU in v2 message]")
        return
    inner = pdu.value
    try:
        where = _trap(p, inner) if pdu.number == _TRAP else _fields(p, inner, pdu.number)
        if where >= 0:
            _bindings(p, inner, where, pdu.number)
    except Malformed as wrong:
        put(str(wrong))
    if p.verbose:
        put(" } ")


def _fields(p: Printer, data: bytes, number: int) -> int:
    """Put the numbers in front of the bindings; return the offset behind them."""
    put = p.put
    request = _expect(p, data, 0, _INTEGER, "reqId!=INT")
    if p.verbose:
        put(f"R={text(request)} ")
    status = _expect(p, data, request.end, _INTEGER, "errorStatus!=INT")
    index = _expect(p, data, status.end, _INTEGER, "errorIndex!=INT")
    error, place = unsigned(status), unsigned(index)
    if number == _BULK:
        put(f" N={error} M={place}")
    elif number in (0, 1, _SET):
        if error:
            put(f"[errorStatus({_error_name(error)})!=0]")
        if place:
            put(f"[errorIndex({place})!=0]")
    else:
        put(_error(error, place))
    return index.end


def _error(error: int, place: int) -> str:
    if not error:
        return ""
    name = _error_name(error)
    return f" {name}@{place}" if place else f" {name}[errorIndex==0]"


def _error_name(error: int) -> str:
    return _ERRORS[error] if error < len(_ERRORS) else f"err={error}"


def _trap(p: Printer, data: bytes) -> int:
    """Put the head of a first version's trap; return the offset behind it, -1 if it ends the message."""
    put = p.put
    enterprise = read(data, 0)
    if not enterprise.is_universal(_OID):
        put(f" [enterprise!=OID]{_other(enterprise)}")
        return -1
    put(f" {object_id(enterprise.value)} ")
    agent = read(data, enterprise.end)
    put(text(agent))
    generic = _expect(p, data, agent.end, _INTEGER, "generic-trap!=INT")
    kind = unsigned(generic)
    put(f" {_TRAPS[kind] if kind < len(_TRAPS) else f'gt={kind}'}")
    specific = _expect(p, data, generic.end, _INTEGER, "specific-trap!=INT")
    detail = unsigned(specific)
    if kind != _SPECIFIC:
        if detail:
            put(f"[specific-trap({detail})!=0]")
    else:
        put(f" s={detail}")
    stamp = read(data, specific.end)
    put(f" {text(stamp)}")
    return stamp.end


def _bindings(p: Printer, data: bytes, at: int, number: int) -> None:
    put = p.put
    listed = _expect(p, data, at, _SEQUENCE, "SEQ of varbind")
    if listed.end < len(data):
        put(f"[{len(data) - listed.end} extra after SEQ of varbind]")
    inner, where = listed.value, 0
    while where < len(inner):
        pair = _expect(p, inner, where, _SEQUENCE, "varbind")
        where = pair.end
        name = read(pair.value, 0)
        if not name.is_universal(_OID):
            raise Malformed(f"[objName!=OID]{_other(name)}")
        put(f" {object_id(name.value)}")
        if number in _WITH_VALUES:
            put("=")
            put(text(read(pair.value, name.end)))
        else:
            value = read(pair.value, name.end)
            if not value.is_universal(5):
                put(f"[objVal!=NULL]{text(value)}")


def _version3(p: Printer, data: bytes, at: int) -> None:
    put = p.put
    head = _expect(p, data, at, _SEQUENCE, "message!=SEQ")
    inner = head.value
    ident = _expect(p, inner, 0, _INTEGER, "msgID!=INT")
    size = _expect(p, inner, ident.end, _INTEGER, "msgMaxSize!=INT")
    flags_element = _expect(p, inner, size.end, _STRING, "msgFlags!=INT")
    flags = flags_element.value[0] if flags_element.value else 0
    if p.verbose:
        put("{ ")
    if flags not in (0, 1, 3, 4, 5, 7):
        put(f"[msgFlags=0x{flags:02x}]")
        return
    letters = "".join([letter for bit, letter in ((1, "a"), (2, "p"), (4, "r")) if flags & bit])
    put(f"F={letters} ")
    model = _expect(p, inner, flags_element.end, _INTEGER, "msgSecurityModel!=INT")
    if p.verbose:
        put("} ")
    if unsigned(model) != _USER_BASED:
        put(f"[security model {unsigned(model)}]")
        return
    security = _expect(p, data, head.end, _STRING, "msgSecurityParameters!=STR")
    if p.verbose:
        put("{ USM ")
    _user_based(p, security.value)
    if p.verbose:
        put("} { ScopedPDU ")
    _scoped(p, data, security.end)
    if p.verbose:
        put("} ")


def _user_based(p: Printer, data: bytes) -> None:
    parts = _expect(p, data, 0, _SEQUENCE, "usm SEQ")
    inner = parts.value
    engine = _expect(p, inner, 0, _STRING, "msgAuthoritativeEngineID!=STR")
    boots = _expect(p, inner, engine.end, _INTEGER, "msgAuthoritativeEngineBoots!=INT")
    clock = _expect(p, inner, boots.end, _INTEGER, "msgAuthoritativeEngineTime!=INT")
    user = _expect(p, inner, clock.end, _STRING, "msgUserName!=STR")
    if p.verbose:
        p.put(f"B={unsigned(boots)} T={unsigned(clock)} ")
    p.put(f'U="{safe(user.value)}" ')


def _scoped(p: Printer, data: bytes, at: int) -> None:
    whole = read(data, at)
    if not whole.is_universal(_SEQUENCE):
        p.put(f"[!scoped PDU]{_other(whole)}")
        return
    inner = whole.value
    engine = _expect(p, inner, 0, _STRING, "contextEngineID!=STR")
    p.put(f"E={''.join([f'_{byte:02x}' for byte in engine.value])} ")
    name = _expect(p, inner, engine.end, _STRING, "contextName!=STR")
    p.put(f'C="{safe(name.value)}" ')
    _pdu(p, inner, name.end, 3)
