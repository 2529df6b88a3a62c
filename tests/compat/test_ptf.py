"""Ports of ptf and oftest: as both make them, and in ptf itself."""

from __future__ import annotations

import importlib.util
import os
import re
import select
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from nmpcap.compat.ptf import Port, platform_folder

import nmpcap

from .captures import FRAMES, PLAIN, datagram

PATIENCE = 10
FRAME = datagram(7, 9, bytes(30))
EXAMPLES = "NMPCAP_PTF_SDIST"  # a folder that ptf's sdist has been unpacked to
TEST = """
import ptf
from ptf import testutils
from ptf.base_tests import BaseTest


class Forwarded(BaseTest):
    def setUp(self):
        self.dataplane = ptf.dataplane_instance
        self.dataplane.flush()

    def runTest(self):
        packet = testutils.simple_udp_packet(pktlen=200)
        testutils.send_packet(self, (0, 1), packet)
        testutils.verify_packet(self, packet, (1, 1))
        assert self.dataplane.get_mac(0, 1).count(":") == 5
        self.dataplane.port_down(1, 1)
        testutils.send_packet(self, (0, 1), packet)
        testutils.verify_no_packet(self, packet, (1, 1))
        self.dataplane.port_up(1, 1)
        for number in range(60):
            testutils.send_packet(self, (0, 1), testutils.simple_udp_packet(pktlen=100 + number))
        for number in range(60):
            testutils.verify_packet(self, testutils.simple_udp_packet(pktlen=100 + number), (1, 1))
        testutils.verify_no_other_packets(self, 1)
"""


def test_a_port_of_ptf_tells_where_a_packet_came_from(switch):
    one, other = Port(f"{switch}:a", 0, 1, {"socket_recv_size": 40}), Port(f"{switch}:b", 2, 3, {})
    assert one.get_packet_source() is one
    assert other.send(bytearray(FRAME)) == len(FRAME)
    assert select.select([one, other], [], [], PATIENCE)[0] == [one]
    device, port, data, time = one.recv()
    assert (device, port, data) == (0, 1, FRAME[:40])
    assert time > 1.7e9
    assert one.recv() is None
    assert one.send(FRAME) == len(FRAME)
    assert other.recv()[:3] == (2, 3, FRAME)
    assert (one.nn_counters(), other.nn_counters()) == ((1, 1), (1, 1))
    one.close()
    other.close()


def test_a_port_of_oftest_gives_bytes_and_time(switch):
    one, other = Port(f"{switch}:a", 1), Port(f"{switch}:b", 2)
    assert (one.port_number, other.port_number) == (1, 2)
    assert one.inject(FRAME) == len(FRAME)
    data, time = other.recv()
    assert data == FRAME
    assert time > 1.7e9
    one.close()
    other.close()


def test_a_descriptor_stays_readable_as_long_as_packets_wait(switch):
    """ptf receives one packet each time that select says so."""
    one, other = Port(f"{switch}:a", 0, 1), Port(f"{switch}:b", 0, 2)
    for _ in range(300):
        one.send(FRAME)
    received = 0
    while select.select([other], [], [], 0)[0]:
        received += other.recv() is not None
    assert received == 300
    one.close()
    other.close()


def test_a_port_that_is_down_neither_sends_nor_receives(switch):
    one, other = Port(f"{switch}:a", 0, 1), Port(f"{switch}:b", 0, 2)
    one.down()
    with pytest.raises(nmpcap.DeviceError, match=f"{switch}:a: sending while it is down"):
        one.send(FRAME)
    other.send(FRAME)
    assert one.recv() is None
    one.up()
    other.send(FRAME)
    assert one.recv()[2] == FRAME
    one.close()
    other.close()


def test_a_closed_port_lets_go_and_says_so(switch):
    port = Port(f"{switch}:a", 0, 1)
    port.close()
    port.close()
    assert nmpcap.vale.list_ports(switch) == []
    for method in (port.recv, port.fileno):
        with pytest.raises(nmpcap.DeviceError, match="this port has been closed"):
            method()
    forgotten = Port(f"{switch}:b", 0, 1)
    del forgotten
    assert nmpcap.vale.list_ports(switch) == []


def test_addresses_are_an_interfaces_own_or_made_up(switch):
    one, other = Port(f"{switch}:a", 0, 1), Port(f"{switch}:b", 0, 2)
    assert re.fullmatch(r"02(:[0-9a-f]{2}){5}", one.mac())
    assert one.mac() != other.mac()
    assert one.mac() == one.mac().decode("ascii")  # type: ignore[attr-defined]
    one.close()
    other.close()


def test_a_savefile_ends(tmp_path):
    (tmp_path / "a.pcap").write_bytes(PLAIN)
    port = Port(f"file:{tmp_path}/a.pcap", 0, 1)
    assert [port.recv()[2] for _ in FRAMES] == FRAMES
    with pytest.raises(EOFError):
        port.recv()
    port.close()


# ---- ptf itself ----------------------------------------------------------------------


def ptf(folder: Path, *interfaces: str) -> tuple[int, str]:
    """Run ptf with the tests in a folder: status and all that it said."""
    if importlib.util.find_spec("ptf") is None:
        pytest.skip("no ptf; to run it: pip install ptf")
    with tempfile.TemporaryDirectory() as cwd:
        done = subprocess.run(
            [
                *(sys.executable, Path(sys.executable).parent / "ptf", "--allow-user"),
                *("--platform-dir", platform_folder(), "-P", "nmpcap_ports", "--test-dir", folder),
                *(word for interface in interfaces for word in ("-i", interface)),
            ],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
    return done.returncode, done.stdout


def test_ptf_runs_on_ports_of_a_switch(tmp_path, switch):
    (tmp_path / "forwarded.py").write_text(TEST)
    status, said = ptf(tmp_path, f"0-1@{switch}:a", f"1-1@{switch}:b")
    assert status == 0, said
    assert "Ran 1 test" in said


def test_ptfs_own_examples(switch):
    if EXAMPLES not in os.environ:
        pytest.skip(f"ptf's examples are in its sdist only; to run it: unpack that, {EXAMPLES}=its folder")
    interfaces = [f"0-1@{switch}:a", f"1-1@{switch}:b", *(f"1-{i}@{switch}x:{i}" for i in (0, 2, 3))]
    status, said = ptf(Path(os.environ[EXAMPLES]) / "ptf_nn" / "ptf_nn_test", *interfaces)
    assert status == 0, said
    assert "Ran 11 tests" in said
