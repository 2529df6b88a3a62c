"""What a command line of nmdump asks for: options read one by one, each checked as tcpdump checks it.

Messages are tcpdump 4.99.3's. Numbers that it reads as far as they are numbers (``-c 1x``), and options
that it takes in silence although they do nothing, are refused as tcpdump 5's main() refuses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.cli.getopt import OptionError, read
from nmpcap.cli.messages import Exit, fail, say, tell
from nmpcap.cli.options import NMDUMP, Option
from nmpcap.dlt import datalink_name_to_val
from nmpcap.errors import PcapError
from nmpcap.tstamp import tstamp_type_name_to_val

__all__ = ["Command", "parse"]

_UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}  # tcpdump 4.99.5 and later
_MEGABYTE = 10**6
_INT_MAX = 2**31 - 1
_FORMS = ("d", "dd", "ddd")
_TYPES = next(option.kind for option in NMDUMP if option.letter == "T")


@dataclass
class Command:
    """Everything that was asked for; the fields are named after the options that set them."""

    ascii: int = 0
    asdot: bool = False
    buffer_size: int | None = None
    count: int = 0
    count_only: bool = False
    max_bytes: int = 0
    filter_form: str = ""
    list_interfaces: bool = False
    link_header: bool = False
    foreign_numeric: bool = False
    filter_file: str | None = None
    period: int = 0
    interfaces: list[str] = field(default_factory=list)
    rfmon: bool = False
    immediate: bool = False
    tstamp_type: str | None = None
    list_tstamp_types: bool = False
    nano: bool = False
    checksums: bool = True
    line_buffered: bool = False
    list_linktypes: bool = False
    numeric: int = 0
    short_names: bool = False
    numbered: bool = False
    optimize: bool = True
    promisc: bool = True
    print_too: bool = False
    quiet: int = 0
    direction: str | None = None
    read: list[str] = field(default_factory=list)
    snaplen: int = MAXIMUM_SNAPLEN
    absolute_seq: bool = False
    time_form: int = 0
    decode_as: str | None = None
    nfs_handles: bool = False
    packet_buffered: bool = False
    verbose: int = 0
    list_file: str | None = None
    write: str | None = None
    file_count: int = 0
    hex: int = 0
    hex_ascii: int = 0
    linktype: int | None = None
    linktype_name: str = ""
    rotate_command: str | None = None
    user: str | None = None
    color: str = "never"
    json: bool = False
    per_file: int = 0
    ring: bool = False
    stats: bool = False
    progress: bool = False
    expression: str = ""

    @property
    def live(self) -> bool:
        """Whether packets come from interfaces."""
        return not self.read and self.list_file is None

    @property
    def printing(self) -> bool:
        """Whether packets are printed."""
        return (self.write is None or self.print_too) and not self.count_only

    @property
    def rotating(self) -> bool:
        """Whether there will be several files."""
        return bool(self.max_bytes or self.period or self.per_file)


_COUNTED = {
    **{"A": "ascii", "n": "numeric", "q": "quiet", "t": "time_form", "v": "verbose", "x": "hex"},
    "X": "hex_ascii",
}
_SET = {
    **{"b": "asdot", "D": "list_interfaces", "e": "link_header", "f": "foreign_numeric", "I": "rfmon"},
    **{"immediate-mode": "immediate", "J": "list_tstamp_types", "nano": "nano", "l": "line_buffered"},
    **{"L": "list_linktypes", "N": "short_names", "#": "numbered", "print": "print_too", "S": "absolute_seq"},
    **{"u": "nfs_handles", "U": "packet_buffered", "count": "count_only", "json": "json", "ring": "ring"},
    **{"stats": "stats", "progress": "progress"},
}
_CLEARED = {"micro": "nano", "K": "checksums", "O": "optimize", "p": "promisc"}
_TEXTS = {"F": "filter_file", "V": "list_file", "w": "write", "z": "rotate_command", "Z": "user"}
_LISTS = {"i": "interfaces", "r": "read"}


def parse(words: Sequence[str]) -> Command:
    """Read a command line, without the program's name; Exit after what ends here: help, mistakes."""
    command = Command()
    operands: list[str] = []
    try:
        for option, value in read(words, NMDUMP, operands):
            _apply(command, option, value)
    except OptionError as error:
        from nmpcap.cli.usage import usage

        say(str(error))
        tell(usage())
        raise Exit(1) from None
    command.expression = " ".join(operands)
    if not (command.list_interfaces or command.filter_form):
        _check(command)
    return command


def _apply(command: Command, option: Option, value: str) -> None:
    key = option.key
    if option.refused:
        raise fail(f"-{key} is not supported: {option.refused}")
    if key in _COUNTED:
        setattr(command, _COUNTED[key], getattr(command, _COUNTED[key]) + 1)
        if command.time_form > 5:
            raise fail("only -t, -tt, -ttt, -tttt and -ttttt are supported")
    elif key in _SET:
        setattr(command, _SET[key], True)
    elif key in _CLEARED:
        setattr(command, _CLEARED[key], False)
    elif key in _TEXTS:
        setattr(command, _TEXTS[key], value)
    elif key in _LISTS:
        getattr(command, _LISTS[key]).append(value)
    else:
        _WITH_VALUES[key](command, value)


