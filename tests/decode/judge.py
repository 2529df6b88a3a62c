"""What the system's tcpdump prints of packets, one text a packet: the judge of the printers.

The lines are those of 4.99.3 (Debian 12's package), on a capture file written here.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import nmpcap
from nmpcap.decode import Printer

VERSION = "4.99.3"
# What each option of tcpdump is called here.
OPTIONS: dict[str, dict[str, Any]] = {
    "-n": {"numeric": 1},
    "-v": {"verbose": 1},
    "-vv": {"verbose": 2},
    "-vvv": {"verbose": 3},
    "-q": {"quiet": 1},
    "-qq": {"quiet": 2},
    "-e": {"link_header": 1},
    "-S": {"absolute_seq": 1},
    "-K": {"checksums": 0},
}
ALL = ("-n", "-n -v", "-n -vv", "-n -vvv", "-n -q", "-n -e", "-n -e -v", "-n -q -e", "-n -q -v")


@functools.cache
def find() -> str:
    """Return tcpdump's path, or skip the test if it or its version is missing."""
    path = shutil.which("tcpdump", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin")
    remedy = "to run it: apt-get install tcpdump (Debian 12's)"
    if path is None:
        pytest.skip(f"no tcpdump to compare with; {remedy}")
    shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    if f"tcpdump version {VERSION}" not in shown.stdout + shown.stderr:
        pytest.skip(f"lines are compared with tcpdump {VERSION}, not with {path}; {remedy}")
    return path


# What the file calls a link type, where that is another number.
_LINKTYPES = {nmpcap.dlt.DLT_RAW: 101}

Frame = bytes | tuple[bytes, int]


def parts(frame: Frame) -> tuple[bytes, int]:
    """The captured bytes of a frame, and its length on the wire."""
    return (frame, len(frame)) if isinstance(frame, bytes) else frame


def savefile(frames: Sequence[Frame], linktype: int) -> bytes:
    """Return a pcap file of these frames."""
    file = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, _LINKTYPES.get(linktype, linktype))]
    for number, (data, length) in enumerate(map(parts, frames)):
        file.append(struct.pack("<IIII", 1700000000 + number, 0, len(data), length) + data)
    return b"".join(file)


def tcpdump(frames: Sequence[Frame], linktype: int, options: str) -> list[str]:
    """Return what tcpdump prints of each frame."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frames.pcap"
        file.write_bytes(savefile(frames, linktype))
        command = [find(), "-r", str(file), "-t", "-#", *options.split()]
        run = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "TZ": "UTC"})
    shown = run.stdout.decode("latin-1")
    texts: list[str] = []
    at = 0
    for number in range(1, len(frames) + 1):
        mark = re.compile(rf"^ *{number + 1}  ", re.M)
        after = mark.search(shown, at + 1) if number < len(frames) else None
        end = after.start() if after else len(shown)
        texts.append(re.sub(r"^ *\d+  ", "", shown[at:end], count=1).removesuffix("\n"))
        at = end
    assert run.returncode == 0, run.stderr
    return texts


def arguments(options: str) -> dict[str, Any]:
    """The arguments of Printer that these options of tcpdump are."""
    found: dict[str, Any] = {}
    for option in options.split():
        found.update(OPTIONS[option])
    return found


def ours(frames: Sequence[Frame], linktype: int, options: str) -> list[str]:
    """Return what nmpcap prints of each frame."""
    show = Printer(linktype, **arguments(options))
    return [show(*parts(frame)) for frame in frames]


def differences(
    frames: Sequence[Frame], options: str, linktype: int = nmpcap.dlt.DLT_EN10MB
) -> list[tuple[Frame, str, str]]:
    """Return the frames that are printed differently: the frame, tcpdump's text and ours."""
    theirs = tcpdump(frames, linktype, options)
    return [
        (frame, expected, found)
        for frame, expected, found in zip(frames, theirs, ours(frames, linktype, options), strict=True)
        if expected != found
    ]


def cut(frame: bytes, least: int = 1) -> list[Frame]:
    """The frame, and all that a capture can leave of it."""
    return [frame, *((frame[:count], len(frame)) for count in range(len(frame) - 1, least - 1, -1))]


def none_of(wrong: Sequence[tuple[Frame, str, str]], where: str) -> None:
    """Fail if there are differences; show the first ones."""
    shown = [
        f"{parts(frame)[0].hex()} ({parts(frame)[1]} bytes)\n  tcpdump {theirs!r}\n  nmpcap  {found!r}"
        for frame, theirs, found in wrong[:3]
    ]
    assert not wrong, f"{len(wrong)} differences {where}\n" + "\n".join(shown)


def check(frames: Sequence[Frame], options: str, linktype: int = nmpcap.dlt.DLT_EN10MB) -> None:
    """Fail unless every frame is printed as tcpdump prints it."""
    none_of(differences(frames, options, linktype), f"of {len(frames)} frames, with {options}")
