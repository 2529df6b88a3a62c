"""Programs that were written for an original, unmodified: with the stand-in they do what they do with it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from nmpcap.compat._stand_ins import path_folders

from ..network import Network
from .captures import PLAIN, datagram

REMEDY = "to run it: pip install impacket 'pcapy-ng>=2.1'"
WHOSE = ["original", "stand-in"]


def program(name: str) -> Path:
    """A script that a package has put beside the interpreter."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        pytest.skip(f"there is no {path}; {REMEDY}")
    return path


def environment(whose: str) -> dict[str, str]:
    """Variables that have ``import pcapy`` find the one or the other."""
    if whose == "original":
        pytest.importorskip("pcapy", reason=REMEDY)
        return {}
    return {"PYTHONPATH": os.pathsep.join(path_folders(["pcapy"]))}


def test_split_of_impacket(
    tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    capture = tmp_path / "capture.pcap"
    capture.write_bytes(PLAIN)
    outputs, files = [], []
    for whose in WHOSE:
        folder = tmp_path / whose
        folder.mkdir()
        done = run_python(program("split.py"), capture, cwd=folder, env=environment(whose))
        outputs.append(done.stdout)
        files.append({file.name: file.read_bytes() for file in folder.glob("*.pcap")})
    assert "linktype=1" in outputs[0]
    assert outputs[0] == outputs[1]
    assert len(files[0]) == 3
    assert files[0] == files[1]


def test_sniff_of_impacket(pair: Network, tmp_path: Path) -> None:
    lines = [_sniffed(whose, pair, tmp_path) for whose in WHOSE]
    assert "Listening on lo: net=127.0.0.0, mask=255.0.0.0, linktype=1" in lines[0][0]
    assert lines[0] == lines[1]


def _sniffed(whose: str, pair: Network, folder: Path) -> list[str]:
    """What sniff.py prints of datagrams on lo: where it listens, and the first packet."""
    script = program("sniff.py")
    names = subprocess.run(
        [sys.executable, "-c", "import pcapy; print(*pcapy.findalldevs())"],
        env={**os.environ, **(env := environment(whose))},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    choice = names.stdout.split().index("lo")
    process = subprocess.Popen(
        [sys.executable, "-u", str(script), "udp port 9991"],
        env={**os.environ, **env},
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{choice}\n")
    process.stdin.flush()
    over = threading.Event()

    def send() -> None:
        with pair.raw("lo") as sender:
            while not over.wait(0.05):
                sender.send(datagram(9990, 9991, b"payload"))

    # A socket is in the network of the thread that makes it, a thread in that of the one that began it.
    sending = threading.Thread(target=send)
    found: list[str] = []
    try:
        for line in process.stdout:
            if "Listening on" in line:
                found.append(line[line.index("Listening on") :])
                sending.start()
            elif found:
                found.append(line)
            if "payload" in line:
                break
    finally:
        over.set()
        if sending.ident:
            sending.join()
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    return found


@pytest.mark.parametrize("whose", WHOSE)
def test_what_is_left_open_is_closed_without_a_word(
    whose: str, tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "in.pcap").write_bytes(PLAIN)
    code = (
        "import os, pcapy\n"
        "before = len(os.listdir('/proc/self/fd'))\n"
        "for _ in range(3):\n"
        "    reader = pcapy.open_offline('in.pcap')\n"
        "    dumper = reader.dump_open('out.pcap')\n"
        "    dumper.dump(*reader.next())\n"
        "del reader, dumper\n"
        "print(len(os.listdir('/proc/self/fd')) - before)"
    )
    done = run_python("-W", "error", "-c", code, env=environment(whose))
    assert (done.stdout, done.stderr) == ("0\n", "")
