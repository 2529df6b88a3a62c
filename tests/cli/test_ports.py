"""Live captures on VALE ports, pipes and veth: without privilege where the port needs none."""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time

import pytest

import nmpcap

from ..network import frame
from .programs import NMDUMP

COUNT = 5000  # many rings
GRACE = 30.0
# Names of hosts are looked up, and no answer comes before the file is there.
SLOW = """
import os, socket, sys, time
def getnameinfo(address, flags, go=sys.argv.pop(1)):
    while not os.path.exists(go):
        time.sleep(0.01)
    return "slow.example", "0"
socket.getnameinfo = getnameinfo
from nmpcap.cli.nmdump import main
sys.exit(main())
"""
UDP = bytes.fromhex(
    "ffffffffffff 020000000001 0800 4500002200010000401166a70a000001 0a000002 03e80009000e0000"
) + b"nmdump".ljust(18, b"\0")


@contextlib.contextmanager
def listening(words, *, ports, program=(str(NMDUMP),)):
    """A capture under way on so many ports, ended in any case; ``said`` is what it has said."""
    command = [*program, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            run.said = ""
            deadline = time.monotonic() + GRACE
            while run.said.count("listening on") < ports:
                assert time.monotonic() < deadline, run.said
                if select.select([run.stderr], [], [], 0.1)[0]:
                    piece = os.read(run.stderr.fileno(), 65536).decode()
                    assert piece, run.said
                    run.said += piece
            yield run
        finally:
            if run.poll() is None:
                run.kill()


def ended(run, number=signal.SIGINT):
    """The end of a run, by a signal: standard output, and all it has said."""
    if number is not None:
        run.send_signal(number)
    out, err = run.communicate(timeout=GRACE)
    return out, run.said + err


def send(port, frames):
    """Send all, while the other end makes room."""
    deadline = time.monotonic() + GRACE
    while frames:
        frames = frames[port.inject_many(frames) :]
        assert time.monotonic() < deadline, f"{len(frames)} found no room"


@pytest.fixture(autouse=True)
def user(monkeypatch):
    monkeypatch.setenv("NMPCAP_NETMAP", "user")


def test_a_switch_is_captured_from_without_privileges(switch, tmp_path):
    if os.geteuid() == 0:
        # As somebody who may do nothing: what the port needs is its folder, which is this user's.
        program = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", str(NMDUMP)]
    else:
        program = [str(NMDUMP)]
    words = ["-nt", "-c", "3", "-i", f"{switch}:a", "udp port 9"]
    with listening(words, ports=1, program=program) as run, nmpcap.open(f"{switch}:b") as port:
        send(port, [UDP, frame(1), UDP, frame(2), UDP])
        out, said = ended(run, None)
    assert out == "IP 10.0.0.1.1000 > 10.0.0.2.9: UDP, length 6\n" * 3
    assert f"listening on {switch}:a, link-type EN10MB (Ethernet)" in said
    assert "3 packets captured\n" in said
    assert run.returncode == 0


def test_all_that_comes_through_a_pipe_is_in_the_file(pipe_name, tmp_path):
    near, far = pipe_name("1")
    file = tmp_path / "x.pcap"
    frames = [frame(number) for number in range(COUNT)]
    with listening(["-i", near, "-w", str(file), "-c", str(COUNT)], ports=1) as run, nmpcap.open(far) as port:
        send(port, frames)
        _, said = ended(run, None)
    assert f"{COUNT} packets captured\n" in said
    assert "0 packets dropped by kernel\n" in said
    with nmpcap.open_offline(file) as capture:
        assert [packet.data for packet in capture] == frames


def test_names_do_not_hold_up_reading(pipe_name, tmp_path):
    near, far = pipe_name("1")
    go = tmp_path / "go"
    words = [str(go), "-tl", "-c", str(COUNT), "-i", near]
    with (
        listening(words, ports=1, program=(sys.executable, "-c", SLOW)) as run,
        nmpcap.open(far) as port,
    ):
        send(port, [UDP] * COUNT)  # the ring holds a part of them only
        go.touch()
        out, said = ended(run, None)
    lines = out.splitlines()
    assert set(lines) == {"IP slow.example.1000 > slow.example.discard: UDP, length 6"}
    assert len(lines) == COUNT
    assert f"{COUNT} packets captured\n" in said


@pytest.mark.parametrize("form", [[], ["-n"]], ids=["names", "numbers"])
def test_several_ports_say_where_a_packet_came_from(switch, pipe_name, form):
    near, far = pipe_name("1")
    words = [*form, "-t", "-l", "-c", "4", "--ring", "-i", f"{switch}:a", "-i", near, "ether proto 0x88b5"]
    with (
        listening(words, ports=2) as run,
        nmpcap.open(f"{switch}:b") as port,
        nmpcap.open(far) as pipe,
    ):
        send(port, [frame(1), frame(2)])
        send(pipe, [frame(3), frame(4)])
        out, said = ended(run, None)
    origins = [line.split()[0] for line in out.splitlines() if not line.startswith("\t")]
    assert sorted(origins) == sorted([f"{switch}:a"] * 2 + [near] * 2)
    assert "4 packets captured\n" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("form", [[], ["-n"], ["-w", "/dev/null"]], ids=["names", "numbers", "file"])
def test_signals_ask_and_end_it(pipe_name, form, number):
    near, far = pipe_name("1")
    with listening([*form, "-i", near], ports=1) as run, nmpcap.open(far) as port:
        send(port, [frame(1), frame(2)])
        while "2 packets captured," not in run.said:
            run.send_signal(signal.SIGUSR1)
            piece = os.read(run.stderr.fileno(), 65536).decode()
            assert piece, run.said
            run.said += piece
            time.sleep(0.02)
        _, said = ended(run, number)
    assert re.search(r"^2 packets captured\n2 packets received by filter\n0 packets dropped", said, re.M)
    assert run.returncode == 0


def test_veth_brings_what_is_sent_on_its_other_end(network, tmp_path):
    one, other = network.veth()
    file = tmp_path / "x.pcapng.gz"
    words = ["-i", other, "-i", "lo", "-w", str(file), "-c", "100", "ether proto 0x88b5"]
    network.ip("link", "set", "lo", "up")
    frames = [frame(number) for number in range(100)]
    with listening(words, ports=2) as run, network.raw(one) as sender:
        for data in frames:
            sender.send(data)
        _, said = ended(run, None)
    assert "100 packets captured\n" in said
    with nmpcap.open_offline(file) as capture:
        assert [packet.data for packet in capture] == frames


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system: not permitted; to run it: be root (sudo)")
@pytest.mark.parametrize("suffix", ["pcap", "pcapng"])
def test_a_disk_that_fills_up_in_mid_capture_ends_it(pipe_name, tmp_path, suffix):
    near, far = pipe_name("1")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"{done.stderr.decode().strip()}; to run it: be root with CAP_SYS_ADMIN")
    try:
        file = disk / f"x.{suffix}"
        with listening(["-i", near, "-w", str(file)], ports=1) as run, nmpcap.open(far) as port:
            frames = [frame(number, 1000) for number in range(500)]
            while run.poll() is None:
                port.inject_many(frames[:50])
                time.sleep(0.01)
            _, said = ended(run, None)
        assert run.returncode == 1
        assert "No space left on device" in said
        assert "Traceback" not in said
        assert re.search(r"^\d+ packets captured$", said, re.M)
        with nmpcap.open_offline(file) as capture, contextlib.suppress(nmpcap.SavefileError):
            count = sum(packet.data in frames for packet in capture)
        assert count > 200
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_terminal_that_goes_away_ends_a_capture(pipe_name, tmp_path):
    near, far = pipe_name("1")
    # The program is the leader of a session with that terminal: its end is a SIGHUP, then errors of writing.
    ours, theirs = os.openpty()
    command = ["setsid", "--ctty", str(NMDUMP), "-n", "-i", near]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as run:
        try:
            os.close(theirs)
            said = b""
            while b"listening on" not in said:
                said += os.read(ours, 65536)
            os.close(ours)
            with nmpcap.open(far) as port:
                port.inject(UDP)
            assert run.wait(timeout=GRACE) in (0, 1)
        finally:
            run.kill()
