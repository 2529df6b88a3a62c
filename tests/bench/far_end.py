"""A pair of interfaces to measure on, in a network of its own, and a second process at the other end.

Run as a program this is the second process: ``far_end.py flood INTERFACE SIZE``, or ``far_end.py drain
INTERFACE``. A number on its standard input has it send so many frames, or say how many it has received.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from measure import Unavailable

__all__ = ["Other", "frame", "wire"]

NEAR, FAR = "nmbench0", "nmbench1"
ETHERTYPE = b"\x88\xb5"  # IEEE 802: for local experiments
PER_CALL = 512
BUFFER = 64 << 20
REMEDY = "to run it: be root, on Linux with network namespaces, and apt-get install iproute2"
CLONE_NEWNET = 0x40000000
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20


def frame(size: int) -> bytes:
    """A frame for the other end."""
    return (b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" + ETHERTYPE).ljust(size, b"\xa5")


@contextlib.contextmanager
def wire() -> Iterator[tuple[str, str]]:
    """The names of two interfaces: what is sent on one comes in at the other."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(socket, "AF_PACKET") or not shutil.which("ip"):
        raise Unavailable(f"no packet sockets, or no ip(8); {REMEDY}")
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(CLONE_NEWNET):
            raise Unavailable(f"a network namespace: {os.strerror(ctypes.get_errno())}; {REMEDY}")
        try:
            for which in ("all", "default"):  # or the kernel's own chatter is captured, too
                quiet = Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6")
                if quiet.exists():
                    quiet.write_text("1")
            for command in (
                f"link add {NEAR} type veth peer name {FAR}",
                f"link set {NEAR} up",
                f"link set {FAR} up",
            ):
                subprocess.run(["ip", *command.split()], check=True)
            yield NEAR, FAR
        finally:
            if libc.setns(before, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "the benchmark's network cannot be left")
    finally:
        os.close(before)


class Other:
    """The second process. In a with statement, which ends it."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.answer()  # it is ready

    def ask(self, number: int) -> None:
        """Have it do its work."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()

    def answer(self) -> int:
        """What came of it, waited for."""
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def do(self, number: int) -> int:
        """Have it do its work, and return what came of it."""
        self.ask(number)
        return self.answer()

    @property
    def answered(self) -> bool:
        """Whether ``answer`` would not wait."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def __enter__(self) -> Other:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate()


# ---- the second process --------------------------------------------------------------


class Message(ctypes.Structure):
    """struct mmsghdr of sendmmsg(2)."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("len", ctypes.c_uint),
    )


def flood(interface: str, size: int) -> None:
    """Send as fast as the system lets a program."""
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((interface, 0))
    sender.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
    data = ctypes.create_string_buffer(frame(size), size)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(data), size)
    messages = (Message * PER_CALL)()
    for message in messages:
        message.iov, message.iovlen = ctypes.addressof(vector), 1
    sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
    print(0, flush=True)
    for line in sys.stdin:
        left = int(line)
        while left:
            done = sendmmsg(sender.fileno(), messages, min(left, PER_CALL), 0)
            if done > 0:
                left -= done
            elif ctypes.get_errno() not in (errno.ENOBUFS, errno.EINTR):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        print(line.strip(), flush=True)


def drain(interface: str) -> None:
    """Receive, and say how many have come since the beginning."""
    import nmpcap

    with nmpcap.open(interface, snaplen=64, buffer_size=BUFFER) as capture:
        reader = threading.Thread(target=lambda: [len(batch) for batch in capture.batches()])
        reader.start()
        print(0, flush=True)
        for _ in sys.stdin:
            print(capture.stats().received, flush=True)
        capture.close()
        reader.join()


if __name__ == "__main__":
    if sys.argv[1] == "flood":
        flood(sys.argv[2], int(sys.argv[3]))
    else:
        drain(sys.argv[2])
