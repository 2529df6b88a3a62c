"""A network namespace of a test's own, which goes with the test: nothing of it has a name outside.

    with namespace() as inside:             # skips, and says why, where that is not allowed
        with inside:                        # this thread, and what it opens and starts
            run("ip", "link", "add", ...)
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

CLONE_NEWNET = 0x40000000
OWN = "/proc/thread-self/ns/net"

_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd: int) -> None:
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Inside:
    """Entering and leaving a namespace, with the thread that does so; sockets stay where they were made."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._homes: list[int] = []

    def __enter__(self) -> Inside:
        self._homes.append(os.open(OWN, os.O_RDONLY | os.O_CLOEXEC))
        _setns(self._fd)
        return self

    def __exit__(self, *exception: object) -> None:
        home = self._homes.pop()
        _setns(home)
        os.close(home)


@contextlib.contextmanager
def namespace() -> Iterator[Inside]:
    """A new namespace, with its loopback up and no address on anything."""
    if sys.platform != "linux":
        pytest.skip("no network namespaces here; to run it: use Linux")
    home = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.unshare(CLONE_NEWNET):
            reason = os.strerror(ctypes.get_errno())
            pytest.skip(f"a network namespace of its own: {reason}; to run it: as root")
        fd = os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)
        _setns(home)
    finally:
        os.close(home)
    try:
        with Inside(fd):
            for which in ("all", "default"):  # nobody else is to say anything
                setting = f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6"
                with contextlib.suppress(OSError), open(setting, "w") as file:
                    file.write("1")
            run("ip", "link", "set", "lo", "up")
        yield Inside(fd)
    finally:
        os.close(fd)


def run(*command: str) -> None:
    """Run a command in the namespace that this thread is in."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(command)}: {done.stderr}", pytrace=False)


def veth(one: str, other: str) -> None:
    """Two interfaces that are each other's far end, up."""
    run("ip", "link", "add", one, "type", "veth", "peer", "name", other)
    for name in (one, other):
        run("ip", "link", "set", name, "up")
