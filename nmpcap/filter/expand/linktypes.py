"""Where things are in a frame, by link type: a table, with libpcap's offsets.

``family`` says how the protocol of the payload is told (see protocols). Offsets count from
the start of the packet: the field with the protocol's type, and the payload. The network
header starts ``snap`` bytes into the payload; ``bare`` is the same where 802.2 is used
without SNAP (ISO protocols). MAC addresses count from the link header. -1 stands for what
a link type lacks; libpcap computes with it, modulo 2^32, and so does this package.
"""

from __future__ import annotations

from typing import NamedTuple

from nmpcap import dlt

__all__ = ["LINK_TYPES", "WLAN", "WLAN_RADIO", "LinkType", "is_known", "link_type"]


class LinkType(NamedTuple):
    """The layout of one link type; ``mac`` is (destination, source) and ``mac_size`` their length."""

    family: str
    header: int = 0
    type: int = -1
    payload: int = -1
    snap: int = -1
    bare: int = -1
    mac: tuple[int, int] | None = None
    mac_size: int = 6


WLAN_RADIO = (dlt.DLT_PRISM_HEADER, dlt.DLT_IEEE802_11_RADIO, dlt.DLT_IEEE802_11_RADIO_AVS, dlt.DLT_PPI)
WLAN = (dlt.DLT_IEEE802_11, *WLAN_RADIO)


def _juniper() -> dict[int, LinkType]:
    at_4 = [dlt.DLT_JUNIPER_MFR, dlt.DLT_JUNIPER_MLFR, dlt.DLT_JUNIPER_MLPPP]
    at_4 += [dlt.DLT_JUNIPER_PPP, dlt.DLT_JUNIPER_CHDLC, dlt.DLT_JUNIPER_FRELAY]
    unset = [dlt.DLT_JUNIPER_ES, dlt.DLT_JUNIPER_SERVICES, dlt.DLT_JUNIPER_VP, dlt.DLT_JUNIPER_ST]
    unset += [dlt.DLT_JUNIPER_ISM, dlt.DLT_JUNIPER_VS, dlt.DLT_JUNIPER_SRX_E2E]
    unset += [dlt.DLT_JUNIPER_FIBRECHANNEL, dlt.DLT_JUNIPER_ATM_CEMIC]
    return {
        **{number: LinkType("juniper", payload=4, snap=0) for number in at_4},
        **{number: LinkType("juniper") for number in unset},
        dlt.DLT_JUNIPER_ATM1: LinkType("juniper", payload=4, snap=0, bare=10),
        dlt.DLT_JUNIPER_ATM2: LinkType("juniper", payload=8, snap=0, bare=10),
        dlt.DLT_JUNIPER_PPPOE: LinkType("juniper", payload=14, snap=18, bare=21),
        dlt.DLT_JUNIPER_ETHER: LinkType("juniper", payload=14, snap=18, bare=21),
        dlt.DLT_JUNIPER_PPPOE_ATM: LinkType("juniper", payload=6, snap=0),
        dlt.DLT_JUNIPER_GGSN: LinkType("juniper", payload=12, snap=0),
        dlt.DLT_JUNIPER_MONITOR: LinkType("juniper", payload=12, snap=0),
    }


