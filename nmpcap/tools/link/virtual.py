"""A wire over a savefile: packets leave when they would have, and no time passes."""

from __future__ import annotations

import heapq
import itertools
import os
from collections.abc import Iterable, Iterator

from nmpcap.bpf.program import Program
from nmpcap.capture import open_offline
from nmpcap.filter import compile
from nmpcap.packet import Packet
from nmpcap.tools.link.impairments import Impairments
from nmpcap.tools.link.wire import Counts, Verdict, Wire

__all__ = ["apply", "travel"]

_BEGIN = -(2**63)


def travel(packets: Iterable[Packet], wire: Wire, applies: Program | None = None) -> Iterator[Packet]:
    """Give packets as they leave a wire: in that order, bearing the time of it, corrupted bits flipped.

    Packets that ``applies`` does not match pass as they are, and the wire never hears of them. The times of
    ``packets`` are their arrivals; one that goes back counts as coming with the packet before.
    """
    under_way: list[tuple[int, int, Packet]] = []
    number = itertools.count()
    now_ns = _BEGIN
    for packet in packets:
        now_ns = max(now_ns, packet.ts_ns)
        while under_way and under_way[0][0] <= now_ns:
            yield heapq.heappop(under_way)[2]
        if applies is not None and not applies.match(packet, packet.len):
            heapq.heappush(under_way, (now_ns, next(number), packet))
            continue
        (verdict,) = wire.offer((now_ns,), (packet.len,))
        if verdict.departure_ns is not None:
            leaving = _leaving(packet, verdict, verdict.departure_ns)
            for _ in range(verdict.copies):
                heapq.heappush(under_way, (verdict.departure_ns, next(number), leaving))
    while under_way:
        yield heapq.heappop(under_way)[2]


def apply(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    impairments: Impairments,
    *,
    seed: int = 0,
    direction: int = 0,
    filter: str | None = None,
) -> Counts:
    """Write a savefile as it would have arrived over a link; return what the link did.

    ``filter`` is a pcap-filter expression that says what the impairments are for. Packets bear the
    scheduled times, exact to the nanosecond where the target's format keeps them. Raises what
    open_offline and dump_open do; packets before a damage in the source have been written by then.
    """
    wire = Wire(impairments, seed=seed, direction=direction)
    with open_offline(source) as packets:
        applies = compile(filter, linktype=packets.datalink(), savefile=True) if filter else None
        with packets.dump_open(target, nano=True) as writer:
            for packet in travel(packets, wire, applies):
                writer.write(packet)
    return wire.counts()


def _leaving(packet: Packet, verdict: Verdict, departure_ns: int) -> Packet:
    data: bytes | bytearray = bytes(packet)
    if verdict.corrupt_bit is not None and verdict.corrupt_bit < 8 * len(data):
        data = bytearray(data)
        data[verdict.corrupt_bit // 8] ^= 0x80 >> verdict.corrupt_bit % 8
    return Packet(data, departure_ns, packet.len, packet.linktype, packet.interface, packet.outgoing)
