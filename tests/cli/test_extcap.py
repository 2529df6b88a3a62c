"""extcap: the contract call by call, its program's place, and tshark itself."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nmpcap
from nmpcap.cli.extcap import command, place
from nmpcap.cli.extcap.control import Control

from ..compat.captures import FRAMES, PLAIN, datagram

PATIENCE = 20
EXTCAP = [str(Path(sys.executable).parent / "nmpcap"), "extcap"]
DNS, OTHER = datagram(1000, 53, bytes(20)), datagram(1001, 99, bytes(20))


def call(capsys, *words: str) -> tuple[int, list[str], str]:
    status = command.main(words)
    told = capsys.readouterr()
    return status, told.out.splitlines(), told.err


def fields(line: str) -> dict[str, str]:
    """A sentence's values, read as Wireshark's parser does: one ends at a brace before a brace or the end."""
    return dict(re.findall(r"\{([a-zA-Z_-]*?)=(.*?)\}(?=\{|$|\s)", line))


@pytest.fixture
def traffic(switch) -> Iterator[Callable[[], None]]:
    """Two ports of a switch, and what sends two frames from b to a."""
    with nmpcap.open(f"{switch}:a") as a, nmpcap.open(f"{switch}:b") as b:

        def send() -> None:
            assert b.inject_many([DNS, OTHER]) == 2
            while a.next(timeout=0) is not None:
                pass

        yield send


# ---- the contract --------------------------------------------------------------------


def test_interfaces_are_the_ports_that_exist_and_their_switches(capsys, switch, pipe_name):
    master, slave = pipe_name("1")
    with nmpcap.open(f"{switch}:a"), nmpcap.open(master), nmpcap.open(slave):
        status, lines, error = call(capsys, "--extcap-interfaces", "--extcap-version=4.0")
    assert (status, error) == (0, "")
    assert lines[0].startswith("extcap {version=")
    assert [line.partition(" ")[0] for line in lines[1:]] == ["interface"] * 5
    assert [fields(line)["value"] for line in lines[1:]] == [switch, f"{switch}:a", master, slave, "nmpcap"]
    assert all(fields(line)["display"] for line in lines[1:])


def test_link_types_and_version(capsys):
    told = call(capsys, "--extcap-dlts", "--extcap-interface", "vale0:a")
    assert told == (0, ["dlt {number=1}{name=EN10MB}{display=Ethernet}"], "")
    assert call(capsys, "--extcap-version", "4.2")[1][0].startswith("extcap {version=")


@pytest.mark.parametrize(
    ("interface", "calls"),
    [
        ("vale0", ["--snaplen", "--runtime-dir"]),
        ("vale0:a", ["--snaplen", "--runtime-dir", "--how"]),
        ("nmpcap", ["--snaplen", "--runtime-dir", "--how", "--port"]),
    ],
)
def test_every_option_that_is_offered_is_taken(capsys, tmp_path, interface, calls):
    status, lines, _ = call(capsys, "--extcap-config", "--extcap-interface", interface)
    args = [fields(line) for line in lines if line.startswith("arg ")]
    assert (status, [arg["call"] for arg in args]) == (0, calls)
    values = [fields(line) for line in lines if line.startswith("value ")]
    assert {value["arg"] for value in values} <= {arg["number"] for arg in args}
    given = [word for arg in args for word in (arg["call"], arg.get("default", ""))]
    status, _, error = call(capsys, "--extcap-capture-filter", "ip", "--extcap-interface", interface, *given)
    assert (status, error) == (0, "")


def test_an_option_is_reloaded(capsys):
    words = ("--extcap-config", "--extcap-interface", "vale0:a", "--extcap-reload-option")
    _, lines, _ = call(capsys, *words, "how")
    assert [fields(line)["value"] for line in lines] == ["auto", "monitor", "port"]
    assert call(capsys, *words, "snaplen") == (0, [], "")


@pytest.mark.parametrize(
    ("text", "first"),
    [("udp port 53", []), ("", []), ("udp prt 53", ["can't parse filter expression: syntax error"])],
)
def test_a_filter_is_checked_as_it_is_typed(capsys, text, first):
    status, lines, error = call(capsys, "--extcap-interface", "vale0:a", "--extcap-capture-filter", text)
    assert (status, error) == (0, "")
    assert [line[: len(start)] for line, start in zip(lines, first, strict=False)] == first
    assert bool(lines) == bool(first)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--extcap-dlts",), "which interface? --extcap-interface NAME"),
        (("--extcap-config",), "which interface? --extcap-interface NAME"),
        (("--capture", "--extcap-interface", "vale0:a"), "vale0:a: where to? --fifo PATH"),
        (("--capture", "--extcap-interface", "nmpcap", "--fifo", "x"), "which port?"),
        (("--no-such",), "--no-such: not an option"),
        (("--extcap-of-the-future",), "none of extcap's calls"),
    ],
)
def test_what_is_no_call_is_one_line(capsys, words, line):
    status, lines, error = call(capsys, *words)
    assert (status, lines, error.count("\n")) == (1, [], 1)
    assert error.startswith(f"nmpcap extcap: {line}")


def test_words_of_newer_versions_are_passed_over(capsys):
    assert call(capsys, "--extcap-interfaces", "--extcap-of-the-future", "--extcap-x=y")[0] == 0


# ---- capturing -----------------------------------------------------------------------


class Running:
    """A capture into a fifo, in a process of its own."""

    def __init__(self, folder: Path, interface: str, *words: str) -> None:
        self.fifo = folder / "fifo"
        os.mkfifo(self.fifo)
        self.process = subprocess.Popen(
            [*EXTCAP, "--capture", "--extcap-interface", interface, "--fifo", str(self.fifo), *words],
            cwd=tempfile.gettempdir(),
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str]:
        try:
            _, error = self.process.communicate(timeout=PATIENCE)
        finally:
            self.process.kill()
        return self.process.returncode, error


Found = list[tuple[bytes, str | None]]


def read_until(file, send: Callable[[], None], enough: Callable[[Found], bool]) -> Found:
    """Packets that come through a fifo while traffic goes on, with the names of their interfaces."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            send()
            time.sleep(0.02)

    sender = threading.Thread(target=go_on)
    sender.start()
    try:
        with nmpcap.open_offline(file) as capture:
            found: Found = []
            for packet in capture:
                found.append((packet.data, capture.interfaces[packet.interface].name))
                if enough(found):
                    return found
            return found
    finally:
        stop.set()
        sender.join()


