"""The words in which scenarios speak of netmap's numbers, and answers of errno values.

Names and numbers are those of netmap's user ABI, version 14 (netmap.h).
"""

from __future__ import annotations

import errno
from collections.abc import Mapping

API = 14

MODES = {
    "DEFAULT": 0,
    "ALL_NIC": 1,
    "SW": 2,
    "NIC_SW": 3,
    "ONE_NIC": 4,
    "PIPE_MASTER": 5,
    "PIPE_SLAVE": 6,
    "NULL": 7,
    "ONE_SW": 8,
}
REGISTER_FLAGS = {
    "MONITOR_TX": 0x100,
    "MONITOR_RX": 0x200,
    "ZCOPY_MON": 0x400,
    "EXCLUSIVE": 0x800,
    "RX_RINGS_ONLY": 0x2000,
    "TX_RINGS_ONLY": 0x4000,
    "ACCEPT_VNET_HDR": 0x8000,
    "DO_RX_POLL": 0x10000,
    "NO_TX_POLL": 0x20000,
}
SLOT_FLAGS = {
    "BUF_CHANGED": 0x01,
    "REPORT": 0x02,
    "FORWARD": 0x04,
    "NO_LEARN": 0x08,
    "INDIRECT": 0x10,
    "MOREFRAG": 0x20,
    "TXMON": 0x40,
}
RING_FLAGS = {"TIMESTAMP": 0x2, "FORWARD": 0x4}
REQUESTS = {
    "REGISTER": 1,
    "PORT_INFO_GET": 2,
    "VALE_ATTACH": 3,
    "VALE_DETACH": 4,
    "VALE_LIST": 5,
    "PORT_HDR_SET": 6,
    "PORT_HDR_GET": 7,
    "VALE_NEWIF": 8,
    "VALE_DELIF": 9,
    "VALE_POLLING_ENABLE": 10,
    "VALE_POLLING_DISABLE": 11,
    "POOLS_INFO_GET": 12,
    "SYNC_KLOOP_START": 13,
    "SYNC_KLOOP_STOP": 14,
    "CSB_ENABLE": 15,
}
OPTIONS = {"EXTMEM": 1, "SYNC_KLOOP_EVENTFDS": 2, "CSB": 3, "SYNC_KLOOP_MODE": 4, "OFFSETS": 5}

# The body of each request in bytes; requests without an entry have none.
BODY_SIZES = {
    1: 56,
    2: 32,
    3: 64,
    4: 8,
    5: 8,
    6: 8,
    7: 8,
    8: 16,
    10: 16,
    11: 16,
    12: 64,
    13: 8,
}


def number(value: object, words: Mapping[str, int]) -> int:
    """The number that a scenario means by a number, a word, or a list of either; nothing means 0."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return words[value]
    assert isinstance(value, list)
    total = 0
    for part in value:
        total |= number(part, words)
    return total


def errno_word(value: int) -> str:
    """``ok`` or the errno's name, by the one of its names that the record uses."""
    if value == 0:
        return "ok"
    if value == errno.EOPNOTSUPP:  # the same number as ENOTSUP on Linux, and listed under that name
        return "EOPNOTSUPP"
    return errno.errorcode.get(value, f"E{value}")
