"""The samples run as they stand, against the installed package, do what they say, and stay small."""

from __future__ import annotations

import ast
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dpkt
import pcapy
import pytest

import nmpcap
from nmpcap import vale

from .network import Network
from .network import frame as numbered

FOLDER = Path(__file__).parents[1] / "samples"
SAMPLES = sorted(FOLDER.glob("*.py"))
CAPTURES = sorted((FOLDER / "captures").glob("*.pcap"))
MAX_LINES = 60
SAYS = {
    "quickstart": r"66 of 123 packets of everyday.pcap sent, 66 saved, 66 equal",
    "two_ends_of_a_pipe": r"5000 frames through netmap:p\d+ and back, as they should be, [\d.]+ us each",
    "zero_copy_bridge": r"123 packets crossed the bridge, 123 arrived in the buffers they began in",
    "native_rings": r"20000 of 20000 frames received on netmap:p\d+}1, 0 gaps, [\d,]+ a second",
    "interface": r"lo, filter none\n([\d,]+ packets/s, [\d,.]+ Mbit/s\n){3}"
    r"[\d,]+ packets seen, [\d,]+ left unread, [\d,]+ dropped",
}


def can_capture() -> bool:
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except (AttributeError, OSError):
        return False
    return True


on_interfaces = pytest.mark.skipif(
    not can_capture(), reason="packet sockets: not permitted; to run it: be root (sudo), on Linux"
)
each_sample = pytest.mark.parametrize(
    "sample",
    [
        pytest.param(sample, id=sample.stem, marks=on_interfaces if sample.stem == "interface" else ())
        for sample in SAMPLES
    ],
)


@contextmanager
def running(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A sample under way, ended by Ctrl-C if it does not end itself, whatever becomes of the test."""
    command = [sys.executable, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                program.send_signal(signal.SIGINT)


def wait_for_port(name: str, program: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while vale.find(name) is None:
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < deadline, f"{name} has not come up"
        time.sleep(0.01)


def frame(number: int, size: int = 60) -> bytes:
    return b"\xff" * 6 + bytes.fromhex("020000000001 88b5") + number.to_bytes(size - 14, "big")


def sent_by_first(capture: Path) -> list[bytes]:
    with capture.open("rb") as file:
        packets = [packet for _, packet in dpkt.pcap.Reader(file)]
    return [packet for packet in packets if packet[6:12] == packets[0][6:12]]


def test_what_each_says_is_known() -> None:
    assert {sample.stem for sample in SAMPLES} == set(SAYS)


@each_sample
def test_sample_runs_and_says_what_it_did(sample: Path, run_python, netmap: str) -> None:
    done = run_python(sample)
    assert re.fullmatch(SAYS[sample.stem] + "\n", done.stdout)
    assert done.stderr == ""


@each_sample
def test_runs_at_once_do_not_meet(sample: Path) -> None:
    with ExitStack() as stack:
        for program in [stack.enter_context(running(sample)) for _ in range(4)]:
            said, complained = program.communicate(timeout=60)
            assert program.returncode == 0, complained
            assert re.fullmatch(SAYS[sample.stem] + "\n", said)


@each_sample
def test_sample_is_one_idea_and_says_which(sample: Path) -> None:
    text = sample.read_text()
    assert len(text.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.stem)
def test_quickstart_saves_what_libpcap_reads(capture: Path, run_python, tmp_path: Path) -> None:
    saved = tmp_path / "saved.pcap"
    run_python(FOLDER / "quickstart.py", capture, saved)
    reader = pcapy.open_offline(str(saved))
    sent = sent_by_first(capture)
    assert sent
    for packet in sent:
        header, data = reader.next()
        assert data == packet
        assert header.getlen() == len(packet)
    assert reader.next()[0] is None


def test_quickstart_replays_more_than_a_ring_holds(run_python, tmp_path: Path) -> None:
    replayed = tmp_path / "long.pcap"
    with nmpcap.open_writer(replayed) as writer:
        for number in range(5000):
            writer.write(frame(number, 60 + number % 1400))
    done = run_python(FOLDER / "quickstart.py", replayed)
    assert done.stdout == "5000 of 5000 packets of long.pcap sent, 5000 saved, 5000 equal\n"


def test_quickstart_notices_a_loss(run_python, tmp_path: Path) -> None:
    replayed = tmp_path / "short.pcap"
    with nmpcap.open_writer(replayed) as writer:
        for packet in (frame(0), frame(1)[:13], frame(2)):  # a switch discards what has no whole header
            writer.write(packet)
    done = run_python(FOLDER / "quickstart.py", replayed, check=False)
    assert done.stdout == "3 of 3 packets of short.pcap sent, 2 saved, 1 equal\n"
    assert done.returncode == 1


def test_bridge_joins_two_switches_until_interrupted(switch: str) -> None:
    left, right = f"{switch}:b", f"{switch}x:b"
    with running(FOLDER / "zero_copy_bridge.py", left, right) as bridge:
        for port in (left, right):
            wait_for_port(port, bridge)
        with (
            nmpcap.open(f"{switch}:a", timeout=10) as near,
            nmpcap.open(f"{switch}x:a", timeout=10) as far,
        ):
            for sender, receiver in ((near, far), (far, near)):
                for size in (60, 1514, 9000):
                    frames = [frame(number, size) for number in range(100)]
                    assert sender.inject_many(frames) == 100
                    assert [receiver.next().data for _ in frames] == frames
        bridge.send_signal(signal.SIGINT)
        assert bridge.communicate(timeout=10) == ("", "")
        assert bridge.returncode == 0


def test_generator_and_receiver_work_on_any_port(switch: str, run_python) -> None:
    count = "900"  # which the receiver's ring can hold
    with running(FOLDER / "native_rings.py", "rx", f"{switch}:b", count) as receiver:
        wait_for_port(f"{switch}:b", receiver)
        run_python(FOLDER / "native_rings.py", "tx", f"{switch}:a", count)
        said, complained = receiver.communicate(timeout=30)
    assert complained == ""
    assert said.startswith(f"900 of 900 frames received on {switch}:b, 0 gaps, ")


def test_interface_says_what_came_and_what_became_of_it(network: Network) -> None:
    a, b = network.veth()
    with running(FOLDER / "interface.py", b, "ether proto 0x88b5 and less 1000", "60") as program:
        assert program.stdout is not None
        assert program.stdout.readline().startswith(f"{b}, filter in the kernel and in user space")
        with network.raw(a) as sender:
            for number in range(500):
                sender.send(numbered(number, 1000 + number % 2))
        packets, megabits = 0, 0.0
        while packets < 250 and (line := program.stdout.readline()):
            packets += int(line.split()[0])
            megabits += float(line.split()[2])
        assert program.poll() is None
        program.send_signal(signal.SIGINT)
        rest, complained = program.communicate(timeout=10)
    assert (complained, program.returncode) == ("", 0)
    assert packets == 250
    assert megabits == pytest.approx(2)  # frames of 1000 bytes
    assert rest.endswith("250 packets seen, 0 left unread, 0 dropped\n")


@on_interfaces
def test_interface_says_what_is_wrong(run_python) -> None:
    done = run_python(FOLDER / "interface.py", "none", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "none: No such device exists; findalldevs() lists those that do\n"
