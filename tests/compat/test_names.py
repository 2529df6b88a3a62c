"""Every stand-in takes the place of its original, by all the names that programs import it by."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from nmpcap.compat import ORIGINALS
from nmpcap.compat._stand_ins import path_folders

from .captures import FRAMES, PLAIN

PROGRAMS = {
    "pcapy": "import pcapy; print(len(pcapy.open_offline(PATH).next()[1]))",
    "pcapyplus": "from pcapyplus import *; print(len(open_offline(PATH).next()[1]))",
    "pcap": "import _pcap, pcap; _pcap.DLT['EN10MB']; print(len(next(pcap.pcap(PATH))[1]))",
    "pylibpcap": "from pylibpcap.pcap import rpcap; import pylibpcap.parse; print(len(next(rpcap(PATH))[2]))",
    "dpkt.pcap": "import dpkt; print(len(next(dpkt.pcap.Reader(open(PATH, 'rb')))[1]))",
}


def test_every_stand_in_has_a_program_here() -> None:
    assert set(PROGRAMS) == set(ORIGINALS) - {"scapy"}


@pytest.mark.parametrize("original", PROGRAMS)
@pytest.mark.parametrize("way", ["install", "path"])
def test_a_program_gets_the_stand_in(
    original: str, way: str, tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    capture = tmp_path / "capture.pcap"
    capture.write_bytes(PLAIN)
    code = PROGRAMS[original].replace("PATH", repr(str(capture)))
    env = {}
    if way == "install":
        code = f"import nmpcap.compat\nnmpcap.compat.install({original!r})\n{code}"
    else:
        env["PYTHONPATH"] = os.pathsep.join(path_folders([original]))
    done = run_python("-c", f"{code}\nimport sys; print(sys.modules[{original!r}].__name__)", env=env)
    assert done.stdout == f"{len(FRAMES[0])}\nnmpcap.compat.{original.replace('.', '_')}\n"