def _whole(text: str, what: str, least: int, most: int = _INT_MAX) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and least <= int(text) <= most):
        raise fail(f"invalid {what} {text}")
    return int(text)


def _buffer_size(command: Command, value: str) -> None:
    command.buffer_size = _whole(value, "packet buffer size", 1, _INT_MAX // 1024) * 1024


def _count(command: Command, value: str) -> None:
    command.count = _whole(value, "packet count", 1, 2**63 - 1)


def _file_size(command: Command, value: str) -> None:
    unit = _UNITS.get(value[-1:].lower(), 0)
    digits = value[:-1] if unit else value
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits[:20]) * (unit or _MEGABYTE) < 2**63):
        raise fail(f"invalid file size {value}")
    command.max_bytes = int(digits) * (unit or _MEGABYTE)


def _filter_form(command: Command, _: str) -> None:
    command.filter_form = _FORMS[min(len(command.filter_form), 2)]


def _snaplen(command: Command, value: str) -> None:
    if not (value.isascii() and value.isdigit() and len(value) <= 20 and int(value) <= MAXIMUM_SNAPLEN):
        raise fail(f"invalid snaplen {value} (must be >= 0 and <= {MAXIMUM_SNAPLEN})")
    command.snaplen = int(value) or MAXIMUM_SNAPLEN


def _tstamp_type(command: Command, value: str) -> None:
    try:
        tstamp_type_name_to_val(value)
    except PcapError:
        raise fail(f"invalid time stamp type {value}") from None
    command.tstamp_type = value.lower()


def _precision(command: Command, value: str) -> None:
    if value not in ("micro", "nano"):
        raise fail("unsupported time stamp precision")
    command.nano = value == "nano"


def _direction(command: Command, value: str) -> None:
    if value.lower() not in ("in", "out", "inout"):
        raise fail(f"unknown capture direction `{value}'")
    command.direction = value.lower()


def _decode_as(command: Command, value: str) -> None:
    if value.lower() not in _TYPES:
        raise fail(f"unknown packet type `{value}'")
    command.decode_as = value.lower()


def _linktype(command: Command, value: str) -> None:
    try:
        command.linktype = datalink_name_to_val(value)
    except PcapError:
        raise fail(f"invalid data link type {value}") from None
    command.linktype_name = value


def _color(command: Command, value: str) -> None:
    if value not in ("", "auto", "always", "never"):
        raise fail(f"unknown color mode `{value}': there are auto, always and never")
    command.color = value or "auto"


def _help(_: Command, __: str) -> None:
    from nmpcap.cli.usage import help_text

    print(help_text())
    raise Exit(0)


def _version(_: Command, __: str) -> None:
    from nmpcap.cli.usage import version_text

    print(version_text())
    raise Exit(0)


def _period(command: Command, value: str) -> None:
    command.period = _whole(value, "number of seconds", 0)


def _file_count(command: Command, value: str) -> None:
    command.file_count = _whole(value, "number of output files", 0)


def _per_file(command: Command, value: str) -> None:
    command.per_file = _whole(value, "packet count", 1, 2**63 - 1)


def _ignored(_: Command, __: str) -> None:
    """-M: what it would check is printed by no printer."""


_WITH_VALUES = {
    **{"B": _buffer_size, "c": _count, "C": _file_size, "d": _filter_form, "G": _period, "h": _help},
    **{"j": _tstamp_type, "M": _ignored, "Q": _direction, "s": _snaplen, "T": _decode_as, "W": _file_count},
    **{"y": _linktype, "color": _color, "per-file": _per_file, "time-stamp-precision": _precision},
    "version": _version,
}


def _check(command: Command) -> None:
    """Refuse what makes no sense together: 4.99.3's refusals, then those of newer versions."""
    for wrong, text in (
        (command.foreign_numeric and not command.live, "-f can not be used with -V or -r"),
        (command.list_file is not None and command.read, "-V and -r are mutually exclusive."),
        (command.ascii and command.hex, "-A and -x[x] are mutually exclusive."),
        (command.ascii and command.hex_ascii, "-A and -X[X] are mutually exclusive."),
        (command.hex and command.hex_ascii, "-x[x] and -X[X] are mutually exclusive."),
        (command.max_bytes and command.write is None, "-C cannot be used without -w."),
        (command.period and command.write is None, "-G cannot be used without -w."),
        (command.per_file and command.write is None, "--per-file cannot be used without -w."),
        (command.count_only and command.live, "--count cannot be used without -r or -V."),
        (
            command.rotate_command is not None and not (command.write is not None and command.rotating),
            "-z cannot be used without -w and (-C or -G).",
        ),
        (command.rotating and command.write == "-", "-w - is one stream: it cannot be rotated."),
        (command.write == "", "an empty string is not a valid file name"),
    ):
        if wrong:
            raise fail(text)
