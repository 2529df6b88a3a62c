"""scapy, as it is, on nmpcap's ports: within a process, and between two as an ordinary user."""

from __future__ import annotations

import gc
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import nmpcap

pytest.importorskip("scapy", reason="to run it: pip install scapy")

import nmpcap.compat.scapy
from nmpcap.compat._device_map import VARIABLE
from nmpcap.compat._shared_port import SharedPort
from scapy.config import conf
from scapy.interfaces import resolve_iface
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.sendrecv import AsyncSniffer, bridge_and_sniff, sendp, sniff, sr, sr1, srp, srp1
from scapy.utils import rdpcap

from .captures import FRAMES, PLAIN, datagram

BROADCAST = "ff:ff:ff:ff:ff:ff"
MAC = "02:00:00:00:00:77"
LAST = "02:00:00:00:00:ff"
PATIENCE = 10


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = conf.verb
    conf.verb = 0
    yield
    conf.verb = before
    conf.netcache.flush()
    gc.collect()  # scapy leaves its bridges' sockets to it
    assert SharedPort._open == {}, "sockets were left open"


@contextmanager
def sniffing(**keywords: Any) -> Iterator[AsyncSniffer]:
    """A sniffer that listens when the block begins, and has ended when it is left."""
    started = threading.Event()
    sniffer = AsyncSniffer(started_callback=started.set, **keywords)
    sniffer.start()
    assert started.wait(PATIENCE)
    try:
        yield sniffer
        sniffer.join(PATIENCE if keywords.get("count") or keywords.get("stop_filter") else 0.05)
    finally:
        if sniffer.running:
            sniffer.stop()


@contextmanager
def host(port: str, address: str = "10.9.0.2") -> Iterator[None]:
    """Somebody on a port who answers ARP and pings, with sniff and a socket that is opened once."""

    def answer(packet: Any) -> None:
        if ARP in packet and packet[ARP].op == 1 and packet[ARP].pdst == address:
            who = ARP(op=2, psrc=address, hwsrc=MAC, pdst=packet[ARP].psrc, hwdst=packet.src)
            socket.send(Ether(dst=packet.src, src=MAC) / who)
        elif ICMP in packet and packet[ICMP].type == 8 and packet.dst == MAC:
            body = ICMP(type=0, id=packet[ICMP].id, seq=packet[ICMP].seq) / packet[ICMP].payload
            socket.send(Ether(dst=packet.src, src=MAC) / IP(src=packet[IP].dst, dst=packet[IP].src) / body)

    socket = resolve_iface(port).l2socket()(iface=port)
    with socket, sniffing(opened_socket=socket, prn=answer, store=False):
        yield


def frames(count: int, size: int = 20) -> list[Any]:
    return [Ether(datagram(1000 + i, 53, bytes(size), source="10.0.0.1")) for i in range(count)]


# ---- within a process ----------------------------------------------------------------


def test_what_sendp_sends_sniff_gets(switch):
    sent = frames(50)
    with sniffing(iface=f"{switch}:b", count=50) as sniffer:
        sendp(sent, iface=f"{switch}:a")
    assert [bytes(packet) for packet in sniffer.results] == [bytes(packet) for packet in sent]
    assert all(abs(float(packet.time) - time.time()) < PATIENCE for packet in sniffer.results)
    assert {str(packet.sniffed_on) for packet in sniffer.results} == {f"{switch}:b"}


def test_a_pipe_carries_frames_both_ways_and_none_is_lost_when_the_sender_closes(pipe_name):
    here, there = pipe_name("1")
    with sniffing(iface=there, count=300) as sniffer:
        for _ in range(3):
            sendp(frames(100), iface=here)  # opens and closes it each time
    assert len(sniffer.results) == 300


def test_a_port_is_shared_by_the_sockets_of_a_process(switch):
    """A sniffer on the very port that frames are sent on has those that come in, and those that go out."""
    port = f"{switch}:a"
    with sniffing(iface=port, count=2) as sniffer, host(f"{switch}:b"):
        answer = srp1(
            Ether(dst=BROADCAST, src=MAC[:-2] + "01") / ARP(pdst="10.9.0.2"), iface=port, timeout=PATIENCE
        )
    assert answer[ARP].hwsrc == MAC
    assert [packet[ARP].op for packet in sniffer.results] == [1, 2]


def test_srp_sends_in_one_thread_and_receives_in_another(switch):
    questions = [Ether(dst=BROADCAST) / ARP(pdst=f"10.9.0.{i}", psrc="10.9.0.1") for i in range(1, 21)]
    with host(f"{switch}:b", "10.9.0.2"):
        answered, unanswered = srp(questions, iface=f"{switch}:a", timeout=0.3)
    assert [reply[ARP].psrc for _, reply in answered] == ["10.9.0.2"]
    assert len(unanswered) == 19


