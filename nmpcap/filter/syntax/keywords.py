"""The words of pcap-filter(7): keywords, named numbers, and the names some primitives take.

A keyword's entry is (kind, value): what the grammar sees, and the one spelling the later
stages know it by. Numbers of protocols are IANA's; the names after ``type``, ``subtype``,
``reason`` and so on are libpcap's.
"""

from __future__ import annotations

__all__ = [
    "ETHER_PROTOCOLS",
    "IP_PROTOCOLS",
    "ISO_PROTOCOLS",
    "KEYWORDS",
    "LLC_CONTROLS",
    "NUMBERS",
    "PF_ACTIONS",
    "PF_REASONS",
    "WLAN_DIRECTIONS",
    "WLAN_SUBTYPES",
    "WLAN_TYPES",
]


def _keywords() -> dict[str, tuple[str, str]]:
    groups = {
        "proto": "link ip ip6 arp rarp atalk aarp decnet lat sca moprc mopdl iso stp ipx netbeui"
        " tcp udp sctp icmp icmp6 igmp igrp pim vrrp carp ah esp"
        " esis isis clnp l1 l2 iih lsp snp csnp psnp radio",
        "dir": "src dst addr1 addr2 addr3 addr4 ra ta",
        "type": "host net port portrange",
        "ptype": "proto protochain gateway",
        "word": "mask less greater byte broadcast multicast inbound outbound ifindex llc"
        " vlan mpls pppoed pppoes geneve vxlan type subtype dir",
        "len": "len",
        "pf": "ifname ruleset rulenum subrulenum reason action",
        "atm": "lane metac bcc oam oamf4 oamf4ec oamf4sc sc ilmic connectmsg metaconnect",
        "value": "vpi vci sio opc dpc sls hsio hopc hdpc hsls",
        "mtp": "fisu lssu msu hfisu hlssu hmsu",
        "and": "and",
        "or": "or",
        "not": "not",
    }
    table = {word: (kind, word) for kind, words in groups.items() for word in words.split()}
    synonyms = {
        "link": "ether ppp slip fddi tr wlan",
        "esis": "es-is",
        "isis": "is-is",
        "addr1": "address1",
        "addr2": "address2",
        "addr3": "address3",
        "addr4": "address4",
        "len": "length",
        "dir": "direction",
        "ifname": "on",
        "ruleset": "rset",
        "rulenum": "rnr",
        "subrulenum": "srnr",
        "lssu": "lsu",
    }
    for word, others in synonyms.items():
        for other in others.split():
            table[other] = table[word]
    return table


KEYWORDS = _keywords()

_ICMP6 = {
    "destinationunreach": 1,
    "packettoobig": 2,
    "timeexceeded": 3,
    "parameterproblem": 4,
    "echo": 128,
    "echoreply": 129,
    "multicastlistenerquery": 130,
    "multicastlistenerreportv1": 131,
    "multicastlistenerdone": 132,
    "routersolicit": 133,
    "routeradvert": 134,
    "neighborsolicit": 135,
    "neighboradvert": 136,
    "redirect": 137,
    "routerrenum": 138,
    "nodeinformationquery": 139,
    "nodeinformationresponse": 140,
    "ineighbordiscoverysolicit": 141,
    "ineighbordiscoveryadvert": 142,
    "multicastlistenerreportv2": 143,
    "homeagentdiscoveryrequest": 144,
    "homeagentdiscoveryreply": 145,
    "mobileprefixsolicit": 146,
    "mobileprefixadvert": 147,
    "certpathsolicit": 148,
    "certpathadvert": 149,
    "multicastrouteradvert": 151,
    "multicastroutersolicit": 152,
    "multicastrouterterm": 153,
}

_ICMP = {
    "echoreply": 0,
    "unreach": 3,
    "sourcequench": 4,
    "redirect": 5,
    "echo": 8,
    "routeradvert": 9,
    "routersolicit": 10,
    "timxceed": 11,
    "paramprob": 12,
    "tstamp": 13,
    "tstampreply": 14,
    "ireq": 15,
    "ireqreply": 16,
    "maskreq": 17,
    "maskreply": 18,
}

_TCP_FLAGS = ("fin", "syn", "rst", "push", "ack", "urg", "ece", "cwr")

NUMBERS = {
    "icmptype": 0,
    "icmpcode": 1,
    "icmp6type": 0,
    "icmp6code": 1,
    "tcpflags": 13,
    **{f"tcp-{name}": 1 << bit for bit, name in enumerate(_TCP_FLAGS)},
    **{f"icmp-{name}": number for name, number in _ICMP.items()},
    **{f"icmp6-{name}": number for name, number in _ICMP6.items()},
}

