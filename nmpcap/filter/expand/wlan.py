"""802.11: addresses, frame types, and where its headers of variable length end.

Offsets count from the 802.11 header, which a radio header may precede. Frame control is
two bytes: fc0 = subtype << 4 | type << 2 | version; fc1 has To-DS at 1 and From-DS at 2.
"""

from __future__ import annotations

from collections.abc import Callable

from nmpcap import dlt
from nmpcap.errors import FilterError
from nmpcap.filter.expand.linklayer import Context, Place
from nmpcap.filter.expand.linktypes import WLAN, WLAN_RADIO
from nmpcap.filter.ir import TRUE, Assign, Bool, Test, Value, all_of, any_of, negate
from nmpcap.filter.syntax import ast
from nmpcap.filter.syntax.keywords import WLAN_DIRECTIONS, WLAN_SUBTYPES, WLAN_TYPES

__all__ = ["address_test", "expand_direction", "expand_type", "ppi_check", "prologue"]

_TO_DS, _FROM_DS = 1, 2
_CTS, _ACK = 0xC0, 0xD0


def _fc(context: Context, byte: int, mask: int) -> Bool:
    """Return the test that none of the bits of frame control is set."""
    return context.equals(1, context.link.header, byte, 0, mask)


def address_test(context: Context, direction: str, test: Callable[[Place], Bool]) -> Bool:
    """Apply ``test`` to the place of the address that ``direction`` selects in a frame of this kind."""
    header = context.link.header

    def at(offset: int) -> Bool:
        return test(header.plus(offset))

    not_control, not_data = _fc(context, 0, 0x04), _fc(context, 0, 0x08)
    not_from_ds, not_to_ds = _fc(context, 1, _FROM_DS), _fc(context, 1, _TO_DS)

    def source() -> Bool:
        from_ds = any_of([all_of([not_to_ds, at(16)]), all_of([negate(not_to_ds), at(24)])])
        data = any_of([all_of([not_from_ds, at(10)]), all_of([negate(not_from_ds), from_ds])])
        return all_of([not_control, any_of([all_of([not_data, at(10)]), all_of([negate(not_data), data])])])

    def destination() -> Bool:
        data = any_of([all_of([not_to_ds, at(4)]), all_of([negate(not_to_ds), at(16)])])
        return all_of([not_control, any_of([all_of([not_data, at(4)]), all_of([negate(not_data), data])])])

    def second() -> Bool:
        short = any_of([context.equals(1, header, 0, subtype, 0xF0) for subtype in (_CTS, _ACK)])
        return all_of([negate(all_of([context.equals(1, header, 0, 0x04, 0x0C), short])), at(10)])

    def third() -> Bool:
        return all_of([negate(context.equals(1, header, 0, 0x04, 0x0C)), at(16)])

    def fourth() -> Bool:
        return all_of([context.equals(1, header, 1, _TO_DS | _FROM_DS, _TO_DS | _FROM_DS), at(24)])

    selectors: dict[str, Callable[[], Bool]] = {
        "src": source,
        "dst": destination,
        "": lambda: any_of([source(), destination()]),
        "src or dst": lambda: any_of([source(), destination()]),
        "src and dst": lambda: all_of([source(), destination()]),
        # libpcap: the data bit alone decides, so control frames never match.
        "ra": lambda: all_of([negate(not_data), at(4)]),
        "ta": lambda: all_of([negate(not_data), at(10)]),
        "addr1": lambda: at(4),
        "addr2": second,
        "addr3": third,
        "addr4": fourth,
    }
    return selectors[direction]()


def _require_wlan(context: Context, what: str, pos: int) -> None:
    if context.link.number not in WLAN:
        raise FilterError(f"{what} supported only on 802.11", pos)


def expand_type(context: Context, word: ast.Word) -> Bool:
    """Expand ``type T``, ``type T subtype S`` and ``subtype S``."""
    _require_wlan(context, "802.11 link-layer types", word.pos)
    if word.name == "subtype":
        name = str(word.args[0]).lower()
        for type_, names in WLAN_SUBTYPES.items():
            if name in names:
                return context.equals(1, context.link.header, 0, type_ | names[name], 0xFC)
        raise FilterError(f'unknown 802.11 subtype name "{name}"', word.pos)
    type_ = _type_number(word)
    if len(word.args) == 1:
        return context.equals(1, context.link.header, 0, type_, 0x0C)
    return context.equals(1, context.link.header, 0, type_ | _subtype_number(word, type_), 0xFC)


def _type_number(word: ast.Word) -> int:
    wanted = word.args[0]
    if isinstance(wanted, int):
        if wanted & ~0x0C:
            raise FilterError(f"invalid 802.11 type value {wanted:#x}: one of 0, 4, 8, 12", word.pos)
        return wanted
    number = WLAN_TYPES.get(str(wanted).lower())
    if number is None:
        raise FilterError(f'unknown 802.11 type name "{wanted}": mgt, ctl or data', word.pos)
    return number


