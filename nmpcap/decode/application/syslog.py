"""Syslog over UDP (RFC 3164)."""

from __future__ import annotations

from ..printer import Printer
from ..text import safe

__all__ = ["show"]

_SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
_FACILITIES = (
    *("kernel", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "security", "console", "cron", *(f"local{number}" for number in range(8))),
)
_MOST_DIGITS = 4


def show(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put a message: its origin and weight, with -v its text."""
    p.proto = "syslog"
    digits = 0
    where = at
    if d[where] != 0x3C:
        _invalid(p)
        return
    where += 1
    value = 0
    while d[where] in b"0123456789" and digits < 3:
        value = value * 10 + d[where] - 48
        digits += 1
        where += 1
    if d[where] != 0x3E:
        _invalid(p)
        return
    where += 1
    severity, facility = value & 7, value >> 3
    level = _SEVERITIES[severity]
    name = _FACILITIES[facility] if facility < len(_FACILITIES) else f"unknown ({facility})"
    if not p.verbose:
        p.put(f"SYSLOG {name}.{level}, length: {length}")
        return
    p.put(f"SYSLOG, length: {length}\n\tFacility {name} ({facility}), Severity {level} ({severity})\n\tMsg: ")
    end = at + length
    p.put(safe(d[where:end]))
    if end > len(d):
        p.truncated()


def _invalid(p: Printer) -> None:
    p.put(" (invalid)")
