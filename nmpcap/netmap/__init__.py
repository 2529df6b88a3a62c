"""netmap_user.h in Python: open a port, work on its rings, sync, wait, close.

``nm_open`` binds a port and maps its region; ``NmDesc.tx_rings`` and ``rx_rings`` are the shared rings
themselves. ``nm_inject``, ``nm_nextpkt`` and ``nm_dispatch`` move packets for those who do not want to;
``Device`` is the raw file interface below. The numbers of netmap are here under their own names.

Kernel netmap and user-space netmap behave alike; ``netmap=`` or ``NMPCAP_NETMAP`` chooses.
See netmap(4) for what the rings mean. Times are those of the last sync unless packets carry their own.
"""

from __future__ import annotations

from nmpcap.netmap import numbers
from nmpcap.netmap.desc import NmDesc
from nmpcap.netmap.device import Device, Mapping
from nmpcap.netmap.functions import (
    nm_close,
    nm_dispatch,
    nm_inject,
    nm_inject_many,
    nm_mmap,
    nm_nextpkt,
    nm_open,
)
from nmpcap.netmap.numbers import *  # noqa: F403  # netmap's names, as in its header
from nmpcap.netmap.portname import PortName, parse_port_name
from nmpcap.netmap.rings import PktHdr, Ring, Slot, Slots
from nmpcap.netmap.structures import NetmapIf, NmRequest, NmStats

__all__ = [
    "Device",
    "Mapping",
    "NetmapIf",
    "NmDesc",
    "NmRequest",
    "NmStats",
    "PktHdr",
    "PortName",
    "Ring",
    "Slot",
    "Slots",
    "nm_close",
    "nm_dispatch",
    "nm_inject",
    "nm_inject_many",
    "nm_mmap",
    "nm_nextpkt",
    "nm_open",
    "parse_port_name",
]
__all__ += numbers.__all__
