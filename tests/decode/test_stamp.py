"""Times in front of lines, as tcpdump writes them for the same records."""

from __future__ import annotations

import struct
import subprocess
import time
from pathlib import Path

import pytest

from nmpcap.decode.stamp import stamper

from . import judge
from .frames import over_udp

TIMES = [(0, 0), (1700000000, 1), (1700000000, 999999), (1700000061, 5), (1600000000, 0), (2147483647, 7)]
FRAME = over_udp(1, 2, b"x")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("nano", [False, True])
@pytest.mark.parametrize("mode", range(6))
def test_stamps(mode: int, nano: bool, zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    magic, unit = (0xA1B23C4D, 1) if nano else (0xA1B2C3D4, 1000)
    file = tmp_path / "times.pcap"
    file.write_bytes(
        struct.pack("<IHHiIII", magic, 2, 4, 0, 0, 262144, 1)
        + b"".join(struct.pack("<IIII", *at, len(FRAME), len(FRAME)) + FRAME for at in TIMES)
    )
    options = ["-" + "t" * mode] if mode else []
    options += ["--nano"] if nano else []
    shown = subprocess.run(
        [judge.find(), "-n", *options, "-r", str(file)], capture_output=True, text=True, check=True
    )
    text = stamper(mode, nano=nano)
    line = "IP 10.0.0.1.1 > 10.0.0.2.2: UDP, length 1"
    assert [f"{text(s * 10**9 + part * unit)}{line}" for s, part in TIMES] == shown.stdout.splitlines()
    monkeypatch.undo()
    time.tzset()
