"""Two processes and a switch: one replays a capture into a port, the other saves what its port receives.

    python samples/quickstart.py [CAPTURE [SAVED]]

A switch gives nothing back to the port where it has seen the address, so no port can play both sides of
a conversation: what is path is the side that begins. SAVED is compared with it packet by packet.
"""

import multiprocessing
import os
import sys
import tempfile
from itertools import islice
from pathlib import Path

import nmpcap

EVERYDAY = Path(__file__).parent / "captures" / "everyday.pcap"
BURST = 128  # packets: fewer than fit into the receiver's ring, which a switch does not wait for


def save(port: str, saved: Path, bursts: list[int], turn) -> None:
    """Saves the packets of each burst, or as many as come within two seconds of each other."""
    with nmpcap.open(port, timeout=2) as capture, nmpcap.open_writer(saved, nano=True) as writer:
        turn.wait()
        for count in bursts:
            for packet in islice(iter(capture.next, None), count):
                writer.write(packet)
            turn.wait()


def main(path: Path, saved: Path) -> bool:
    with nmpcap.open_offline(path) as file:
        packets = [packet.data for packet in file]
    sent = [packet for packet in packets if packet[6:12] == packets[0][6:12]]  # from the same address
    bursts = [sent[i : i + BURST] for i in range(0, len(sent), BURST)]

    switch, turn = f"vale{os.getpid()}", multiprocessing.Barrier(2, timeout=10)
    receiving = (f"{switch}:b", saved, [len(burst) for burst in bursts], turn)
    receiver = multiprocessing.Process(target=save, args=receiving, daemon=True)
    receiver.start()
    turn.wait()
    with nmpcap.open(f"{switch}:a") as capture:
        for burst in bursts:
            capture.inject_many(burst)
            turn.wait()
    receiver.join()

    with nmpcap.open_offline(saved) as file:
        arrived = [packet.data for packet in file]
    equal = sum(a == b for a, b in zip(sent, arrived, strict=False))
    print(f"{len(sent)} of {len(packets)} packets of {path.name} sent, {len(arrived)} saved, {equal} equal")
    return len(sent) == len(arrived) == equal


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[1]) if len(sys.argv) > 1 else EVERYDAY
        saved = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "saved.pcap"
        sys.exit(not main(path, saved))