LINK_TYPES: dict[int, LinkType] = {
    dlt.DLT_EN10MB: LinkType("ethernet", 0, 12, 14, 0, 3, (0, 6)),
    dlt.DLT_NETANALYZER: LinkType("ethernet", 4, 16, 18, 0, 3, (0, 6)),
    dlt.DLT_NETANALYZER_TRANSPARENT: LinkType("ethernet", 12, 24, 26, 0, 3, (0, 6)),
    dlt.DLT_DSA_TAG_BRCM: LinkType("ethernet", 0, 16, 18, 0, 3, (0, 6)),
    dlt.DLT_DSA_TAG_DSA: LinkType("ethernet", 0, 16, 18, 0, 3, (0, 6)),
    dlt.DLT_FDDI: LinkType("llc", 0, -1, 13, 8, 3, (1, 7)),
    dlt.DLT_IEEE802: LinkType("llc", 0, -1, 14, 8, 3, (2, 8)),
    dlt.DLT_IP_OVER_FC: LinkType("llc", 0, -1, 16, 8, 3, (2, 10)),
    dlt.DLT_ATM_RFC1483: LinkType("llc", 0, -1, 0, 8, 3),
    dlt.DLT_ATM_CLIP: LinkType("llc", 0, -1, 0, 8, 3),
    dlt.DLT_SUNATM: LinkType("sunatm", 0, 4, 4, 8, 3),
    **{number: LinkType("wlan", 0, -1, 0, 8, 3, (4, 10)) for number in WLAN},
    dlt.DLT_LINUX_SLL: LinkType("sll", 0, 14, 16, 0, 0),
    dlt.DLT_LINUX_SLL2: LinkType("ethertype", 0, 0, 20, 0, 0),
    dlt.DLT_SYMANTEC_FIREWALL: LinkType("ethertype", 0, 6, 44, 0, 0),
    dlt.DLT_APPLE_IP_OVER_IEEE1394: LinkType("ethertype", 0, 16, 18, 0, 0),
    dlt.DLT_C_HDLC: LinkType("hdlc", 0, 2, 4, 0, 0),
    112: LinkType("hdlc", 0, 2, 4, 0, 0),  # DLT_HDLC of NetBSD
    dlt.DLT_PPP: LinkType("ppp", 0, 2, 4, 0, 0),
    dlt.DLT_PPP_PPPD: LinkType("ppp", 0, 2, 4, 0, 0),
    dlt.DLT_PPP_SERIAL: LinkType("ppp", 0, 2, 4, 0, 0),
    dlt.DLT_PPP_ETHER: LinkType("ppp", 0, 6, 8, 0, 0),
    dlt.DLT_PPP_BSDOS: LinkType("ppp_bsdos", 0, 5, 24, 0, 0),
    dlt.DLT_RAW: LinkType("raw", 0, 0, 0, 0, 0),
    dlt.DLT_SLIP: LinkType("raw", 0, 0, 16, 0, 0),
    dlt.DLT_SLIP_BSDOS: LinkType("raw", 0, 0, 24, 0, 0),
    dlt.DLT_IPV4: LinkType("ipv4", 0, -1, 0, 0, 0),
    dlt.DLT_IPV6: LinkType("ipv6", 0, -1, 0, 0, 0),
    dlt.DLT_NULL: LinkType("null", 0, 0, 4, 0, 0),
    dlt.DLT_ENC: LinkType("null", 0, 0, 12, 0, 0),
    dlt.DLT_LOOP: LinkType("loop", 0, 0, 4, 0, 0),
    dlt.DLT_PFLOG: LinkType("pflog", 0, 1, 0, 0, 0),
    dlt.DLT_ARCNET: LinkType("arcnet", 0, 2, 6, 0, 0, (1, 0), 1),
    dlt.DLT_ARCNET_LINUX: LinkType("arcnet", 0, 4, 8, 0, 0, (1, 0), 1),
    dlt.DLT_BACNET_MS_TP: LinkType("bare", mac=(3, 4), mac_size=1),
    dlt.DLT_LTALK: LinkType("ltalk", 0, -1, 0, 0, 0),
    dlt.DLT_FRELAY: LinkType("frelay", 0, 2, 0, 0, 0),
    dlt.DLT_IPNET: LinkType("ipnet", 0, 1, 24, 0),
    **_juniper(),
}

_BARE = LinkType("bare")

_LAST_ASSIGNED = 304
_LOW_AND_KNOWN = (2, 3, 4, 5, 32)  # EN3MB AX25 PRONET CHAOS REDBACK_SMARTEDGE


def link_type(number: int) -> LinkType:
    """Return the layout of a link type; of an assigned one without a layout, only its first byte is known."""
    return LINK_TYPES.get(number, _BARE)


def is_known(number: int) -> bool:
    """Return whether a filter can be compiled for this link type at all."""
    return number in LINK_TYPES or number in _LOW_AND_KNOWN or dlt.DLT_C_HDLC <= number <= _LAST_ASSIGNED
