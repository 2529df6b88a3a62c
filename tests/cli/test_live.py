"""Live captures on lo: what is printed, said, written and signalled, beside tcpdump.

As whoever runs the tests, where that may capture, and as an ordinary user in a namespace of its own.
"""

import functools
import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

import nmpcap

from .programs import NMDUMP, tcpdump_command, without_name

# An ordinary user's number even if root runs this: tcpdump would try to become another user.
UNSHARE = ["unshare", "-Un", "--map-user=1000", "--keep-caps"]
# Of datagrams to a port that is held here, so that whoever else sends on lo is not counted.
RECEIVER = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
RECEIVER.bind(("127.0.0.1", 0))
PORT = RECEIVER.getsockname()[1]
FILTER = ["udp", "dst", "port", str(PORT)]
QUICK = ["-i", "lo", "-ntq", "-l", "--immediate-mode"]


@dataclass
class Run:
    """What a live run left."""

    out: str
    err: str
    status: int


@functools.cache
def may_unshare() -> bool:
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture(params=["here", "namespace"])
def live(request):
    """Run a program's words with steps, here or in a namespace of an ordinary user."""
    own = request.param == "namespace"
    if own and not may_unshare():
        pytest.skip("user namespaces are not to be had; to run it: sysctl kernel.unprivileged_userns_clone=1")
    if not own and os.geteuid() != 0:
        pytest.skip("no capture outside of a namespace without CAP_NET_RAW; to run it: be root (sudo)")

    # In the namespace nobody is root, and -Z, behind the program's name, would be refused.
    def run(program: list[str], words: list[str], *steps: tuple[str, object]) -> Run:
        command = [*(program[:1] if own else program), *words]
        plan = {"command": command, "steps": steps, "port": PORT, "own": own}
        script = [sys.executable, str(Path(__file__).with_name("live_run.py")), json.dumps(plan)]
        done = subprocess.run(
            [*(UNSHARE if own else []), *script], capture_output=True, text=True, timeout=90, check=True
        )
        result = json.loads(done.stdout)
        # How many were received beside those captured depends on when the end came.
        err = re.sub(r"\d+ packets? received", "N packets received", without_name(result["err"]))
        # libpcap's own, of a setuid program that is none.
        err = err.replace("Warning: setgid/setuid failed !\n", "")
        return Run(result["out"], err, result["status"])

    return run


def programs() -> list[list[str]]:
    return [[str(NMDUMP)], tcpdump_command()]


@pytest.mark.parametrize("ending", ["INT", "TERM", "HUP"])
def test_a_signal_ends_it_with_the_counters(live, ending):
    ours, theirs = (
        live(program, [*QUICK, *FILTER], ("send", 3), ("signal", ending)) for program in programs()
    )
    assert _without_port(ours.out) == _without_port(theirs.out)
    assert (ours.err, ours.status) == (theirs.err, theirs.status)
    assert "3 packets captured" in ours.err
    assert ours.out.endswith("\n\n")


def _without_port(text: str) -> str:
    return re.sub(r"127\.0\.0\.1\.\d{2,5} >", "127.0.0.1.PORT >", text)


def test_usr1_asks_and_a_count_ends_it(live):
    steps = ("send", 1), ("signal", "USR1"), ("send", 2)
    ours, theirs = (live(program, [*QUICK, "-c", "3", *FILTER], *steps) for program in programs())
    assert _without_port(ours.out) == _without_port(theirs.out)
    assert (ours.err, ours.status) == (theirs.err, theirs.status)
    assert (
        "PROGRAM: 1 packet captured, N packets received by filter, 0 packets dropped by kernel\n" in ours.err
    )


def test_any_is_cooked_and_named(live):
    words = ["-i", "any", "--immediate-mode", "-w", "-", "-c", "2", *FILTER]
    ours, theirs = (live(program, words, ("send", 2)) for program in programs())
    assert (ours.err, ours.status) == (theirs.err, theirs.status)
    assert ours.out[:24] == theirs.out[:24]
    assert len(ours.out) == len(theirs.out)
    assert "PROGRAM: data link type LINUX_SLL2\n" in ours.err


