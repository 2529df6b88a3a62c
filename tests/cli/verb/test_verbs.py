"""The verbs from a shell: what they print, their statuses, and one line for what is wrong."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nmpcap
from nmpcap import Packet, vale

UDP = bytes(12) + b"\x08\x00\x45" + bytes(8) + b"\x11" + bytes(36)
ARP = bytes(12) + b"\x08\x06" + bytes(46)
BEGIN = 1_700_000_000 * 10**9


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMPCAP_NETMAP", "user")


def start(*words: str, **keywords: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "nmpcap", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        **keywords,  # type: ignore[call-overload]
    )


def run(*words: str) -> tuple[int, str, str]:
    process = start(*words)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def printed(*words: str) -> list[str]:
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    return out.splitlines()


def refused(*words: str) -> str:
    """What is said, which is one line, status 1."""
    status, out, err = run(*words)
    assert (status, out) == (1, ""), err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1, err
    return err


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with nmpcap.open_writer(tmp_path / "in.pcap", nano=True) as writer:
        for i in range(100):
            writer.write(Packet(ARP if i % 4 == 0 else UDP, BEGIN + i * 1_000_000))
    return tmp_path / "in.pcap"


# ---- vale ------------------------------------------------------------------------------


def test_switches_by_words() -> None:
    assert printed("vale", "create", "p", "--tx-slots", "64", "--rx-slots", "32") == [
        "tx_slots 64 rx_slots 32 tx_rings 1 rx_rings 1"
    ]
    assert printed("vale", "attach", "vale7:p") == ["port_index: 0"]
    assert printed("vale", "list") == ["vale7:p  switch, in use"]
    assert printed("vale", "list", "vale7") == ["vale7:p bridge_idx 0 port_idx 0"]
    with nmpcap.open("vale7:a") as port:
        port.inject(b"\xff" * 6 + b"\2\0\0\0\0\1" + UDP[12:])
        assert printed("vale", "stats", "vale7:a") == [
            "vale7:a  sent 1 received 0 forwarded 0 flooded 1 discarded 0 dropped 0"
        ]
        counted = [json.loads(line) for line in printed("vale", "stats", "--json")]
        assert {port["port"] for port in counted} == {"vale7:a", "vale7:p"}
    assert printed("vale", "detach", "vale7:p") == ["port_index: 0"]
    assert printed("vale", "destroy", "p") == []
    assert printed("vale", "list") == []


def test_switches_by_vale_ctls_letters() -> None:
    assert printed("vale", "-n", "p", "-C", "64,32") == []
    assert printed("vale", "-v", "-a", "vale7:p") == ["port_index: 0"]
    assert printed("vale", "-l") == printed("vale", "-l", "") == ["vale7:p bridge_idx 0 port_idx 0"]
    assert printed("vale", "-l", "vale7:p") == ["bridge_idx: 0", "port_idx:   0"]
    lines = printed("vale", "-g", "vale7:p")
    assert [line[:12].strip() for line in lines] == [
        "memsize:",
        "tx_slots:",
        "rx_slots:",
        "tx_rings:",
        "rx_rings:",
        "mem_id:",
    ]
    assert lines[1][12:] == "64"
    assert printed("vale", "-d", "vale7:p") == []
    assert printed("vale", "-r", "p") == []


def test_switches_that_cannot_be() -> None:
    status, out, err = run("vale", "-d", "vale7:nobody")
    assert (status, out) == (1, "")
    assert err.startswith("failed to detach vale7:nobody: No such device or address\n")
    assert "there is no such port" in refused("vale", "detach", "vale7:nobody")
    assert "invalid choice" in refused("vale", "destory", "p")
    assert "required" in refused("vale")
    assert refused("vale", "-n", "a", "-r", "b")


# ---- filter, devices, parameters ---------------------------------------------------------


def test_a_filter_is_explained_printed_and_judged(file: Path) -> None:
    assert (
        printed("filter", "-ddd", "udp", "port", "53")
        == nmpcap.compile("udp port 53").image("ddd").splitlines()
    )
    assert printed("filter", "udp or arp")[0] == "udp or arp"
    assert "--- graph" in printed("filter", "--stages", "arp")
    assert printed("filter", "-r", str(file), "arp")[0].startswith("25 of 100 packets match; ")
    assert json.loads(printed("filter", "--json", "-r", str(file), "arp")[0])["matched"] == 25


def test_filters_that_cannot_be(file: Path) -> None:
    status, _, err = run("filter", "udpp port 53")
    assert status == 1
    assert "^" in err.splitlines()[-1]
    assert "invalid data link type NONE" in refused("filter", "-y", "NONE", "arp")
    assert "three times" in refused("filter", "-dddd", "arp")
    assert "No such file" in refused("filter", "-r", str(file) + ".none", "arp")


def test_devices_are_listed() -> None:
    with nmpcap.open("vale7:a"):
        listed = [json.loads(line) for line in printed("devices", "--json")]
        names = {device["name"] for device in listed}
        assert {"vale7:a", "lo"} <= names
        lo = next(device for device in listed if device["name"] == "lo")
        assert "127.0.0.1" in lo["addresses"] or "up" not in lo["state"]
        assert any(line.startswith("vale7:a ") for line in printed("devices"))


def test_parameters_are_shown_and_set() -> None:
    assert "max_bridges = 8" in printed("parameters")
    assert printed("parameters", "bridge_batch=77", "bridge_batch") == ["bridge_batch = 77"] * 2
    assert vale.get_parameter("bridge_batch") == 77
    vale.set_parameter("bridge_batch", 1024)
    assert "not a number" in refused("parameters", "bridge_batch=many")
    assert "can be read" in refused("parameters", "max_bridges=9")
    assert "there is none" in refused("parameters", "nonsense")


# ---- replay ------------------------------------------------------------------------------


def test_replay(file: Path) -> None:
    with nmpcap.open("netmap:r{1"), nmpcap.open("netmap:r}1") as end:
        status, out, err = run("replay", "-i", "netmap:r{1", "-x", "2", str(file))
        assert (status, err) == (0, "")
        lines = out.splitlines()
        assert lines[0].startswith("Actual: 100 packets (6000 bytes) sent in 0.0")
        assert lines[2:4] == ["Statistics for network device: netmap:r{1", "\tSuccessful packets:        100"]
        assert lines[-1].startswith("Late: p50 ")
        assert sum(end.next(timeout=1) is not None for _ in range(100)) == 100
        report = json.loads(run("replay", "-i", "netmap:r{1", "-t", "-L", "30", "--json", str(file))[1])
        assert (report["sent"], report["rounds"]) == (30, 1)


def test_replays_that_cannot_be(file: Path) -> None:
    assert "not allowed with" in refused("replay", "-i", "netmap:r{1", "-x", "2", "-t", str(file))
    assert "unit 'furlongs'" in refused("replay", "-i", "netmap:r{1", "-R", "5furlongs", str(file))
    assert "No such file" in refused("replay", "-i", "netmap:r{1", str(file) + ".none")
    assert "required" in refused("replay", str(file))
    assert refused("replay", "-i", "nosuchport", str(file))


# ---- link --------------------------------------------------------------------------------


def test_a_link_over_a_savefile(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    lines = printed(
        "link", "--apply", str(file), str(out), "loss=50%", "delay=10ms", "--seed", "3", "--filter", "arp"
    )
    assert lines[0] == "there: loss=50% delay=10ms"
    assert lines[1].startswith("  25 offered, ")
    with nmpcap.open_offline(out) as packets:
        assert 75 <= sum(1 for _ in packets) < 100


def test_a_link_between_two_ports_until_ctrl_c(tmp_path: Path) -> None:
    """In a terminal of its own, as people have it."""
    profile = tmp_path / "profile"
    profile.write_text("# up after a moment\n0.2 there loss=0\n0.2 back delay=5ms  # and slow back\n")
    master, slave = pty.openpty()
    with nmpcap.open("netmap:l1{1") as a, nmpcap.open("netmap:l2{1", timeout=20) as b:
        process = start(
            *("link", "netmap:l1}1", "netmap:l2}1", "down=yes", "--json", "--period", "0.1"),
            *("--profile", str(profile), "--trace", str(tmp_path / "trace")),
            stdin=slave,
            start_new_session=True,
        )
        until = time.monotonic() + 20
        got = None
        while got is None and time.monotonic() < until:
            a.inject(UDP)
            got = b.next(timeout=0.1)
        assert got is not None
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    os.close(master)
    os.close(slave)
    assert process.returncode == 0, err
    there, back = (json.loads(line) for line in out.splitlines())
    assert there["direction"], back["direction"] == ("there", "back")
    assert there["sent"] >= 1
    assert there["offered"] == there["down"] + there["delivered"]
    assert back["configured"] == {"delay": "5ms"}
    assert "there " in err
    assert len((tmp_path / "trace.there").read_text().splitlines()) == there["offered"]


def test_links_that_cannot_be(file: Path, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    profile.write_text("0 loss=1%\n\n5 los=2%\n")
    assert "line 3: impairments: 'los' is none" in refused("link", "a", "b", "--profile", str(profile))
    assert "write it as NAME=VALUE" in refused("link", "a", "b", "loss")
    assert "neither yes nor no" in refused("link", "a", "b", "down=maybe")
    assert "unit 'furlongs'" in refused("link", "a", "b", "there", "rate=5furlongs")
    assert refused("link", "nosuchport", "norhere", "loss=1%")
    assert "No such file" in refused("link", "--apply", str(file) + ".none", str(tmp_path / "out.pcap"))
    assert not (tmp_path / "out.pcap").exists()


# ---- all ---------------------------------------------------------------------------------


def test_every_verb_has_help() -> None:
    for verb in ("link", "replay", "gen", "sink", "vale", "devices", "filter", "parameters"):
        lines = printed(verb, "--help")
        assert lines[0].startswith(f"usage: nmpcap {verb}")
        assert f"  {verb} " in "\n".join(printed("--help"))


def test_a_reader_that_goes_away() -> None:
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run(
        [sys.executable, "-m", "nmpcap", "parameters"],
        stdout=write,
        stderr=subprocess.PIPE,
        cwd="/",
        check=False,
    )
    os.close(write)
    assert (process.returncode, process.stderr) == (14, b"")
