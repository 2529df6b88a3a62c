"""How many packets there were: tcpdump's info(), at the end, on SIGUSR1 and with --stats."""

from __future__ import annotations

from collections.abc import Sequence

from nmpcap.capture import Capture

__all__ = ["counted", "summary"]


def counted(number: int) -> str:
    """Return ``1 packet`` or ``N packets``."""
    return f"{number} packet{'' if number == 1 else 's'}"


def summary(captured: int, captures: Sequence[Capture]) -> list[str]:
    """Return what was captured, received by the filter, dropped by kernel and, where it says so, interface.

    Received are those that passed the filter, wherever they went afterwards, as libpcap's ps_recv on Linux.
    """
    stats = [capture.stats() for capture in captures]
    lines = [
        f"{counted(captured)} captured",
        f"{counted(sum(s.received - s.filtered + s.dropped for s in stats))} received by filter",
        f"{counted(sum(s.dropped for s in stats))} dropped by kernel",
    ]
    if lost := sum(s.if_dropped for s in stats):
        lines.append(f"{counted(lost)} dropped by interface")
    return lines
