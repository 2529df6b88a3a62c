"""The test "is the payload protocol P?", a function for each way in which link types tell.

P is an EtherType (above 1500) or a service access point of 802.2. Where a link type carries one protocol
only, or none of the kind, the answer is TRUE or FALSE.
"""

from __future__ import annotations

import sys

from nmpcap.errors import FilterError
from nmpcap.filter.expand.linklayer import MAX_LENGTH, Context, Place, describe
from nmpcap.filter.ir import FALSE, TRUE, Bool, Test, Value, all_of, any_of

__all__ = ["ARP", "IP", "IP6", "RARP", "check_number", "is_protocol", "require_protocols"]

IP, IP6, ARP, RARP = 0x0800, 0x86DD, 0x0806, 0x8035
_ATALK, _AARP, _IPX_TYPE, _DECNET, _NS = 0x809B, 0x80F3, 0x8137, 0x6003, 0x0600
_ISO, _STP, _IPX, _NETBEUI, _IP_SAP = 0xFE, 0x42, 0xE0, 0xF0, 0x06

_WHOLE_SAPS = (_ISO, _NETBEUI, _IP_SAP)  # told by DSAP and SSAP both


def require_protocols(context: Context, pos: int) -> None:
    """Raise FilterError on a link type of which nothing above the first byte is known."""
    if context.link.layout.family == "bare":
        raise FilterError(f"{describe(context.link.number)} link-layer type filtering not implemented", pos)


def check_number(context: Context, number: int, pos: int) -> None:
    """Raise FilterError for a ``link proto`` number that the link type could not carry."""
    family = context.link.layout.family
    if family in _NUMBERS_UNCHECKED:
        return
    if number > 0xFFFF:
        raise FilterError(f"EtherType value {number} too large: at most 65535", pos)
    if family in _WITH_SAPS and 255 < number <= MAX_LENGTH:
        raise FilterError(f"LLC SAP value {number} too large: at most 255; EtherTypes start at 1501", pos)


def is_protocol(context: Context, protocol: int, pos: int) -> Bool:
    """Return the test for a protocol of the payload; raises FilterError where there is none."""
    require_protocols(context, pos)
    if context.link.labels:
        return _behind_mpls(context, protocol, pos)
    return _FAMILIES[context.link.layout.family](context, protocol)


def _behind_mpls(context: Context, protocol: int, pos: int) -> Bool:
    # The bottom of the stack is marked; nothing says what follows, but IP starts with its version.
    if protocol not in (IP, IP6):
        raise FilterError("unsupported protocol over mpls: only ip and ip6 can be told there", pos)
    version = 0x40 if protocol == IP else 0x60
    network = context.link.network
    return all_of([context.equals(1, network, -2, 1, 0x01), context.equals(1, network, 0, version, 0xF0)])


def _has_snap(context: Context, organization: int, protocol: int) -> Bool:
    """Return the test that the payload starts with 802.2, SNAP, and this protocol of this organization."""
    return context.same_bytes(context.link.payload, 0, _snap(organization, protocol))


def _snap(organization: int, protocol: int) -> bytes:
    return b"\xaa\xaa\x03" + organization.to_bytes(3, "big") + protocol.to_bytes(2, "big")


def _ethernet(context: Context, protocol: int) -> Bool:
    link = context.link
    kind = context.load(2, link.type)
    length = context.is_long_ethernet(link.type)
    test: Bool
    if protocol in _WHOLE_SAPS:
        test = all_of([length, context.equals(2, link.payload, 0, protocol << 8 | protocol)])
    elif protocol == _IPX:
        raw = context.equals(2, link.payload, 0, 0xFFFF)
        dsap = context.equals(1, link.payload, 0, _IPX)
        in_802 = any_of([_has_snap(context, 0, _IPX_TYPE), dsap, raw])
        test = any_of([_is(kind, _IPX_TYPE), all_of([length, in_802])])
    elif protocol in (_ATALK, _AARP):
        organization = 0x080007 if protocol == _ATALK else 0
        test = any_of([_is(kind, protocol), all_of([length, _has_snap(context, organization, protocol)])])
    elif protocol <= MAX_LENGTH:
        test = all_of([length, context.equals(1, link.type, 2, protocol)])
    else:
        test = _is(kind, protocol)
    return all_of([context.not_lane_control(), test])


def _is(value: Value, wanted: int) -> Bool:
    return Test(value, ((wanted, wanted),))


def _sll(context: Context, protocol: int) -> Bool:
    link = context.link
    kind = context.load(2, link.type)
    in_802 = _is(kind, 4)  # LINUX_SLL_P_802_2
    if protocol in _WHOLE_SAPS:
        return all_of([in_802, context.equals(2, link.payload, 0, protocol << 8 | protocol)])
    if protocol == _IPX:
        dsap = context.equals(1, link.payload, 0, _IPX)
        llc = all_of([in_802, any_of([dsap, _has_snap(context, 0, _IPX_TYPE)])])
        return any_of([_is(kind, _IPX_TYPE), _is(kind, 1), llc])
    if protocol in (_ATALK, _AARP):
        organization = 0x080007 if protocol == _ATALK else 0
        return any_of([_is(kind, protocol), all_of([in_802, _has_snap(context, organization, protocol)])])
    if protocol <= MAX_LENGTH:
        return all_of([in_802, context.equals(1, link.payload, 0, protocol)])
    return _is(kind, protocol)


