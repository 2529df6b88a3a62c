"""A bridge that copies nothing: two ports of one memory region, whose slots exchange their buffers.

    python samples/zero_copy_bridge.py [LEFT RIGHT]

Bridges two ports, such as vale0:a and vale1:a. Without any, two pipes, and every packet of a capture
is seen to arrive in the very buffer it was written to. Ring.forward() does in C what move() shows.
"""

import os
import select
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import nmpcap
from nmpcap.netmap import NS_BUF_CHANGED, NS_MOREFRAG, NmDesc, nm_open

EVERYDAY = Path(__file__).parent / "captures" / "everyday.pcap"


def move(source: NmDesc, sink: NmDesc) -> None:
    """Takes what one port has received, and has the other one send it, as far as that has room."""
    source.rxsync()
    for rx, tx in zip(source.rx_rings, sink.tx_rings, strict=False):
        count = min(rx.space, tx.space)
        for received, free in zip(rx.owned(), tx.owned(), strict=False):
            free.swap(received)
            free.flags = NS_BUF_CHANGED | received.flags & NS_MOREFRAG
        rx.advance(count)
        tx.advance(count)
    sink.txsync()


def show(sender: NmDesc, left: NmDesc, right: NmDesc, receiver: NmDesc) -> None:
    """Sends packets through two pipes and the bridge between them, and looks where they come out."""
    tx, rx, same = sender.tx_rings[0], receiver.rx_rings[0], 0
    with nmpcap.open_offline(EVERYDAY) as file:
        for packet in file:
            written = tx.slots[tx.head]
            written.buf[: packet.caplen], written.len = packet.data, packet.caplen
            buf_idx = written.buf_idx
            tx.advance()
            sender.txsync()
            move(left, right)
            receiver.rxsync()
            received = rx.slots[rx.head]
            same += received.buf_idx == buf_idx and received.data == packet.data
            rx.advance()
    print(f"{file.stats().delivered} packets crossed the bridge, {same} arrived in the buffers they began in")


with ExitStack() as ports, suppress(KeyboardInterrupt):
    if len(sys.argv) == 3:
        left = ports.enter_context(nm_open(sys.argv[1]))
        right = ports.enter_context(nm_open(sys.argv[2], mem_id=left.mem_id))
        while select.select([left, right], [], []):
            move(left, right)
            move(right, left)
    pipes = f"netmap:p{os.getpid()}"  # in one region, as pipes of one port are
    show(*(ports.enter_context(nm_open(pipes + end)) for end in ("{1", "}1", "}2", "{2")))
