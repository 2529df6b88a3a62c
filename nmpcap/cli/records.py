"""--json: a packet as one JSON object on a line, for programs that read lines.

    number    1, 2, 3 ... in the order of printing
    ts_ns     nanoseconds since the epoch
    caplen, len    bytes captured, and on the wire
    linktype  name of the link type, or its number as text
    port      the interface, port or file it came from
    outgoing  whether this machine sent it
    text      what is printed of the packet behind its time; of several lines, with newlines between
    data      with -x, -X or -A: the bytes dumped, in hexadecimal

Nothing is dissected beyond what is printed. Keys are not taken away again; others may be added.
"""

from __future__ import annotations

from collections.abc import Iterable
from json import dumps

from nmpcap.cli.printing import Lines
from nmpcap.dlt import datalink_val_to_name
from nmpcap.packet import Packet

__all__ = ["Records"]


class Records(Lines):
    """Makes the objects of one run."""

    def of(self, packets: Iterable[Packet], origin: str) -> list[str]:
        """Return the packets' objects, each with its newline. origin: the port's name."""
        lines = []
        for packet in packets:
            text, dumped = self.show(packet)
            record = {
                "number": self.number(),
                "ts_ns": packet.ts_ns,
                "caplen": packet.caplen,
                "len": packet.len,
                "linktype": datalink_val_to_name(packet.linktype) or str(packet.linktype),
                "port": origin,
                "outgoing": packet.outgoing,
                "text": text,
            }
            if dumped is not None:
                record["data"] = dumped.hex()
            lines.append(dumps(record) + "\n")
        return lines
