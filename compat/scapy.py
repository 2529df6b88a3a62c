"""scapy on nmpcap's ports: ``sniff(iface="vale0:a")``, ``sendp(frame, iface="netmap:x{1")``, srp1 ...

Importing this registers an interface provider with scapy, once; ``install("scapy")`` and ``python -m
nmpcap.compat`` do it with the program's own import of scapy. From then on names of netmap's ports,
``file:PATH`` and names of the device map are interfaces wherever scapy takes one. Nothing of scapy is
replaced; RawPcapReader, PcapReader and rdpcap here are its own at this library's speed, to be imported.
"""

from __future__ import annotations

from ._scapy.files import PcapReader, RawPcapReader, rdpcap
from ._scapy.provider import NmpcapProvider, register

__all__ = ["NmpcapProvider", "PcapReader", "RawPcapReader", "rdpcap"]

register()