def _llc(context: Context, protocol: int) -> Bool:
    payload = context.link.payload
    if protocol in _WHOLE_SAPS:
        return context.equals(2, payload, 0, protocol << 8 | protocol)
    if protocol == _ATALK:
        return _has_snap(context, 0x080007, _ATALK)
    if protocol <= MAX_LENGTH:
        return context.equals(1, payload, 0, protocol)
    # libpcap: the EtherType is looked for without checking that SNAP precedes it.
    return context.equals(2, payload, 6, protocol)


def _sunatm(context: Context, protocol: int) -> Bool:
    return all_of([context.equals(1, Place(None, 0), 0, 2, 0x0F), _llc(context, protocol)])


def _wlan(context: Context, protocol: int) -> Bool:
    return all_of([context.is_data_frame(), _llc(context, protocol)])


def _ethertype(context: Context, protocol: int) -> Bool:
    return context.equals(2, context.link.type, 0, protocol)


def _hdlc(context: Context, protocol: int) -> Bool:
    return context.equals(2, context.link.type, 0, 0xFEFE if protocol == _ISO else protocol)


_PPP_NUMBERS = {
    IP: 0x21,
    IP6: 0x57,
    _DECNET: 0x27,
    _ATALK: 0x29,
    _NS: 0x25,
    _ISO: 0x23,
    _STP: 0x31,
    _IPX: 0x2B,
}


def _ppp(context: Context, protocol: int) -> Bool:
    return context.equals(2, context.link.type, 0, _PPP_NUMBERS.get(protocol, protocol))


def _ppp_bsdos(context: Context, protocol: int) -> Bool:
    if protocol == IP:  # plain, and Van Jacobson's compressed and uncompressed TCP
        return Test(context.load(2, context.link.type), ((0x21, 0x21), (0x2D, 0x2D), (0x2F, 0x2F)))
    return _ppp(context, protocol)


def _raw(context: Context, protocol: int) -> Bool:
    version = {IP: 0x40, IP6: 0x60}.get(protocol)
    # libpcap: the version is read at offset 0 even where a SLIP header precedes the packet.
    return FALSE if version is None else context.equals(1, context.link.type, 0, version, 0xF0)


def _ipv4(context: Context, protocol: int) -> Bool:
    return TRUE if protocol == IP else FALSE


def _ipv6(context: Context, protocol: int) -> Bool:
    return TRUE if protocol == IP6 else FALSE


# AF_INET6 in files comes from NetBSD, FreeBSD or Darwin; on the machine that compiles it is Linux'.
_HOST_IS_LITTLE_ENDIAN = sys.byteorder == "little"
_AF_INET, _AF_INET6, _AF_INET6_IN_FILES = 2, 10, (24, 28, 30)


def _families(context: Context, protocol: int) -> tuple[int, ...]:
    if protocol == IP:
        return (_AF_INET,)
    if protocol == IP6:
        return _AF_INET6_IN_FILES if context.options.savefile else (_AF_INET6,)
    return ()


def _one_of(context: Context, size: int, wanted: tuple[int, ...]) -> Bool:
    if not wanted:
        return FALSE
    value = context.load(size, context.link.type)
    return Test(value, tuple((number, number) for number in sorted(wanted)))


def _null(context: Context, protocol: int) -> Bool:
    families = _families(context, protocol)
    swapped = tuple(int.from_bytes(family.to_bytes(4, "big"), "little") for family in families)
    if context.options.savefile:
        return _one_of(context, 4, families + swapped)
    return _one_of(context, 4, swapped if _HOST_IS_LITTLE_ENDIAN else families)


def _loop(context: Context, protocol: int) -> Bool:
    return _one_of(context, 4, _families(context, protocol))


def _pflog(context: Context, protocol: int) -> Bool:
    return _one_of(context, 1, _families(context, protocol))


def _arcnet(context: Context, protocol: int) -> Bool:
    codes = {IP: 0xD4, IP6: 0xC4, ARP: 0xD5, RARP: 0xD6, _ATALK: 0xDD}
    return _one_of(context, 1, (codes[protocol],) if protocol in codes else ())


def _ltalk(context: Context, protocol: int) -> Bool:
    return TRUE if protocol == _ATALK else FALSE


def _frelay(context: Context, protocol: int) -> Bool:
    codes = {IP: (0x03CC,), IP6: (0x038E,), _ISO: (0x0381, 0x0382, 0x0383)}
    return _one_of(context, 2, codes.get(protocol, ()))


def _ipnet(context: Context, protocol: int) -> Bool:
    codes = {IP: (2,), IP6: (26,)}
    return _one_of(context, 1, codes.get(protocol, ()))


def _juniper(context: Context, protocol: int) -> Bool:
    # libpcap tells no protocol on these types, only that the frame is Juniper's.
    return context.equals(4, Place(None, 0), 0, 0x4D474300, 0xFFFFFF00)


_FAMILIES = {
    "ethernet": _ethernet,
    "sll": _sll,
    "llc": _llc,
    "sunatm": _sunatm,
    "wlan": _wlan,
    "ethertype": _ethertype,
    "hdlc": _hdlc,
    "ppp": _ppp,
    "ppp_bsdos": _ppp_bsdos,
    "raw": _raw,
    "ipv4": _ipv4,
    "ipv6": _ipv6,
    "null": _null,
    "loop": _loop,
    "pflog": _pflog,
    "arcnet": _arcnet,
    "ltalk": _ltalk,
    "frelay": _frelay,
    "ipnet": _ipnet,
    "juniper": _juniper,
}

_WITH_SAPS = ("ethernet", "sll", "llc", "sunatm", "wlan")
_NUMBERS_UNCHECKED = (
    "raw",
    "ipv4",
    "ipv6",
    "null",
    "loop",
    "pflog",
    "arcnet",
    "ltalk",
    "frelay",
    "ipnet",
    "juniper",
)
