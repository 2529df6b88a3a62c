"""Names that others chose do not reach a terminal as they are: in messages, reprs and warnings."""

from __future__ import annotations

import errno
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import nmpcap
from nmpcap import DeviceError, FilterError, PcapError, SavefileError, UsageError, netmap
from nmpcap._printable import printable

# Sets a title, goes up a line, reverses the rest, and is no UTF-8.
HOSTILE = "a\x1b]0;owned\x07\n\x9b1A\u202eb\udcff\u2028"


def is_plain(text: str) -> bool:
    """Whether a terminal takes all of it for text, in one line."""
    return text.isprintable() and "\\x1b]0;owned\\x07" in text


@pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA1), 0x200B, 0x2028, 0x202E, 0xFEFF, 0xE0001])
def test_what_is_not_to_be_seen_is_named_by_its_code(code: int) -> None:
    text = printable(f"a{chr(code)}b")
    assert text.isprintable()
    assert text.encode().decode("unicode_escape") == f"a{chr(code)}b"


@pytest.mark.parametrize("text", ["", "plain \\x1b text", "größer 東京 🦀"])
def test_what_can_be_seen_stays(text: str) -> None:
    assert printable(text) == text


def test_twice_is_once_and_bytes_that_are_no_text_are_told_as_bytes() -> None:
    assert printable(printable(HOSTILE)) == printable(HOSTILE)
    assert printable("\udcff") == "\\xff"
    assert printable("a\nb\r", "\n") == "a\nb\\x0d"


@pytest.mark.parametrize(
    "make",
    [
        lambda text: PcapError(f"{text}: what", name=text),
        lambda text: UsageError(f"{text}: what"),
        lambda text: DeviceError(errno.ENOENT, f"{text}: what; do this", text),
        lambda text: nmpcap.PortNameError(f"{text}: what", 0),
        lambda text: nmpcap.ProgramError(f"{text}: what", 0),
        lambda text: SavefileError(f"{text}: what", 0, f"{text}: what"),
    ],
)
def test_exceptions_escape_their_messages(make: Callable[[str], PcapError]) -> None:
    error = make(HOSTILE)
    assert is_plain(str(error))
    assert error.reason.isprintable()
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_the_name_itself_stays_and_is_no_part_of_the_reason() -> None:
    error = DeviceError(errno.ENOENT, f"{HOSTILE}: what; do this", HOSTILE)
    assert (error.filename, error.reason) == (HOSTILE, "what")


def test_a_filters_picture_keeps_its_lines() -> None:
    with pytest.raises(FilterError) as caught:
        nmpcap.compile("host \x1b[2J")
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    if sys.platform == "darwin":
        pytest.skip("file names are UTF-8 here; to run it: Linux or FreeBSD")
    return tmp_path / HOSTILE


def test_files_and_what_is_said_of_them(hostile: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        nmpcap.open_offline(hostile)
    assert is_plain(str(missing.value))
    with nmpcap.open_writer(hostile, format="pcap") as writer:
        assert is_plain(repr(writer))
        with pytest.raises(TypeError) as wrong:
            writer.write(3)  # type: ignore[arg-type]
        assert is_plain(str(wrong.value))
    with nmpcap.open_offline(hostile) as capture:
        assert is_plain(repr(capture))
    hostile.write_bytes(hostile.read_bytes() + b"\1")
    with pytest.raises(SavefileError) as damaged, nmpcap.open_offline(hostile) as capture:
        capture.next()
    assert is_plain(str(damaged.value))


def test_files_left_open(hostile: Path) -> None:
    for opener in (nmpcap.open_writer, nmpcap.open_offline):
        file = opener(hostile)
        with pytest.warns(ResourceWarning) as told:
            file.__del__()
        assert is_plain(str(told[0].message))


def test_rotated_files(tmp_path: Path) -> None:
    with nmpcap.RotatingWriter(str(tmp_path / f"{HOSTILE}-{{number}}.pcap"), max_bytes=100) as files:
        files.write(bytes(60))
        assert is_plain(repr(files))


@pytest.mark.parametrize("name", [f"vale0:{HOSTILE}", f"netmap:{HOSTILE}", HOSTILE], ids=ascii)
def test_ports(name: str) -> None:
    for opener in (netmap.nm_open, nmpcap.open):
        with pytest.raises(PcapError) as refused:
            opener(name)
        assert str(refused.value).isprintable()