@pytest.mark.parametrize("end", ["SIGTERM", "EPIPE"])
def test_a_port_is_captured_from_filtered_until_there_is_enough(tmp_path, switch, traffic, end):
    running = Running(tmp_path, f"{switch}:a", "--extcap-capture-filter", "udp port 53", "--snaplen", "50")
    with running.fifo.open("rb", buffering=0) as file:
        found = read_until(file, traffic, lambda found: len(found) == 5)
        assert found == [(DNS[:50], f"{switch}:a/rt")] * 5
        if end == "SIGTERM":
            running.process.send_signal(signal.SIGTERM)
    assert running.end() == (0, "")


def test_a_switch_is_all_of_its_ports_those_that_come_later_too(tmp_path, switch, traffic):
    late_frame = datagram(7, 7)
    with contextlib.ExitStack() as stack:
        running = Running(tmp_path, switch)
        file = stack.enter_context(running.fifo.open("rb", buffering=0))
        late: list[nmpcap.Capture] = []

        def send() -> None:
            traffic()
            if not late:
                late.append(stack.enter_context(nmpcap.open(f"{switch}:late")))
            late[0].inject(late_frame)
            while late[0].next(timeout=0) is not None:
                pass

        expected = {(DNS, f"{switch}:b/t"), (OTHER, f"{switch}:b/t"), (late_frame, f"{switch}:late/t")}
        assert read_until(file, send, lambda found: set(found) == expected)
        running.process.send_signal(signal.SIGTERM)
        assert running.end() == (0, "")


def test_a_port_that_nobody_has_is_opened_itself(tmp_path, switch):
    running = Running(tmp_path, "nmpcap", "--port", f"{switch}:new")
    with running.fifo.open("rb", buffering=0) as file, nmpcap.open(f"{switch}:b") as b:
        assert read_until(file, lambda: b.inject(DNS), bool) == [(DNS, f"{switch}:new")]
    assert running.end() == (0, "")


def test_a_savefile_ends(tmp_path):
    (tmp_path / "a.pcap").write_bytes(PLAIN)
    running = Running(tmp_path, "nmpcap", "--port", f"file:{tmp_path}/a.pcap")
    with running.fifo.open("rb", buffering=0) as file, nmpcap.open_offline(file) as capture:
        assert [packet.data for packet in capture] == FRAMES
    assert running.end() == (0, "")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--port", "nosuch0"), "nosuch0: "),
        (("--port", "vale0:nobody", "--how", "monitor"), "vale0:nobody/rt: "),
        (("--port", "vale0:x", "--extcap-capture-filter", "udp prt"), "can't parse filter expression: "),
    ],
)
def test_what_cannot_be_captured_is_told_on_stderr(tmp_path, words, line):
    status, error = Running(tmp_path, "nmpcap", *words).end()
    assert status == 1
    assert error.startswith(f"nmpcap extcap: {line}")


def test_control_pipes_are_told_of_counts_and_errors(tmp_path):
    inward, outward = tmp_path / "in", tmp_path / "out"
    os.mkfifo(inward)
    os.mkfifo(outward)
    reader = os.open(outward, os.O_RDONLY | os.O_NONBLOCK)
    with Control(str(inward), str(outward)) as control:
        control.status("5 packets")
        control.error("ü" * 5000)
        assert os.read(reader, 15) == b"T\0\0\x0b\0\x06" + b"5 packets"
        assert os.read(reader, 6) == b"T\0\x10\x02\0\x09"
        os.close(reader)
        control.status("nobody hears it")
    running = Running(tmp_path, "nmpcap", "--port", "nosuch0", "--extcap-control-out", str(outward))
    with outward.open("rb", buffering=0) as file:
        told = file.read()
    assert running.end()[0] == 1
    assert told[4:6] == b"\0\x09"
    assert b"nosuch0" in told


