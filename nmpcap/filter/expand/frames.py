"""Expands the words about whole frames: their length, bytes, direction, destination and 802.2 control."""

from __future__ import annotations

from nmpcap import dlt
from nmpcap.errors import FilterError
from nmpcap.filter.expand import wlan
from nmpcap.filter.expand.hosts import inner_frame
from nmpcap.filter.expand.linklayer import Context, Place, describe
from nmpcap.filter.expand.protocols import IP, IP6, is_protocol
from nmpcap.filter.ir import TOP, TRUE, Bool, Test, all_of, any_of, negate
from nmpcap.filter.syntax import ast
from nmpcap.filter.syntax.keywords import LLC_CONTROLS

__all__ = [
    "FRAME_WORDS",
    "expand_broadcast",
    "expand_byte",
    "expand_ifindex",
    "expand_inbound",
    "expand_length",
    "expand_llc",
    "expand_multicast",
]

_START = Place(None, 0)
_PKTTYPE, _IFINDEX = 4, 8  # SKF_AD_PKTTYPE, SKF_AD_IFINDEX
_OUTGOING = 4  # PACKET_OUTGOING


def _argument(word: ast.Word, position: int) -> int:
    number = word.args[position]
    assert isinstance(number, int)
    return number


def expand_length(context: Context, word: ast.Word) -> Bool:
    """Expand ``less N`` (len <= N) and ``greater N`` (len >= N)."""
    limit = _argument(word, 0)
    ranges = ((0, limit),) if word.name == "less" else ((limit, TOP),)
    return Test(context.values.length(), ranges)


def expand_byte(context: Context, word: ast.Word) -> Bool:
    """Expand ``byte I op V``; ``&`` and ``|`` ask whether the result is not 0."""
    index, operator, value = _argument(word, 0), word.args[1], _argument(word, 2)
    if value > 255:
        raise FilterError(f"byte value {value} too big; max value = 255", word.pos)
    header, values = context.link.header, context.values
    if header.base is None:
        byte = values.load(1, None, header.k + index) if header.k + index <= TOP else None
        if byte is None:
            byte = values.load(1, values.const(header.k), index)
    else:
        context.use(header.base.vars)
        byte = values.load(1, header.base, header.k + index)
    if operator == "=":
        return Test(byte, ((value, value),))
    if operator == "<":
        return negate(Test(byte, ((value, TOP),)))
    if operator == ">":
        return Test(byte, ((value + 1, TOP),))
    return negate(Test(values.binary(str(operator), byte, values.const(value)), ((0, 0),)))


# -- destinations --------------------------------------------------------------------


def expand_broadcast(context: Context, word: ast.Word) -> Bool:
    """Expand ``[ether|ip] broadcast``."""
    if word.proto == "ip":
        return _ip_broadcast(context, word)
    layout, header = context.link.layout, context.link.header
    if layout.family == "wlan":
        return wlan.address_test(context, "dst", lambda place: context.same_bytes(place, 0, b"\xff" * 6))
    if layout.mac is None:
        raise FilterError(f"not a broadcast link: {describe(context.link.number)}", word.pos)
    destination = layout.mac[0]
    if layout.mac_size == 1:
        everyone = 0 if layout.family == "arcnet" else 0xFF
        return context.equals(1, header, destination, everyone)
    return all_of([*inner_frame(context), context.same_bytes(header, destination, b"\xff" * 6)])


def _ip_broadcast(context: Context, word: ast.Word) -> Bool:
    netmask = context.options.netmask
    if netmask is None or netmask == 0xFFFFFFFF:
        raise FilterError(
            "netmask not known, so 'ip broadcast' not supported: give it as netmask=0xffffff00, for a /24",
            word.pos,
        )
    hosts = ~netmask & TOP
    is_ip, network = is_protocol(context, IP, word.pos), context.link.network
    zeros, ones = (context.equals(4, network, 16, wanted, hosts) for wanted in (0, hosts))
    return all_of([is_ip, any_of([zeros, ones])])


def expand_multicast(context: Context, word: ast.Word) -> Bool:
    """Expand ``[ether|ip|ip6] multicast``."""
    network = context.link.network
    if word.proto == "ip":
        return all_of([is_protocol(context, IP, word.pos), context.equals(1, network, 16, 0xE0, 0xF0)])
    if word.proto == "ip6":
        return all_of([is_protocol(context, IP6, word.pos), context.equals(1, network, 24, 0xFF)])
    layout, header = context.link.layout, context.link.header
    if layout.family == "wlan":
        return wlan.address_test(context, "dst", lambda place: negate(context.equals(1, place, 0, 0, 0x01)))
    if layout.family == "arcnet":
        return context.equals(1, header, layout.mac[0] if layout.mac else 0, 0)
    if layout.mac is None or layout.mac_size != 6:
        raise FilterError(
            "link-layer multicast filters supported only on"
            " ethernet/FDDI/token ring/ARCNET/802.11/ATM LANE/Fibre Channel",
            word.pos,
        )
    return all_of([*inner_frame(context), negate(context.equals(1, header, layout.mac[0], 0, 0x01))])


