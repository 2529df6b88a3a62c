"""Protocols of text lines: HTTP, SMTP, FTP, RTSP, SIP, WHOIS, SSH, telnet's neighbours."""

from __future__ import annotations

from ..printer import Printer
from ..text import safe

__all__ = ["ftp", "http", "rtsp", "sip", "smtp", "ssh", "whois"]

_HTTP = frozenset(
    (
        *("GET", "PUT", "COPY", "HEAD", "LOCK", "MOVE", "POLL", "POST", "BCOPY", "BMOVE", "MKCOL", "TRACE"),
        *("LABEL", "MERGE", "DELETE", "SEARCH", "UNLOCK", "REPORT", "UPDATE", "NOTIFY", "BDELETE", "CONNECT"),
        *("OPTIONS", "CHECKIN", "PROPFIND", "CHECKOUT", "CCM_POST", "SUBSCRIBE", "PROPPATCH", "BPROPFIND"),
        *("BPROPPATCH", "UNCHECKOUT", "MKACTIVITY", "MKWORKSPACE", "UNSUBSCRIBE", "RPC_CONNECT"),
        *("VERSION-CONTROL", "BASELINE-CONTROL"),
    )
)
_RTSP = frozenset(
    (
        *("OPTIONS", "DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER"),
        *("SET_PARAMETER", "REDIRECT", "RECORD"),
    )
)
_SIP = frozenset(
    (
        *("ACK", "BYE", "CANCEL", "DO", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "QAUTH"),
        *("REFER", "REGISTER", "SPRACK", "SUBSCRIBE", "UPDATE", "PUBLISH"),
    )
)
_LONGEST_WORD = 128


def http(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put HTTP (RFC 9112)."""
    _show(p, d, at, length, "http", _HTTP)


def rtsp(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put RTSP (RFC 7826)."""
    _show(p, d, at, length, "rtsp", _RTSP)


def sip(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put SIP (RFC 3261)."""
    _show(p, d, at, length, "sip", _SIP)


def smtp(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put SMTP (RFC 5321)."""
    _show(p, d, at, length, "smtp", None)


def ftp(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put FTP's commands and answers (RFC 959)."""
    _show(p, d, at, length, "ftp", None)


def whois(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put WHOIS (RFC 3912)."""
    _show(p, d, at, length, "whois", None)


def ssh(p: Printer, d: bytes, at: int, length: int) -> None:
    """Put the line in which SSH says its version (RFC 4253); nothing of what is behind it."""
    p.proto = "ssh"
    for offset, byte in enumerate(b"SSH-"):
        if offset >= length or d[at + offset] != byte:
            return
    where = at + 4
    while where < at + length:
        byte = d[where]
        if byte == 10 or (byte == 13 and d[where + 1] == 10):
            p.put(f": SSH: {safe(d[at:where])}")
            return
        if not 0x20 <= byte < 0x7F:
            return
        where += 1


def _line(p: Printer, d: bytes, at: int, end: int, prefix: str) -> int:
    """Put a line behind a prefix; return the offset of the next one, 0 if none can follow.

    Nothing is put of a line that holds other than text.
    """
    where = at
    stop = min(end, len(d))
    while where < stop:
        byte = d[where]
        if byte == 13 and where + 1 >= stop:
            break
        if byte in (10, 13):
            following = where + 1 if byte == 10 else where + 2
            if byte == 13 and d[where + 1] != 10:
                return 0
            p.put(f"{prefix}{d[at:where].decode('ascii')}")
            return following
        if not (0x20 <= byte < 0x7F or byte == 9):
            return 0
        where += 1
    if stop == end:
        p.put(f"{prefix}{d[at:where].decode('ascii')}")
    p.truncated()
    return 0


def _word(d: bytes, at: int, end: int) -> tuple[bytes, int]:
    """Return a word, and the offset behind the blanks that follow it; offset 0: nothing follows."""
    where = at
    while where < end and d[where] not in b" \t\r\n":
        if not 0x20 < d[where] < 0x7F or where - at >= _LONGEST_WORD:
            return b"", 0
        where += 1
    word = d[at:where]
    if where >= end:
        return word, 0
    while where < end and d[where] in b" \t":
        where += 1
    return word, where


def _begins(d: bytes, at: int, end: int, words: frozenset[str]) -> bool:
    """Say whether a first line is a request with a known word, or an answer."""
    word, after = _word(d, at, end)
    text = word.decode("ascii", "replace").upper()
    if not text or not after:
        return False
    if text in words:
        return True
    # The answer of a server: a word, then three digits.
    code, _ = _word(d, after, end)
    return len(code) == 3 and code.isdigit() and after + 3 < end


def _show(p: Printer, d: bytes, at: int, length: int, name: str, words: frozenset[str] | None) -> None:
    p.proto = name
    end = at + length
    p.put(f"{'' if name == 'sip' else ': '}{name.upper()}")
    text = words is None or _begins(d, at, min(end, len(d)), words)
    if not p.verbose:
        if text:
            _line(p, d, at, end, ": ")
        return
    if text:
        p.put(f", length: {length}")
    while text and 0 < at < end:
        at = _line(p, d, at, end, "\n\t")