def _subtype_number(word: ast.Word, type_: int) -> int:
    wanted = word.args[1]
    if isinstance(wanted, int):
        if wanted & ~0xF0:
            raise FilterError(
                f"invalid 802.11 subtype value {wanted:#x}: a multiple of 16 up to 240", word.pos
            )
        return wanted
    number = WLAN_SUBTYPES.get(type_, {}).get(str(wanted).lower())
    if number is None:
        raise FilterError(f'unknown 802.11 subtype name "{wanted}" of this type', word.pos)
    return number


def expand_direction(context: Context, word: ast.Word) -> Bool:
    """Expand ``dir D``: to or from the distribution system."""
    _require_wlan(context, "frame direction", word.pos)
    wanted = word.args[0]
    number = wanted if isinstance(wanted, int) else WLAN_DIRECTIONS.get(str(wanted).lower())
    if not isinstance(number, int):
        raise FilterError(f'unknown 802.11 direction name "{wanted}": nods, tods, fromds or dstods', word.pos)
    if number > 3:
        raise FilterError(f"invalid 802.11 direction value {number}: at most 3", word.pos)
    return context.equals(1, context.link.header, 1, number, 0x03)


# -- where headers end ---------------------------------------------------------------


def prologue(context: Context) -> Bool:
    """Set the variables for header and payload, as far as the filter reads them; TRUE if it does not."""
    number = context.options.linktype
    if number not in WLAN or not context.used & {"frame", "payload"}:
        return TRUE
    steps: list[Bool] = []
    if number in WLAN_RADIO:
        steps.extend(_radio_length(context, number))
    if "payload" in context.used:
        padded = number == dlt.DLT_IEEE802_11_RADIO == context.link.number
        steps.extend(_payload(context, number, padded))
    return all_of(steps)


def _radio_length(context: Context, number: int) -> list[Bool]:
    values = context.values
    word = values.load(4, None, 4)
    if number == dlt.DLT_IEEE802_11_RADIO_AVS:
        return [Assign("frame", word)]
    if number == dlt.DLT_PRISM_HEADER:
        cookie = Test(values.masked(values.load(4, None, 0), 0xFFFFF000), ((0x80211000, 0x80211000),))
        return [any_of([all_of([cookie, Assign("frame", word)]), Assign("frame", values.const(144))])]
    high = values.binary("<<", values.load(1, None, 3), values.const(8))  # little-endian
    return [Assign("frame", values.binary("|", high, values.load(1, None, 2)))]


def _payload(context: Context, number: int, padded: bool) -> list[Bool]:
    """Skip 24 bytes of header, 2 more for QoS data, and padding to 4 if the radio header says so."""
    values = context.values
    frame = values.var("frame") if number in WLAN_RADIO else None
    start: Value = values.const(24) if frame is None else values.binary("+", frame, values.const(24))
    payload = values.var("payload")
    fc0 = values.load(1, frame, 0)

    def bits(value: Value, mask: int) -> Bool:
        return negate(Test(values.masked(value, mask), ((0, 0),)))

    def grow(by: int) -> Assign:
        return Assign("payload", values.binary("+", payload, values.const(by)))

    def if_then(condition: Bool, action: Bool) -> Bool:
        return any_of([negate(condition), action])

    qos: Bool = if_then(bits(fc0, 0x80), grow(2))
    rounded = values.masked(values.binary("+", payload, values.const(3)), 0xFFFFFFFC)
    pad: Bool = Assign("payload", rounded)
    if padded:
        present = values.load(4, None, 4)  # little-endian: TSFT 0x01000000, FLAGS 0x02000000, EXT 0x80
        padding = any_of(
            [
                all_of([bits(present, 0x01000000), bits(values.load(1, None, 16), 0x20)]),
                all_of([negate(bits(present, 0x01000000)), bits(values.load(1, None, 8), 0x20)]),
            ]
        )
        has_flags = all_of([bits(present, 0x02000000), negate(bits(present, 0x00000080))])
        qos = all_of([qos, if_then(all_of([has_flags, padding]), pad)])
    is_data = all_of([bits(fc0, 0x08), negate(bits(fc0, 0x04))])
    return [Assign("payload", start), if_then(is_data, qos)]


def ppi_check(context: Context, body: Bool) -> Bool:
    """Ask for 802.11 inside PPI; not if the filter ended at another link type."""
    if context.options.linktype != dlt.DLT_PPI or context.link.number != dlt.DLT_PPI:
        return body
    return all_of([context.equals(4, Place(None, 0), 4, 0x69000000), body])