# -- direction and interface ---------------------------------------------------------

# link type -> size and offset of the field, its mask, and what inbound and outbound frames have there;
# None where that is all that the other has not.
_DIRECTIONS: dict[int, tuple[int, int, int, int | None, int]] = {
    dlt.DLT_LINUX_SLL: (2, 0, TOP, None, 4),
    dlt.DLT_LINUX_SLL2: (1, 10, TOP, None, 4),
    dlt.DLT_SLIP: (1, 0, TOP, 0, 1),
    dlt.DLT_IPNET: (2, 2, TOP, 2, 1),
    dlt.DLT_PFLOG: (1, 60, TOP, 1, 2),
    dlt.DLT_PPP_PPPD: (1, 0, TOP, 0, 1),
    dlt.DLT_DSA_TAG_BRCM: (1, 12, 0xE0, 0x00, 0x20),
}


def expand_inbound(context: Context, word: ast.Word) -> Bool:
    """Expand ``inbound`` and ``outbound``."""
    outbound, link = word.name == "outbound", context.link
    if link.number in _DIRECTIONS:
        size, offset, mask, incoming, outgoing = _DIRECTIONS[link.number]
        if not outbound and incoming is None:
            return negate(context.equals(size, _START, offset, outgoing, mask))
        return context.equals(
            size, _START, offset, outgoing if outbound or incoming is None else incoming, mask
        )
    if link.layout.family == "juniper":
        return context.equals(1, _START, 3, 0 if outbound else 1, 0x01)
    if link.number == dlt.DLT_DSA_TAG_DSA:  # two bits: 01 is from the processor, 00 and 10 are to it
        return (
            context.equals(1, _START, 12, 0x40, 0xC0) if outbound else context.equals(1, _START, 12, 0, 0x40)
        )
    _require_live(context, "inbound/outbound", word.pos)
    kind = Test(context.values.ancillary(2, _PKTTYPE), ((_OUTGOING, _OUTGOING),))
    return kind if outbound else negate(kind)


def expand_ifindex(context: Context, word: ast.Word) -> Bool:
    """Expand ``ifindex N``."""
    number = _argument(word, 0)
    if context.link.number == dlt.DLT_LINUX_SLL2:
        return context.equals(4, _START, 4, number)
    _require_live(context, "ifindex", word.pos)
    return Test(context.values.ancillary(4, _IFINDEX), ((number, number),))


def _require_live(context: Context, what: str, pos: int) -> None:
    if not context.options.live:
        on = describe(context.link.number)
        raise FilterError(f"{what} not supported on {on} when reading savefiles", pos)


# -- 802.2 ---------------------------------------------------------------------------


def expand_llc(context: Context, word: ast.Word) -> Bool:
    """Expand ``llc [type]``."""
    link = context.link
    if link.layout.family == "ethernet" and link.number not in (
        dlt.DLT_NETANALYZER,
        dlt.DLT_NETANALYZER_TRANSPARENT,
    ):
        raw = context.equals(2, link.payload, 0, 0xFFFF)  # Novell's raw 802.3
        is_llc = all_of([context.is_long_ethernet(link.type), negate(raw)])
    elif link.layout.family == "sunatm":
        is_llc = context.equals(1, _START, 0, 2, 0x0F)
    elif link.layout.family == "wlan":
        is_llc = context.is_data_frame()
    elif link.number in (dlt.DLT_FDDI, dlt.DLT_IEEE802, dlt.DLT_ATM_RFC1483):
        is_llc = TRUE
    else:
        raise FilterError(f"'llc' not supported for {describe(link.number)}", word.pos)
    if not word.args:
        return is_llc
    name = str(word.args[0])
    if name.lower() not in LLC_CONTROLS:
        raise FilterError(f'unknown LLC type name "{name}"', word.pos)
    control, mask = LLC_CONTROLS[name.lower()]
    return all_of([is_llc, context.equals(1, link.payload, 2, control, mask)])


FRAME_WORDS = {
    "less": expand_length,
    "greater": expand_length,
    "byte": expand_byte,
    "broadcast": expand_broadcast,
    "multicast": expand_multicast,
    "inbound": expand_inbound,
    "outbound": expand_inbound,
    "ifindex": expand_ifindex,
    "llc": expand_llc,
    "type": wlan.expand_type,
    "subtype": wlan.expand_type,
    "dir": wlan.expand_direction,
}
