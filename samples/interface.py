"""An interface, live: what comes every second, and at the end what became of every packet.

    python samples/interface.py [INTERFACE [FILTER [SECONDS]]]      as root, or with CAP_NET_RAW

Three seconds of lo unless told otherwise; Ctrl-C ends it sooner. A filter runs in the kernel where it can,
and batches have a column of lengths to sum, so that packets cost next to nothing in Python.
"""

import contextlib
import sys
import time

import nmpcap


def watch(capture: nmpcap.Capture, seconds: int) -> None:
    """Says every second what has come in it."""
    until = time.monotonic()
    for _ in range(seconds):
        until += 1
        packets = length = 0
        while (left := until - time.monotonic()) > 0:
            if batch := capture.next_batch(timeout=left):
                packets += len(batch)
                length += sum(batch.lens)
        print(f"{packets:,} packets/s, {length * 8e-6:,.3f} Mbit/s", flush=True)


def main(interface: str = "lo", expression: str = "", seconds: str = "3") -> None:
    with nmpcap.open(interface) as capture:
        capture.setfilter(expression)
        print(f"{interface}, filter {capture.explain().filter}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            watch(capture, int(seconds))
    stats = capture.stats()  # of a closed handle: nothing moves any more
    print(f"{stats.delivered:,} packets seen, {stats.waiting:,} left unread, {stats.dropped:,} dropped")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except nmpcap.PcapError as error:
        sys.exit(str(error))
