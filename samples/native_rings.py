"""netmap(4)'s traffic generator and receiver: programs that work on the rings themselves.

    python samples/native_rings.py                       both, on a pipe of their own
    python samples/native_rings.py tx|rx PORT [FRAMES]   one of them, on any port: vale0:a, netmap:eth0 ...

From head up to tail slots are the program's. Moving head hands them over, and wait() tells netmap.
"""

import os
import select
import subprocess
import sys
import time

from nmpcap.netmap import NmDesc, nm_open

HEADER = bytes.fromhex("ffffffffffff 020000000001 88b5")  # to all, from 1, of a type for local use
LENGTH = 60
SECONDS = 5  # without room or frames, after which the other side is taken to be gone


def generate(port: NmDesc, count: int) -> None:
    """Sends frames that hold nothing but their number."""
    sent = 0
    while sent < count and port.wait(SECONDS, select.POLLOUT):
        for ring in port.tx_rings:
            while not ring.empty and sent < count:
                slot = ring.slots[ring.head]
                slot.buf[:LENGTH] = HEADER + sent.to_bytes(LENGTH - len(HEADER), "big")
                slot.len = LENGTH
                ring.head = ring.next(ring.head)
                sent += 1
    port.txsync()  # for what has been queued since wait()


def receive(port: NmDesc, count: int) -> None:
    """Receives frames until the last number, and says how many came, and how fast."""
    received, gaps, expected, began = 0, 0, 0, 0.0
    while expected < count and port.wait(SECONDS):
        began = began or time.perf_counter()
        for ring in port.rx_rings:
            while not ring.empty:
                number = int.from_bytes(ring.slots[ring.head].data[len(HEADER) :], "big")
                ring.head = ring.next(ring.head)
                received += 1
                gaps += number != expected
                expected = number + 1
    rate = received / (time.perf_counter() - began)
    print(f"{received} of {count} frames received on {port.spec}, {gaps} gaps, {rate:,.0f} a second")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        with nm_open(sys.argv[2]) as port:
            play = {"tx": generate, "rx": receive}[sys.argv[1]]
            play(port, int(sys.argv[3]) if len(sys.argv) > 3 else 20_000)
    else:
        pipe = f"netmap:p{os.getpid()}"
        with nm_open(f"{pipe}}}1") as port, subprocess.Popen([sys.executable, __file__, "tx", f"{pipe}{{1"]):
            receive(port, 20_000)
