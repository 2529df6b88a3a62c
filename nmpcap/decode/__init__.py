"""Packets as text: the lines of tcpdump 4.99.3, for programs and for nmdump.

    show = nmpcap.decode.Printer(capture.datalink(), numeric=True, verbose=1)
    for packet in capture:
        print(show(packet.data, packet.len))

Printers of protocols are imported when a packet needs them. ``stamp`` formats times, ``hexdump`` bytes.
"""

from __future__ import annotations

from .printer import Printer, line

__all__ = ["Printer", "line"]
