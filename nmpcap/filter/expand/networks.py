"""Expands the words of particular networks: ATM (SunATM), SS7 (MTP2) and OpenBSD's packet filter log."""

from __future__ import annotations

from nmpcap import dlt
from nmpcap.errors import FilterError
from nmpcap.filter.expand.arithmetic import compare
from nmpcap.filter.expand.linklayer import Context, Place
from nmpcap.filter.ir import Bool, Test, Value, all_of, any_of
from nmpcap.filter.syntax import ast
from nmpcap.filter.syntax.keywords import PF_ACTIONS, PF_REASONS

__all__ = ["NETWORK_WORDS", "expand_atm", "expand_mtp", "expand_pf", "expand_unit"]

_START = Place(None, 0)


def _relate(context: Context, word: ast.Word, value: Value, stored: dict[int, int]) -> Bool:
    """Compare as the word says: with one number by a relation, or with each of several."""
    first = word.args[0]
    if isinstance(first, tuple):
        return any_of(Test(value, ((stored[number], stored[number]),)) for number in first)
    number = word.args[1]
    assert isinstance(number, int)
    return compare(str(first), value, context.values.const(stored[number]))


def _numbers(word: ast.Word) -> tuple[int, ...]:
    first = word.args[0]
    if isinstance(first, tuple):
        return first
    number = word.args[1]
    assert isinstance(number, int)
    return (number,)


def _check_limit(word: ast.Word, greatest: int) -> None:
    for number in _numbers(word):
        if number > greatest:
            raise FilterError(f"{word.name} value {number} too big; max value = {greatest}", word.pos)


# -- ATM -----------------------------------------------------------------------------

_CIRCUITS = {"metac": 1, "bcc": 2, "oamf4sc": 3, "oamf4ec": 4, "sc": 5, "ilmic": 16}  # VCIs of VPI 0
_MESSAGES = (
    5,
    2,
    7,
    0x0F,
    0x4D,
    0x5A,
)  # Q.2931: setup, proceeding, connect, connect ack, release, release done
_META_MESSAGES = (5, 2, 7, 0x4D, 0x5A)


def expand_atm(context: Context, word: ast.Word) -> Bool:
    """Expand ``vpi``, ``vci``, the words for well-known circuits and those for their messages."""
    if context.link.number != dlt.DLT_SUNATM or context.link.inside:
        raise FilterError(f"'{word.name}' supported only on raw ATM", word.pos)
    name = word.name
    if name in ("vpi", "vci"):
        numbers = _numbers(word)
        _check_limit(word, 0xFF if name == "vpi" else 0xFFFF)
        value = context.load(1, _START, 1) if name == "vpi" else context.load(2, _START, 2)
        return _relate(context, word, value, {number: number for number in numbers})
    if name in ("oam", "oamf4"):
        return _circuit(context, 3, 4)
    if name == "connectmsg":
        return all_of([_circuit(context, _CIRCUITS["sc"]), _message(context, _MESSAGES)])
    if name == "metaconnect":
        return all_of([_circuit(context, _CIRCUITS["metac"]), _message(context, _META_MESSAGES)])
    return _circuit(context, _CIRCUITS[name])


def _circuit(context: Context, *vcis: int) -> Bool:
    vci = any_of(context.equals(2, _START, 2, number) for number in vcis)
    return all_of([context.equals(1, _START, 1, 0), vci])


def _message(context: Context, kinds: tuple[int, ...]) -> Bool:
    return any_of(context.equals(1, _START, 9, kind) for kind in kinds)


# -- SS7 -----------------------------------------------------------------------------

_MTP_START = {dlt.DLT_MTP2: 0, dlt.DLT_MTP2_WITH_PHDR: 4, dlt.DLT_ERF: 20}
_LI, _SIO, _POINT_CODES, _SLS, _LI_HSL, _HSL_SHIFT = 2, 3, 4, 7, 4, 3


def _require_mtp(context: Context, word: ast.Word) -> Place:
    start = _MTP_START.get(context.link.number)
    if start is None:
        raise FilterError(f"'{word.name}' supported only on MTP2", word.pos)
    return Place(None, start)


