"""``nmpcap gen`` and ``nmpcap sink`` from a shell: pkt-gen's lines, Ctrl-C, one line for what is wrong."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

import nmpcap
from nmpcap import Packet

from .test_verbs import refused, run, start


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMPCAP_NETMAP", "user")


def test_from_one_to_the_other() -> None:
    taker = start("sink", "-i", "netmap:g}1", "-f", "rxseq", "-n", "5000", "--json")
    with nmpcap.open("netmap:g}1"):  # the port is there, whoever comes first
        status, out, err = run("gen", "-i", "netmap:g{1", "-f", "txseq", "-n", "5000", "-6", "-l", "100")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert re.fullmatch(r"Sending on netmap:g\{1: 1 queues, 1 threads and \d+ cpus\.", lines[0])
    assert lines[1] == "fd00::1 -> fd00::2 (02:00:00:00:00:01 -> ff:ff:ff:ff:ff:ff)"
    assert re.fullmatch(
        r"Sent 5000 packets 500000 bytes \d+ events 100 bytes each in \d+\.\d\d seconds\.", lines[2]
    )
    assert re.fullmatch(
        r"Speed: [\d.]+ [KMGT]?pps Bandwidth: [\d.]+ [KMGT]?bps \(raw [\d.]+ [KMGT]?bps\)\. "
        r"Average batch: [\d.]+ pkts",
        lines[3],
    )
    received = json.loads(taker.communicate(timeout=60)[0])
    assert (received["received"], received["bytes"], received["missing"]) == (5000, 500_000, 0)


def test_ctrl_c_prints_the_closing_lines() -> None:
    with nmpcap.open("vale5:b"):
        sender = start("gen", "-i", "vale5:a", "-R", "100", "-T", "50")
        taker = start("sink", "-i", "vale5:c", "-T", "50")
        for process in (sender, taker):
            assert process.stderr is not None
            line = process.stderr.readline()
            assert re.fullmatch(
                r"\d{3}\.\d{6} main_thread \[1\] [\d.]+ [KMGT]?pps \([\d.]+ [KMGT]?pkts [\d.]+ [KMGT]?bps "
                r"in \d+ usec\) [\d.]+ avg_batch \d+ min_space\n",
                line,
            ), line
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
            assert process.returncode == 0, err
            assert "Traceback" not in err
            assert re.search(r"^(Sent|Received) (nothing|\d+ packets .*)\.$", out, re.MULTILINE)


def test_a_frame_of_a_file_or_of_hex(tmp_path: Path) -> None:
    with nmpcap.open_writer(tmp_path / "one.pcap") as writer:
        writer.write(Packet(bytes(range(64))))
    with nmpcap.open("netmap:g}1") as end:
        for words in (("-P", str(tmp_path / "one.pcap")), ("--hex", bytes(range(64)).hex())):
            assert run("gen", "-i", "netmap:g{1", "-n", "1", *words)[0] == 0
            assert bytes(end.next(timeout=5) or b"") == bytes(range(64))


def test_what_cannot_be() -> None:
    port = ("-i", "netmap:g{1")
    assert "size" in refused("gen", *port, "-l", "10")
    assert "unit 'furlongs'" in refused("gen", *port, "-R", "5furlongs")
    assert "addresses" in refused("gen", *port, "-s", "10.0.0")
    assert "do not go together" in refused("gen", *port, "-6", "-s", "10.0.0.1")
    assert "Ethernet address" in refused("gen", *port, "-D", "ff:ff")
    assert "invalid choice" in refused("sink", *port, "-f", "tx")
    assert "No such file" in refused("gen", *port, "-P", "/nonexistent.pcap")
    assert refused("sink", "-i", "nosuchport")
