"""Differences from tcpdump that are known: what its text looks like there, and why ours is another.

A frame whose text from tcpdump has one of these may be printed differently; every other difference fails.
"""

from __future__ import annotations

import re

__all__ = ["known"]

_NO_PRINTER = (
    *("IPX", r"\[\|ipx\]", "isoclns|isis|OSI NLPID", "DTPv", "UDLDv", "VTPv", "EGPv", r"\bigrp: "),
    *("DCCP",),
    *(
        "RSVP",
        "mobile: ",
        "EIGRP.*\\n",
        "OSPFv(59|.*\\n)",
        "PIMv.*\\n",
        "PGM",
        r" nd \d",
        "forces",
        "PPID M3UA",
        "MLPPP",
    ),
    *(
        "router renumbering",
        "node information",
        "RPL, ",
        "who-are-you",
        "mobile router",
        "dvmrp|pimv1",
        r"CDPv\d+, ttl",
        "DN ",
        "802.1aq",
    ),
)
_REASONS = {
    "there is no printer for it": "|".join(_NO_PRINTER),
    "options of PPP but of LCP, IPCP, IP6CP": r"(CCP|MPLSCP|OSICP|IPCP|IP6CP|LCP), .*encoded length",
    "options of DHCPv6 that few use": "Lease-query|LQ-|NTP-server|AFTR-Name|SIP-servers|DNS-search",
    "a name of bits that leads nowhere, in DNS": r"\\\[x20202020|1/0/0  \(106\)",
    "a DNS option of a length it cannot have": r"ECS  \(invalid\)",
    "an unsigned number where few have one": "trailing data length 3",
    "a test of Ethernet that is cut short": r"Loopback, skipCount 0 \(invalid\)",
}
_PATTERN = re.compile("|".join(f"(?:{pattern})" for pattern in _REASONS.values()), re.S)


def known(theirs: str) -> bool:
    """Say whether tcpdump's text of a frame is one that we are known to print differently."""
    # It prints nothing of a few frames; we always have a word.
    return not theirs or _PATTERN.search(theirs) is not None