# ---- the program's place -------------------------------------------------------------


def test_the_program_is_put_in_place_and_removed(capsys, tmp_path):
    folder = tmp_path / "a $folder"
    assert call(capsys, "install", "--dir", str(folder))[0] == 0
    path = folder / "nmpcap"
    assert os.listdir(folder) == ["nmpcap"]  # no dot: scapy's client runs no other
    told = subprocess.run(
        [path, "--extcap-interfaces"], capture_output=True, text=True, check=True, cwd=tempfile.gettempdir()
    )
    assert told.stdout.startswith("extcap {version=")
    assert call(capsys, "install", "--dir", str(folder))[0] == 0  # anew
    assert call(capsys, "uninstall", "--dir", str(folder)) == (0, [f"removed {path}"], "")
    status, _, error = call(capsys, "uninstall", "--dir", str(folder))
    assert (status, error) == (1, f"nmpcap extcap: nothing is installed in {folder}\n")


def test_what_somebody_else_put_there_is_left_alone(capsys, tmp_path):
    (tmp_path / "nmpcap").write_text("#!/bin/sh\n")
    status, _, error = call(capsys, "install", "--dir", str(tmp_path))
    assert status == 1
    assert "is something else, and is left alone" in error
    assert call(capsys, "uninstall", "--dir", str(tmp_path))[0] == 1
    assert (tmp_path / "nmpcap").read_text() == "#!/bin/sh\n"


@pytest.mark.parametrize(
    ("folders", "system", "where", "known"),
    [
        ("Personal Extcap path:\t{0}/mine\nGlobal Extcap path:\t{0}/ours\n", False, "mine", True),
        ("Personal Extcap path:\t{0}/mine\nGlobal Extcap path:\t{0}/ours\n", True, "ours", True),
        ("Extcap path:         \t{0}/ours\n", False, "ours", True),
        ("Extcap path:         \t{0}/nosuch\n", False, "home/.local/lib/wireshark/extcap", False),
    ],
)
def test_wireshark_is_asked_for_its_folders(monkeypatch, tmp_path, folders, system, where, known):
    (tmp_path / "ours").mkdir()
    fake = tmp_path / "tshark"
    fake.write_text(f"#!/bin/sh\ncat <<'X'\n{folders.format(tmp_path)}X\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", f"{tmp_path}/home")
    monkeypatch.delenv("WIRESHARK_EXTCAP_DIR", raising=False)
    path, looked_at = place.install(system=system)
    assert (path, looked_at) == (tmp_path / where / "nmpcap", known)
    assert place.uninstall() == [path]


# ---- tshark --------------------------------------------------------------------------


@pytest.fixture
def tshark(tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs tshark with the program installed, not as root: root's takes no folder from anybody."""
    if not shutil.which("tshark"):
        pytest.skip("no tshark; to run it: apt-get install tshark")
    other_name = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    if other_name and subprocess.run([*other_name, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces; to run it: test as an ordinary user")
    place.install(tmp_path / "extcap")
    environment = {**os.environ, "HOME": str(tmp_path), "WIRESHARK_EXTCAP_DIR": str(tmp_path / "extcap")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*other_name, "tshark", *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_tshark_lists_ports_and_captures_what_the_filter_lets_through(tshark, switch, pipe_name):
    master, slave = pipe_name("1")
    stop = threading.Event()
    with (
        nmpcap.open(f"{switch}:a") as a,
        nmpcap.open(f"{switch}:b") as b,
        nmpcap.open(master) as sender,
        nmpcap.open(slave) as receiver,
    ):

        def traffic() -> None:
            while not stop.is_set():
                b.inject_many([DNS, OTHER])
                sender.inject_many([DNS, OTHER])
                for port in (a, receiver):
                    while port.next(timeout=0) is not None:
                        pass
                time.sleep(0.02)

        thread = threading.Thread(target=traffic)
        thread.start()
        try:
            listed = tshark("-D")
            assert listed.stderr == ""
            for name in (switch, f"{switch}:a", master, slave, "nmpcap"):
                assert f" {name} (" in listed.stdout
            ports = ["-T", "fields", "-e", "udp.dstport"]
            for interface in (switch, f"{switch}:a", slave):
                found = tshark("-i", interface, "-f", "udp port 99", "-c", "3", *ports)
                assert (found.stdout, interface) == ("99\n" * 3, interface), found.stderr
            found = tshark("-i", "nmpcap", "-o", f"extcap.nmpcap.port:{switch}:b", "-c", "4", *ports)
            assert set(found.stdout.split()) == {"53", "99"}, found.stderr
            refused = tshark("-i", f"{switch}:a", "-f", "udp prt 99", "-c", "3")
            assert "can't parse filter expression: syntax error" in refused.stderr
        finally:
            stop.set()
            thread.join()