def test_writing_says_so_and_flushes_on_usr2(live, tmp_path):
    runs = []
    for number, program in enumerate(programs()):
        file = tmp_path / f"{number}.pcap"
        words = ["-i", "lo", "--immediate-mode", "-w", str(file), *FILTER]
        runs.append(live(program, words, ("send", 4), ("signal", "USR2"), ("signal", "INT")))
        with nmpcap.open_offline(file) as capture:
            assert len(list(capture)) == 4
    ours, theirs = runs
    assert ours == theirs


def test_usr2_brings_the_packets_into_the_file(live, tmp_path):
    file = tmp_path / "x.pcap"
    words = ["-i", "lo", "--immediate-mode", "-w", str(file), *FILTER]
    live([str(NMDUMP)], words, ("send", 4), ("signal", "USR2"), ("signal", "KILL"))
    with nmpcap.open_offline(file) as capture:
        assert len(list(capture)) == 4


@pytest.mark.parametrize("suffix", ["pcap", "pcapng"])
def test_each_packet_is_in_the_file_at_once(live, tmp_path, suffix):
    file = tmp_path / f"x.{suffix}"
    words = ["-i", "lo", "--immediate-mode", "-U", "-w", str(file), *FILTER]
    live([str(NMDUMP)], words, ("send", 4), ("signal", "KILL"))
    with nmpcap.open_offline(file) as capture:
        assert len(list(capture)) == 4


def test_the_number_of_packets_is_told_each_second(live, tmp_path):
    words = ["-i", "lo", "--immediate-mode", "-v", "-w", "-", *FILTER]
    steps = ("send", 2), ("wait", 1.5), ("signal", "INT")
    ours, theirs = (live(program, words, *steps) for program in programs())
    assert "Got 2\r" in ours.err
    assert "Got 2\r" in theirs.err
    assert ours.err.splitlines()[0] == theirs.err.splitlines()[0]
    assert ours.out[:4] == theirs.out[:4]
    assert len(ours.out) == len(theirs.out)


def test_periods_follow_each_other_while_nothing_comes(live, tmp_path):
    words = ["-i", "lo", "-G", "1", "-W", "3", "-w", str(tmp_path / "%s.pcap"), "-z", "true", *FILTER]
    started = time.time()
    run = live([str(NMDUMP)], words, ("wait", 4))
    assert run.status == 0
    assert "Maximum file limit reached: 3\n0 packets captured\n" in run.err
    names = sorted(int(file.stem) for file in tmp_path.iterdir())
    assert [name - names[0] for name in names] == [0, 1, 2]
    assert int(started) <= names[0]
    for file in tmp_path.iterdir():
        with nmpcap.open_offline(file) as capture:
            assert list(capture) == []


def test_several_interfaces_at_once_say_where_a_packet_came_from(live, tmp_path):
    file = tmp_path / "x.pcapng"
    words = ["-i", "lo", "-i", "any", "-w", str(file), "-c", "4", *FILTER]
    run = live([str(NMDUMP)], words, ("send", 2))
    assert run.status == 0
    assert "4 packets captured" in run.err
    with nmpcap.open_offline(file) as capture:
        assert {packet.linktype for packet in capture} == {nmpcap.DLT_EN10MB, 276}


def test_without_permission_it_says_what_is_needed():
    words = ["-i", "lo", "-c", "1"]
    command = ["unshare", "-U", str(NMDUMP), *words] if os.geteuid() == 0 else [str(NMDUMP), *words]
    if os.geteuid() == 0 and not may_unshare():
        pytest.skip("root can do all; to run it: be an ordinary user")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "You don't have permission to perform this capture on that device" in done.stderr
    assert "CAP_NET_RAW" in done.stderr
    assert done.stderr.count("\n") == 1
