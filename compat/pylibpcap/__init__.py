"""python-libpcap, whose module is called pylibpcap: ``import nmpcap.compat.pylibpcap as pylibpcap``."""

from __future__ import annotations

from . import base, cli, exception, open, parse, pcap, utils
from .base import LibPcap, Sniff, get_first_iface, get_iface_list, send_packet
from .open import OpenPcap
from .pcap import mpcap, rpcap, sniff, wpcap

__version__ = "0.5.4"
"""Of python-libpcap, whose behaviour this has."""

__all__ = [
    "LibPcap",
    "OpenPcap",
    "Sniff",
    "base",
    "cli",
    "exception",
    "get_first_iface",
    "get_iface_list",
    "mpcap",
    "open",
    "parse",
    "pcap",
    "rpcap",
    "send_packet",
    "sniff",
    "utils",
    "wpcap",
]
