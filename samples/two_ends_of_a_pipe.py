"""A netmap pipe between two processes: what goes in at one end comes out at the other, and nowhere else.

    python samples/two_ends_of_a_pipe.py [ROUND_TRIPS]

The process at one end sends frames one by one, the process at the other answers each.
"""

import os
import subprocess
import sys
import time
from itertools import islice

import nmpcap

HERE, THERE = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
EXPERIMENTAL = bytes.fromhex("88b5")  # the Ethernet type that IEEE 802 leaves to local use
SECONDS = 10  # without a frame, after which either process takes it that the other one has gone


def ask(pipe: str, count: int) -> None:
    """Sends frames, and compares what comes back. The first is not timed: the other process is starting."""
    answering = [sys.executable, __file__, pipe, str(count + 1)]
    with nmpcap.open(f"{pipe}{{1", timeout=SECONDS) as end, subprocess.Popen(answering):
        for number in range(count + 1):
            frame = number.to_bytes(46, "big")
            end.inject(THERE + HERE + EXPERIMENTAL + frame)
            answer = end.next()
            if answer is None or answer.data != HERE + THERE + EXPERIMENTAL + frame:
                sys.exit(f"{pipe}: frame {number}: the answer is {answer}")
            if number == 0:
                began = time.perf_counter()
        seconds = time.perf_counter() - began
    print(f"{count} frames through {pipe} and back, as they should be, {seconds / count * 1e6:.1f} us each")


def answer(pipe: str, count: int) -> None:
    """Sends frames back to whom they come from."""
    with nmpcap.open(f"{pipe}}}1", timeout=SECONDS) as end:
        for packet in islice(iter(end.next, None), count):
            frame = packet.data
            end.inject(frame[6:12] + frame[:6] + frame[12:])


if __name__ == "__main__":
    if len(sys.argv) == 3:
        answer(sys.argv[1], int(sys.argv[2]))
    else:
        ask(f"netmap:p{os.getpid()}", int(sys.argv[1]) if sys.argv[1:] else 5_000)
