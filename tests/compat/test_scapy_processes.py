"""scapy between two processes, as an ordinary user: nothing is lost, from the first packet on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("scapy", reason="to run it: pip install scapy")

MAC = "02:00:00:00:00:77"
PATIENCE = 10

PEER = """
import os, sys
import nmpcap.compat.scapy, nmpcap.compat._scapy.sockets
nmpcap.compile("ip")
from scapy.all import *
if os.geteuid() == 0:
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
conf.verb = 0
def ready():
    print("ready", flush=True)
"""
SNIFFER = """
for _ in range({rounds}):
    found = sniff(iface={port!r}, count={count}, timeout=10, started_callback=ready)
    print(*[p[UDP].sport for p in found], flush=True)
"""
SENDER = """
frames = [Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01") / IP(src="10.0.0.1", dst="10.0.0.2")
          / UDP(sport=1000 + i, dport=9) / bytes(20) for i in range({count})]
for _ in sys.stdin:
    sendp(frames, iface={port!r})
    ready()
"""
HOST = """
def answer(p):
    if ARP in p and p[ARP].op == 1:
        who = ARP(op=2, psrc=p[ARP].pdst, hwsrc="{mac}", pdst=p[ARP].psrc, hwdst=p.src)
        s.send(Ether(dst=p.src, src="{mac}") / who)
s = resolve_iface({port!r}).l2socket()(iface={port!r})
last = lambda p: p.dst == "02:00:00:00:00:ff"
sniff(opened_socket=s, prn=answer, store=False, started_callback=ready, stop_filter=last)
"""
ASKER = """
for _ in range({rounds}):
    question = Ether(dst="ff:ff:ff:ff:ff:ff", src="02:00:00:00:00:01") / ARP(pdst="10.9.0.2", psrc="10.9.0.1")
    answer = srp1(question, iface={port!r}, timeout=10)
    print(answer and answer[ARP].hwsrc, flush=True)
sendp(Ether(dst="02:00:00:00:00:ff", src="02:00:00:00:00:01"), iface={port!r})
"""


@pytest.fixture
def peer(runtime_dir) -> Iterator[Any]:
    """Starts a program of scapy's in a process of its own, as an ordinary user."""
    if os.geteuid() == 0:
        os.chown(runtime_dir, 65534, 65534)
    running = []

    def start(program: str, **values: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PEER + program.format(**values)],
            cwd=tempfile.gettempdir(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            stream.close()


@pytest.mark.parametrize("kind", ["switch", "pipe"])
def test_between_processes_none_is_lost_at_the_start(peer, switch, pipe_name, kind):
    rounds, count = 150, 3
    there, here = (f"{switch}:b", f"{switch}:a") if kind == "switch" else pipe_name("1")
    sniffer = peer(SNIFFER, port=there, rounds=rounds, count=count)
    sender = peer(SENDER, port=here, count=count)
    for _ in range(rounds):
        assert sniffer.stdout.readline() == "ready\n"
        sender.stdin.write("go\n")
        sender.stdin.flush()
        assert sniffer.stdout.readline() == "1000 1001 1002\n"
        assert sender.stdout.readline() == "ready\n"
    sender.stdin.close()
    assert (sniffer.wait(PATIENCE), sender.wait(PATIENCE)) == (0, 0)


def test_srp1_gets_its_answer_from_another_process_each_time(peer, switch):
    rounds = 100
    host = peer(HOST, port=f"{switch}:b", mac=MAC)
    assert host.stdout.readline() == "ready\n"
    asker = peer(ASKER, port=f"{switch}:a", rounds=rounds)
    assert [asker.stdout.readline() for _ in range(rounds)] == [f"{MAC}\n"] * rounds
    assert (asker.wait(PATIENCE), host.wait(PATIENCE)) == (0, 0)
