"""Two interfaces that are each other's far end, and a witness of what has come by."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence

from .filter import packets
from .network import Network

ETH_P_ALL = 3
SO_RCVBUFFORCE = 33
OUTGOING = 4  # PACKET_OUTGOING
NEAR, FAR = "near", "far"
TAGS = (b"\x81\x00", b"\x88\xa8")


class Wire:
    """``NEAR`` is what the test listens on: what goes out of ``FAR`` comes in there."""

    def __init__(self, network: Network) -> None:
        network.veth(NEAR, FAR)
        # Sockets of an interface get each packet in the reverse of the order in which they were made:
        # when this one has it, all others have.
        self._witness = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._witness.bind((NEAR, ETH_P_ALL))
        self._witness.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self._witness.settimeout(10)
        self._senders = {False: network.raw(FAR), True: network.raw(NEAR)}

    def send(self, frames: Sequence[bytes], *, outgoing: Sequence[bool] = ()) -> None:
        """Have frames come in (or go out), and return when every socket on NEAR has them."""
        for i, frame in enumerate(frames):
            self._senders[bool(outgoing and outgoing[i])].send(frame)
        for _ in frames:
            self._witness.recv(1)

    def close(self) -> None:
        for each in (self._witness, *self._senders.values()):
            each.close()


def make_frame(rng: random.Random, most_tags: int = 2) -> bytes:
    """An Ethernet frame as filters like it, and VLAN tags in some."""
    while not 14 <= len(frame := packets.make_packet(rng, 1)[0]) <= 1500 or tagged(frame):
        pass
    for _ in range(rng.choice((0, most_tags, rng.randrange(most_tags + 1)))):
        tci = rng.choice((b"\x00\x05", b"\xa0\x05", rng.randbytes(2)))
        frame = frame[:12] + rng.choice(TAGS) + tci + frame[12:]
    # A tag that is cut off has Linux drop the frame before anybody sees it.
    return frame.ljust(20, b"\0") if tagged(frame) else frame


def tagged(frame: bytes) -> bool:
    """Whether it has a VLAN tag that Linux takes out of it."""
    return frame[12:14] in TAGS
