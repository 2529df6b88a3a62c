"""What a Capture gives, written to savefiles: packets from the core's window, and what interfaces are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from nmpcap._core import lib
from nmpcap.ports import UNCUT
from nmpcap.savefile import Interface, Option
from nmpcap.savefile.pcapng import encode_options

__all__ = ["PacketSink", "describe_port", "dump_window", "with_filter", "within"]

_IF_NAME, _IF_FILTER = 2, 11
_TEXT = b"\0"  # in front of a filter that is an expression
_NANOSECONDS = 10**9


class PacketSink(Protocol):
    """What packets can be dumped to: a Writer or a RotatingWriter."""

    @property
    def packets(self) -> int:
        """Packets taken so far."""

    def describe_from(self, interfaces: Callable[[int], Sequence[Interface]], source: int) -> None:
        """Describe a source's interfaces by what this gives."""

    def poll(self) -> float | None:
        """Do what is due by the clock; the seconds until the next time."""

    def write_views(self, views: Any, count: int, source: int) -> None:
        """Append ``struct nm_view[count]`` of that source."""


def dump_window(
    core: Any, fill: Callable[[float | None], int | None], sink: PacketSink, cnt: int, source: int
) -> int:
    """Move ``cnt`` packets, or all where that is 0 or less, from the window to a sink; return how many.

    ``fill`` waits so many seconds at most, and returns how many packets wait in the window; None at its
    deadline, 0 at the end. What the sink has not taken when it fails stays in the window.
    """
    window = lib.nm_capture_window(core)
    done = 0
    while cnt <= 0 or done < cnt:
        n = fill(sink.poll())
        if n is None:
            continue
        if n == 0:
            break
        if cnt > 0:
            n = min(n, cnt - done)
        before = sink.packets
        try:
            sink.write_views(window.next, n, source)
        finally:
            taken = sink.packets - before
            window.next += taken
            window.taken += taken
            done += taken
    return done


def describe_port(name: str, linktype: int, snaplen: int, filter: str | None) -> Interface:
    """Return a port that packets come from as an interface of a pcapng file."""
    options = encode_options([Option(_IF_NAME, name.encode(errors="surrogateescape"))])
    return with_filter(Interface(linktype, snaplen, _NANOSECONDS, 0, 0, options, False), filter)


def with_filter(interface: Interface, filter: str | None) -> Interface:
    """Return an interface that a filter has been set on."""
    if not filter:
        return interface
    options = [*interface.options, Option(_IF_FILTER, _TEXT + filter.encode())]
    return interface._replace(raw_options=encode_options(options))


def within(interface: Interface, snaplen: int) -> Interface:
    """Return a file's interface as it is once a handle has cut its packets to ``snaplen``."""
    if snaplen >= UNCUT or 0 < interface.snaplen <= snaplen:
        return interface
    return interface._replace(snaplen=snaplen)