IP_PROTOCOLS = {
    "icmp": 1,
    "igmp": 2,
    "tcp": 6,
    "igrp": 9,
    "udp": 17,
    "esp": 50,
    "ah": 51,
    "icmp6": 58,
    "pim": 103,
    "vrrp": 112,
    "carp": 112,
    "sctp": 132,
}

# EtherTypes, and below 1501 the service access points of 802.2.
ETHER_PROTOCOLS = {
    "aarp": 0x80F3,
    "arp": 0x0806,
    "atalk": 0x809B,
    "decnet": 0x6003,
    "ip": 0x0800,
    "ip6": 0x86DD,
    "lat": 0x6004,
    "lldp": 0x88CC,
    "loopback": 0x9000,
    "mopdl": 0x6001,
    "moprc": 0x6002,
    "rarp": 0x8035,
    "sca": 0x6007,
    "slow": 0x8809,
    "iso": 0xFE,
    "stp": 0x42,
    "ipx": 0xE0,
    "netbeui": 0xF0,
}

ISO_PROTOCOLS = {"clnp": 0x81, "esis": 0x82, "isis": 0x83}

# name -> (value of the control byte, the mask under which it is compared)
LLC_CONTROLS = {
    "i": (0x00, 0x01),
    "s": (0x01, 0x03),
    "u": (0x03, 0x03),
    "rr": (0x01, 0x0F),
    "rnr": (0x05, 0x0F),
    "rej": (0x09, 0x0F),
    "ui": (0x03, 0xEF),
    "ua": (0x63, 0xEF),
    "disc": (0x43, 0xEF),
    "dm": (0x0F, 0xEF),
    "sabme": (0x6F, 0xEF),
    "test": (0xE3, 0xEF),
    "xid": (0xAF, 0xEF),
    "frmr": (0x87, 0xEF),
}

WLAN_TYPES = {"mgt": 0x00, "management": 0x00, "ctl": 0x04, "control": 0x04, "data": 0x08}

_MANAGEMENT = {
    "assoc-req": 0x00,
    "assoc-resp": 0x10,
    "reassoc-req": 0x20,
    "reassoc-resp": 0x30,
    "probe-req": 0x40,
    "probe-resp": 0x50,
    "beacon": 0x80,
    "atim": 0x90,
    "disassoc": 0xA0,
    "disassociation": 0xA0,
    "auth": 0xB0,
    "authentication": 0xB0,
    "deauth": 0xC0,
    "deauthentication": 0xC0,
}

_MANAGEMENT_UNHYPHENATED = {name.replace("-", ""): number for name, number in _MANAGEMENT.items()}

# type -> its subtypes, in the order in which a lone ``subtype NAME`` looks through them
WLAN_SUBTYPES = {
    0x00: _MANAGEMENT | _MANAGEMENT_UNHYPHENATED,
    0x04: {
        "bar": 0x80,
        "ba": 0x90,
        "ps-poll": 0xA0,
        "rts": 0xB0,
        "cts": 0xC0,
        "ack": 0xD0,
        "cf-end": 0xE0,
        "cf-end-ack": 0xF0,
    },
    0x08: {
        "data": 0x00,
        "data-cf-ack": 0x10,
        "data-cf-poll": 0x20,
        "data-cf-ack-poll": 0x30,
        "null": 0x40,
        "cf-ack": 0x50,
        "cf-poll": 0x60,
        "cf-ack-poll": 0x70,
        "qos-data": 0x80,
        "qos-data-cf-ack": 0x90,
        "qos-data-cf-poll": 0xA0,
        "qos-data-cf-ack-poll": 0xB0,
        "qos": 0xC0,
        "qos-cf-poll": 0xE0,
        "qos-cf-ack-poll": 0xF0,
    },
}

WLAN_DIRECTIONS = {"nods": 0, "tods": 1, "fromds": 2, "dstods": 3}

_REASONS = (
    "match bad-offset fragment short normalize memory bad-timestamp congestion ip-option"
    " proto-cksum state-mismatch state-insert state-limit src-limit synproxy"
)

PF_REASONS = {name: number for number, name in enumerate(_REASONS.split())}

PF_ACTIONS = {
    "pass": 0,
    "accept": 0,
    "drop": 1,
    "block": 1,
    "scrub": 2,
    "noscrub": 3,
    "nat": 4,
    "nonat": 5,
    "binat": 6,
    "nobinat": 7,
    "rdr": 8,
    "nordr": 9,
    "synproxy-drop": 10,
}