def test_layer_3_asks_for_the_neighbour_on_its_own_port(switch):
    port = f"{switch}:a"
    packet = IP(src="10.9.0.1", dst="10.9.0.2") / ICMP(id=7) / b"payload"
    with (
        host(f"{switch}:b"),
        sniffing(iface=port, stop_filter=lambda p: ICMP in p and p[ICMP].type == 0) as sniffer,
    ):
        answer = sr1(packet, iface=port, timeout=PATIENCE)
        packet[ICMP].id = [8, 9]
        answered, _ = sr(packet, iface=port, timeout=PATIENCE)
    assert (answer[IP].src, answer[ICMP].id, bytes(answer[ICMP].payload)) == ("10.9.0.2", 7, b"payload")
    assert [reply[ICMP].id for _, reply in answered] == [8, 9]
    question, _, ping, _ = sniffer.results[:4]
    assert (question.src, question[ARP].pdst) == (resolve_iface(port).mac, "10.9.0.2")
    assert (ping.src, ping.dst) == (resolve_iface(port).mac, MAC)


def test_layer_3_goes_to_all_where_nobody_answers_or_many_are_meant(switch):
    socket = resolve_iface(f"{switch}:a").l3socket()(iface=f"{switch}:a")
    with socket, sniffing(iface=f"{switch}:b", lfilter=lambda p: ARP not in p, count=3) as sniffer:
        socket.send(IP(src="10.9.0.1", dst="255.255.255.255") / UDP())
        socket.send(IP(src="10.9.0.1", dst="224.0.0.251") / UDP())
        socket.send(IPv6(src="fe80::1", dst="ff02::1") / ICMPv6EchoRequest())
    assert [packet.dst for packet in sniffer.results] == [BROADCAST, "01:00:5e:00:00:fb", "33:33:00:00:00:01"]


def test_filters_and_types_choose(switch):
    mixed = [Ether(frame) for frame in FRAMES]
    expected = [bytes(packet) for packet in mixed if UDP in packet and packet[UDP].dport == 53]
    with sniffing(iface=f"{switch}:b", filter="udp dst port 53", count=len(expected)) as sniffer:
        sendp(mixed, iface=f"{switch}:a")
    assert [bytes(packet) for packet in sniffer.results] == expected
    socket = resolve_iface(f"{switch}:b").l2socket()(iface=f"{switch}:b", type=0x0806)
    with socket:
        sendp(mixed, iface=f"{switch}:a")
        assert socket.recv().type == 0x0806
        assert socket.nonblock_recv() is None


def test_a_filter_that_is_none_and_a_socket_that_listens_say_so(switch):
    from scapy.error import Scapy_Exception

    port = f"{switch}:a"
    with pytest.raises(Scapy_Exception, match=r"Cannot set filter: .*syntax error"):
        sniff(iface=port, filter="udp port port", timeout=1)
    with (
        resolve_iface(port).l2listen()(iface=port) as socket,
        pytest.raises(Scapy_Exception, match="sends nothing"),
    ):
        socket.send(frames(1)[0])


def test_except_filter_is_heeded(switch, monkeypatch):
    monkeypatch.setattr(conf, "except_filter", "udp port 1000")
    with sniffing(iface=f"{switch}:b", count=2) as sniffer:
        sendp(frames(3), iface=f"{switch}:a")
    assert [packet[UDP].sport for packet in sniffer.results] == [1001, 1002]


def test_several_ports_at_once_and_other_sockets_among_them(switch, pipe_name):
    from scapy.automaton import ObjectPipe

    here, there = pipe_name("1")
    labels = {f"{switch}:b": "switch", there: "pipe"}
    with sniffing(iface=labels, count=10) as sniffer:
        sendp(frames(5), iface=f"{switch}:a")
        sendp(frames(5), iface=here)
    assert sorted(packet.sniffed_on for packet in sniffer.results) == ["pipe"] * 5 + ["switch"] * 5

    other: Any = ObjectPipe("other")
    with resolve_iface(there).l2socket()(iface=there) as socket:
        with sniffing(opened_socket={socket: "ours", other: "other"}, count=2) as sniffer:
            other.send(frames(1)[0])
            sendp(frames(1), iface=here)
        assert {packet.sniffed_on for packet in sniffer.results} == {"ours", "other"}
    other.close()


def test_a_descriptor_is_readable_while_packets_wait_and_not_longer(switch):
    port = f"{switch}:b"
    one, two = (resolve_iface(port).l2socket()(iface=port) for _ in range(2))
    with one, two:
        assert select.select([one, two], [], [], 0)[0] == []
        sendp(frames(2), iface=f"{switch}:a")
        assert set(select.select([one, two], [], [], PATIENCE)[0]) == {one, two}
        assert [one.recv()[UDP].sport for _ in range(2)] == [1000, 1001]
        assert select.select([two], [], [], 0)[0] == [two]  # taken from the port by the other one
        assert [two.recv()[UDP].sport for _ in range(2)] == [1000, 1001]
        assert select.select([one, two], [], [], 0)[0] == []
        assert one.select([one, two], 0.01) == []