def expand_unit(context: Context, word: ast.Word) -> Bool:
    """Expand the kinds of signal units, told by the length indicator; h is for high-speed links."""
    start = _require_mtp(context, word)
    if word.name.startswith("h"):
        value = context.values.masked(context.load(2, start, _LI_HSL), 0xFF80)
        unit = 0x80
    else:
        value = context.values.masked(context.load(1, start, _LI), 0x3F)
        unit = 1
    if word.name.endswith("fisu"):
        return Test(value, ((0, 0),))
    if word.name.endswith("lssu"):
        return all_of([Test(value, ((1, 0xFFFFFFFF),)), Test(value, ((0, 2 * unit),))])
    return Test(value, ((2 * unit + 1, 0xFFFFFFFF),))


def expand_mtp(context: Context, word: ast.Word) -> Bool:
    """Expand the fields of MTP3; point codes are compared as they are stored, least byte first."""
    start = _require_mtp(context, word)
    name, shift = (word.name[1:], _HSL_SHIFT) if word.name.startswith("h") else (word.name, 0)
    _check_limit(word, {"sio": 0xFF, "opc": 0x3FFF, "dpc": 0x3FFF, "sls": 0x0F}[name])
    values, numbers = context.values, _numbers(word)
    if name == "sio":
        return _relate(
            context, word, context.load(1, start, _SIO + shift), {number: number for number in numbers}
        )
    if name == "sls":
        value = values.masked(context.load(1, start, _SLS + shift), 0xF0)
        return _relate(context, word, value, {number: number << 4 for number in numbers})
    if name == "dpc":
        value = values.masked(context.load(2, start, _POINT_CODES + shift), 0xFF3F)
        return _relate(context, word, value, {number: _swapped(number, 2) for number in numbers})
    value = values.masked(context.load(4, start, _POINT_CODES + shift), 0x00C0FF0F)
    return _relate(context, word, value, {number: _swapped(number << 14, 4) for number in numbers})


def _swapped(number: int, size: int) -> int:
    return int.from_bytes(number.to_bytes(size, "little"), "big")


# -- PF ------------------------------------------------------------------------------

# Offsets in struct pfloghdr, and the size of names in it with the byte that ends them.
_PF_ACTION, _PF_REASON, _PF_IFNAME, _PF_RULESET, _PF_RULENUM, _PF_SUBRULENUM = 2, 3, 4, 20, 36, 40
_PF_NAME_SIZE = 16


def expand_pf(context: Context, word: ast.Word) -> Bool:
    """Expand the words about a log record of OpenBSD's packet filter."""
    name, argument = word.name, word.args[0]
    if context.link.number != dlt.DLT_PFLOG:
        raise FilterError(f"{name} supported only on PF linktype", word.pos)
    if name in ("ifname", "ruleset"):
        text = str(argument).encode()
        if len(text) >= _PF_NAME_SIZE:
            raise FilterError(f"{name} names can't be larger than {_PF_NAME_SIZE - 1} characters", word.pos)
        # libpcap: no terminator is looked for, so en1 also matches en10.
        return context.same_bytes(_START, _PF_IFNAME if name == "ifname" else _PF_RULESET, text)
    if name in ("rulenum", "subrulenum"):
        assert isinstance(argument, int)
        return context.equals(4, _START, _PF_RULENUM if name == "rulenum" else _PF_SUBRULENUM, argument)
    number = argument if isinstance(argument, int) else _named(word, str(argument))
    return context.equals(1, _START, _PF_REASON if name == "reason" else _PF_ACTION, number)


def _named(word: ast.Word, argument: str) -> int:
    number = (PF_REASONS if word.name == "reason" else PF_ACTIONS).get(argument.lower())
    if number is None:
        raise FilterError(f'unknown PF {word.name} "{argument}"', word.pos)
    return number


_ATM_WORDS = ("vpi", "vci", "oam", "oamf4", "connectmsg", "metaconnect", *_CIRCUITS)
_UNITS = ("fisu", "lssu", "msu", "hfisu", "hlssu", "hmsu")
_MTP_FIELDS = ("sio", "opc", "dpc", "sls", "hsio", "hopc", "hdpc", "hsls")
_PF_WORDS = ("ifname", "ruleset", "rulenum", "subrulenum", "reason", "action")

NETWORK_WORDS = {
    **dict.fromkeys(_ATM_WORDS, expand_atm),
    **dict.fromkeys(_UNITS, expand_unit),
    **dict.fromkeys(_MTP_FIELDS, expand_mtp),
    **dict.fromkeys(_PF_WORDS, expand_pf),
}
