"""What nmdump itself adds to the lines: numbers, times, dumps, colors; beside tcpdump where that has it."""

import os
import pty
import re
import subprocess

import pytest

import nmpcap

from .programs import CAPTURES, NMDUMP, nmdump, tcpdump

TLS = str(CAPTURES / "tls.pcap")
FORMS = [
    *(["-t"], ["-tt"], ["-ttt"], ["-tttt"], ["-ttttt"], ["--number"], ["-#", "-tt"], ["--nano"]),
    *(["-x"], ["-xx"], ["-X"], ["-XX"], ["-e"], ["-ex"], ["-q"], ["-S"], ["--micro", "-ttt"], ["-l"]),
    *(["-c", "2"], ["-Xv"], ["-#Xttttt"]),
]


@pytest.mark.parametrize("form", FORMS, ids=" ".join)
def test_lines_are_tcpdumps(form):
    words = ["-n", *form, "-r", TLS, "tcp port 443"]
    ours, theirs = nmdump(*words), tcpdump(*words)
    assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status)
    assert ours.out


@pytest.mark.parametrize("size", [1, 2, 13, 14, 15, 30, 31, 47])
@pytest.mark.parametrize("form", ["-x", "-xx", "-X", "-XX", "-A", "-AA"])
def test_dumps_of_every_length_are_tcpdumps(tmp_path, size, form):
    path = tmp_path / "x.pcap"
    with nmpcap.open_dead(nmpcap.DLT_EN10MB) as handle, handle.dump_open(path, nano=False) as writer:
        for first in (0, 32, 96, 127, 250):
            payload = bytes((first + at) % 256 for at in range(size))
            writer.write(bytes(12) + b"\x88\xb5" + payload, ts_ns=0)
    words = ["-nt", form, "-r", str(path)]
    ours, theirs = nmdump(*words), tcpdump(*words)
    assert ours.out == theirs.out


def test_colors_leave_the_text_as_it_is():
    plain = nmdump("-n", "-r", TLS, "tcp or arp")
    assert b"\x1b" not in plain.out
    colored = nmdump("-n", "--color=always", "-r", TLS, "tcp or arp")
    assert re.sub(rb"\x1b\[\d+m", b"", colored.out) == plain.out
    assert colored.out.count(b"\x1b") >= 4 * plain.out.count(b"\n")
    assert nmdump("-n", "--color", "-r", TLS, "tcp or arp").out == plain.out  # auto, and no terminal


@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_has_colors_and_no_color_is_respected(no_color):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm"}
    with subprocess.Popen(
        [NMDUMP, "--color=auto", "-ntr", TLS, "-c", "1"],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=environment,
    ) as program:
        program.communicate(timeout=60)
    shown = os.read(ours, 1000)
    os.close(ours)
    os.close(theirs)
    assert (b"\x1b" in shown) == (not no_color)


def test_a_terminal_that_goes_away_ends_it_in_silence():
    ours, theirs = pty.openpty()
    with subprocess.Popen([NMDUMP, "-XXvr", TLS, "-l"], stdout=theirs, stderr=theirs) as program:
        os.close(theirs)
        os.read(ours, 10)
        os.close(ours)
        assert program.wait(timeout=60) in (0, 1)


def test_a_link_type_without_a_printer_is_refused(tmp_path):
    path = tmp_path / "x.pcap"
    with nmpcap.open_dead(147) as handle, handle.dump_open(path) as writer:
        writer.write(bytes(20))
    ours = nmdump("-r", str(path))
    assert ours.status == 1
    assert ours.out == b""
    assert ours.err.endswith("PROGRAM: packet printing is not supported for link type USER0: use -w\n")
    assert nmdump("-r", str(path), "-w", str(tmp_path / "y.pcap")).status == 0


def test_progress_tells_packets_bytes_rate_and_time_left():
    from nmpcap.cli.progress import line

    assert line(1200, 40_000_000, 100_000_000, 2.0) == "1200 packets, 40 of 100 MB, 20 MB/s, 3 s left"
    assert line(1, 40_000_000, None, 2.0) == "1 packet, 40 MB, 20 MB/s"
    assert line(0, 0, 0, 0.0) == "0 packets, 0 of 0 MB, 0 MB/s"