def test_a_long_burst_is_had_to_the_last(pipe_name):
    here, there = pipe_name("1")
    with resolve_iface(there).l2socket()(iface=there) as socket, nmpcap.open(here) as sender:
        frame = bytes(frames(1)[0])
        received = 0
        for _ in range(3):
            assert sender.inject_many([frame] * 1000) == 1000
            while socket.nonblock_recv() is not None:
                received += 1
    assert received == 3000


def test_a_stopped_sniffer_lets_go_and_what_it_had_is_kept(switch):
    with sniffing(iface=f"{switch}:b") as sniffer:
        sendp(frames(3), iface=f"{switch}:a")
    assert len(sniffer.results) == 3
    assert nmpcap.vale.list_ports(switch) == []


def test_a_bridge_takes_frames_from_one_switch_to_another(switch):
    one, two = f"{switch}:bridge", f"{switch}x:bridge"
    stop = threading.Event()

    def change(packet: Any) -> Any:
        packet.src = MAC
        return packet

    bridge = threading.Thread(
        target=bridge_and_sniff,
        args=(one, two),
        kwargs={
            "xfrm12": change,
            "store": False,
            "started_callback": stop.set,
            "stop_filter": lambda p: p.dst == LAST,
        },
    )
    bridge.start()
    assert stop.wait(PATIENCE)
    with sniffing(iface=f"{switch}x:far", count=20) as sniffer:
        sendp(frames(20), iface=f"{switch}:near")
    assert [packet[UDP].sport for packet in sniffer.results] == list(range(1000, 1020))
    assert {packet.src for packet in sniffer.results} == {MAC}
    with sniffing(iface=f"{switch}:near", count=1) as sniffer:
        sendp(frames(1), iface=f"{switch}x:far")
    assert sniffer.results[0].src == "02:00:00:00:00:01"
    sendp(Ether(src=MAC, dst=LAST), iface=f"{switch}:near")
    bridge.join(PATIENCE)
    assert not bridge.is_alive()


# ---- names ---------------------------------------------------------------------------


def test_names_are_interfaces_where_scapy_takes_one(switch, monkeypatch):
    port = f"{switch}:a"
    interface = resolve_iface(port)
    assert (str(interface), interface.is_valid(), interface.provider.name) == (port, True, "nmpcap")
    assert resolve_iface(port) is interface
    assert interface.mac.startswith("02:6e:")
    assert interface.mac != resolve_iface(f"{switch}:b").mac
    before = conf.iface
    conf.iface = port
    try:
        with sniffing(count=1) as sniffer:
            sendp(frames(1), iface=f"{switch}:b")
        assert len(sniffer.results) == 1
    finally:
        conf.iface = before


@pytest.mark.parametrize("name", ["nosuch0", "vale", "vale0:", "netmap:", "valeriana"])
def test_other_names_are_scapys_affair(name):
    with pytest.raises(ValueError, match=f"Interface '{name}' not found"):
        sniff(iface=name, timeout=0.1)


def test_ports_that_exist_are_listed(switch):
    with nmpcap.open(f"{switch}:listed"):
        conf.ifaces.reload()
        assert f"{switch}:listed" in conf.ifaces


def test_a_mapped_interface_keeps_its_addresses(switch, monkeypatch):
    plain = resolve_iface(conf.loopback_name)
    monkeypatch.setenv(VARIABLE, f"{conf.loopback_name}={switch}:a,eth7={switch}:b")
    mapped = resolve_iface(conf.loopback_name)
    assert (mapped.provider.name, mapped.mac, mapped.ips[4]) == ("nmpcap", plain.mac, plain.ips[4])
    with sniffing(iface="eth7", count=4) as sniffer:
        sendp(frames(4), iface=conf.loopback_name)
    assert len(sniffer.results) == 4
    monkeypatch.delenv(VARIABLE)
    assert resolve_iface(conf.loopback_name).provider.name != "nmpcap"


# ---- files ---------------------------------------------------------------------------


def test_a_savefile_is_an_interface_and_ends(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(PLAIN)
    live = sniff(iface=f"file:{path}", filter="not arp")
    kept = [packet for packet in rdpcap(str(path)) if packet.type != 0x0806]
    assert [bytes(packet) for packet in live] == [bytes(packet) for packet in kept]
    assert [float(packet.time) for packet in live] == pytest.approx(
        [float(packet.time) for packet in kept], abs=1e-6
    )
    assert [bytes(packet) for packet in sniff(offline=str(path), lfilter=lambda p: ARP not in p)] == [
        bytes(packet) for packet in kept
    ]
