"""A network of its own for a test: a namespace without a name, that is gone when nobody is in it.

Nothing has to be deleted, whatever way a test ends, and two runs cannot meet. Threads and processes started
meanwhile are in it, too.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nmpcap import Capture, Packet

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_OURS = "/proc/thread-self/ns/net"
_ETH_P_ALL = 3
REMEDY = "to run it: be root (sudo), on Linux with network namespaces, and apt-get install iproute2"
MODES = pytest.mark.parametrize("immediate", [False, True], ids=["blocks", "frames"])
ETHERTYPE = 0x88B5  # IEEE 802: for local experiments


class Network:
    """What is in the namespace: interfaces to be made, and sockets to send on them."""

    def ip(self, *arguments: str) -> str:
        """Run ip(8)."""
        return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout

    def veth(self, one: str = "va", other: str = "vb") -> tuple[str, str]:
        """Make a pair of interfaces: what is sent on one comes in at the other."""
        self.ip("link", "add", one, "type", "veth", "peer", "name", other)
        for name in (one, other):
            self.ip("link", "set", name, "up")
        self.wait_for(one, "UP")
        self.wait_for(other, "UP")
        return one, other

    def wait_for(self, name: str, operstate: str) -> None:
        """Wait until the interface is in a state, as ip(8) has it."""
        until = time.monotonic() + 5
        while self.show(name)["operstate"] != operstate:
            assert time.monotonic() < until, f"{name} is not {operstate}"
            time.sleep(0.01)

    def take_down(self, name: str) -> None:
        """Take an interface down at once: ip(8) has to be started first."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", name.encode(), 0))

    def show(self, name: str) -> dict[str, Any]:
        """Return what ip(8) tells of an interface."""
        found: dict[str, Any] = json.loads(self.ip("-j", "-d", "-s", "link", "show", "dev", name))[0]
        return found

    def raw(self, name: str) -> socket.socket:
        """Return a socket that sends frames on an interface, and receives none."""
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sender.bind((name, 0))
        return sender


def read(capture: Capture, count: int, timeout: float = 5) -> list[Packet]:
    """Return up to ``count`` packets, as many as come until the timeout."""
    packets: list[Packet] = []
    while len(packets) < count and (packet := capture.next(timeout)):
        packets.append(packet)
    return packets


def frame(number: int, size: int = 60, *, tags: tuple[tuple[int, int], ...] = ()) -> bytes:
    """An Ethernet frame that tells its number, of size bytes and VLAN tags (TPID, TCI)."""
    header = b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01" + b"".join(struct.pack("!HH", *tag) for tag in tags)
    body = struct.pack("!HI", ETHERTYPE, number)
    return (header + body).ljust(size + 4 * len(tags), bytes([number & 0xFF]))


class _Message(ctypes.Structure):
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


class Burst:
    """Sends one frame again and again, as fast as a program can without the core's help."""

    PER_CALL = 512
    _QDISC_BYPASS = 20  # PACKET_QDISC_BYPASS

    def __init__(self, network: Network, name: str, data: bytes) -> None:
        self._socket = network.raw(name)
        self._socket.setsockopt(263, self._QDISC_BYPASS, 1)  # SOL_PACKET
        self._data = ctypes.create_string_buffer(data, len(data))
        self._vector = (ctypes.c_void_p * 2)(ctypes.addressof(self._data), len(data))
        self._messages = (_Message * self.PER_CALL)()
        for message in self._messages:
            message.iov, message.iovlen = ctypes.addressof(self._vector), 1
        self._sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg

    def send(self, count: int) -> None:
        """Send it so many times."""
        while count:
            done = self._sendmmsg(self._socket.fileno(), self._messages, min(count, self.PER_CALL), 0)
            if done < 0:
                if ctypes.get_errno() in (errno.ENOBUFS, errno.EINTR):
                    continue
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            count -= done

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


@contextlib.contextmanager
def new_network() -> Iterator[Network]:
    """Put this thread in a new namespace, where lo is up, while the ``with`` lasts; skip the test at need."""
    if not hasattr(socket, "AF_PACKET"):
        pytest.skip(f"no packet sockets; {REMEDY}")
    if not shutil.which("ip"):
        pytest.skip(f"no ip(8); {REMEDY}")
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open(_OURS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(_CLONE_NEWNET):
            pytest.skip(f"a network namespace: {os.strerror(ctypes.get_errno())}; {REMEDY}")
        try:
            network = Network()
            # The kernel's own chatter would be captured, too.
            for which in ("all", "default"):
                quiet = Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6")
                if quiet.exists():
                    quiet.write_text("1")
            network.ip("link", "set", "lo", "up")
            yield network
        finally:
            assert libc.setns(before, _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    finally:
        os.close(before)


def resident() -> int:
    """Return the bytes of memory that this process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
