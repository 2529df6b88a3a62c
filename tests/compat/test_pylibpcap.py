"""python-libpcap: what holds of the original and of the stand-in, each test run with both."""

from __future__ import annotations

import importlib
import itertools
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..network import Network, frame
from .captures import FILES, FRAMES, PACKETS, PLAIN, burst, outcome

Save = Callable[[bytes], Path]
ALL = [(len(p.data), p.seconds, p.data) for p in PACKETS]


def told(function: Callable[..., Any], *arguments: Any) -> tuple[str, str]:
    """The exception of a call: its type's name and its text."""
    with pytest.raises(Exception) as raised:  # noqa: PT011  (the text is compared by the caller)
        function(*arguments)
    return type(raised.value).__name__, str(raised.value)


def test_packets_of_a_file(pylibpcap: Any, save: Save) -> None:
    path = str(save(PLAIN))
    assert list(pylibpcap.rpcap(path)) == ALL
    assert list(pylibpcap.rpcap(path, "udp port 53")) == [ALL[0], ALL[2]]
    assert list(pylibpcap.rpcap(str(save(FILES["in the packet"])))) == ALL[:7]
    with pylibpcap.OpenPcap(str(save(PLAIN)), filters="arp") as file:
        assert list(file.read()) == [ALL[4]]


def test_what_is_wrong_with_a_file(pylibpcap: Any, save: Save) -> None:
    assert told(pylibpcap.rpcap, "/nonexistent/x") == (
        "LibpcapError",
        "/nonexistent/x: No such file or directory",
    )
    assert told(pylibpcap.rpcap, str(save(b"no capture, this"))) == ("LibpcapError", "unknown file format")
    assert told(list, pylibpcap.rpcap(str(save(PLAIN)), "nonsense (")) == (
        "LibpcapError",
        "compile bpf_filter error.",
    )


def test_packets_are_written_behind_others(pylibpcap: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "out.pcap")
    pylibpcap.wpcap(FRAMES[0], path)
    pylibpcap.wpcap([FRAMES[1], "no packet", FRAMES[2]], path)
    found = list(pylibpcap.rpcap(path))
    assert [(size, data) for size, _, data in found] == [(len(data), data) for data in FRAMES[:3]]
    assert abs(found[0][1] - time.time()) < 5
    header = struct.unpack_from("=IHHiIII", Path(path).read_bytes())
    assert (header[0], header[-1]) == (0xA1B2C3D4, 1)
    with pylibpcap.OpenPcap(path, "w") as file:
        file.write(FRAMES[3])
    assert [data for *_, data in pylibpcap.rpcap(path)] == [FRAMES[3]]
    assert outcome(pylibpcap.wpcap, b"x", str(tmp_path / "missing" / "x"))[0] == "FileNotFoundError"


def test_modes(pylibpcap: Any, save: Save, tmp_path: Path) -> None:
    reader = pylibpcap.LibPcap(str(save(PLAIN)))
    assert (reader.isr, reader.isw) == (True, False)
    assert told(reader.write, b"x") == ("LibpcapError", "Not write.")
    reader.close()
    reader.close()
    writer = pylibpcap.LibPcap(str(tmp_path / "w"), "w")
    assert (writer.isr, writer.isw) == (False, True)
    assert told(list, writer.read()) == ("LibpcapError", "Not Read.")
    writer.close()


@pytest.mark.parametrize("kind", ["swapped", "nanoseconds"])
def test_nothing_is_written_behind_another_kind(pylibpcap: Any, save: Save, kind: str) -> None:
    path = save(FILES[kind])
    assert told(pylibpcap.wpcap, b"x", str(path))[0] == "LibpcapError"
    assert path.read_bytes() == FILES[kind]


def test_captures_are_merged(pylibpcap: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("one.pcap", "two.pcapx", "three.txt"):
        (folder / name).write_bytes(PLAIN)
    target = str(tmp_path / "out.pcap")
    pylibpcap.mpcap(str(folder), target, "udp port 53")
    assert list(pylibpcap.rpcap(target)) == [ALL[0], ALL[2]] * 2
    pylibpcap.mpcap(str(folder / "three.txt"), target, "arp")
    assert list(pylibpcap.rpcap(target))[4:] == [ALL[4]]


@pytest.mark.parametrize("name", ["pcap", "base", "open", "exception", "parse", "utils", "cli"])
def test_submodules_are_there_by_name(pylibpcap: Any, name: str) -> None:
    assert importlib.import_module(f"{pylibpcap.__name__}.{name}") is getattr(pylibpcap, name)
    assert pylibpcap.pcap.rpcap is pylibpcap.rpcap
    assert pylibpcap.base.Sniff is pylibpcap.Sniff


@pytest.mark.parametrize("number", range(len(FRAMES)))
def test_packets_in_words(pylibpcap: Any, number: int) -> None:
    parse = importlib.import_module(f"{pylibpcap.__name__}.parse")
    packet = parse.Packet(FRAMES[number], len(FRAMES[number]))
    assert (packet.dmac, packet.smac) == (
        "ff:ff:ff:ff:ff:ff" if number == 4 else "02:00:00:00:00:02",
        "02:00:00:00:00:01",
    )
    words = packet.to_string()[19:].split()
    expected = {
        0: "02:00:00:00:00:01 192.0.2.1 40000 --> 02:00:00:00:00:02 198.51.100.7 53 DNS",
        1: "02:00:00:00:00:01 192.0.2.1 40001 --> 02:00:00:00:00:02 198.51.100.7 80 HTTP ACK,PUSH",
        3: "02:00:00:00:00:01 192.0.2.1 40002 --> 02:00:00:00:00:02 198.51.100.7 443 HTTPS SYN",
        4: "02:00:00:00:00:01 --> ff:ff:ff:ff:ff:ff ARP",
    }
    if number in expected:
        assert " ".join(words) == expected[number]
    if number == 0:
        assert packet.buf == b"question"


@pytest.mark.parametrize("size", [0, 1, 7, 8, 15, 16, 17, 40])
def test_bytes_in_hexadecimal(pylibpcap: Any, size: int) -> None:
    parse = importlib.import_module(f"{pylibpcap.__name__}.parse")
    known = {
        0: "",
        1: "  \n     20 ",
        7: "  \n     20 21 22 23 24 25 26 ",
        16: "  \n     20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f",
        17: "  \n     20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f  .!\"#$%&' ()*+,-./ \n     30 ",
    }
    shown = parse.to_hex_string(bytes(range(32, 32 + size)))
    assert shown == known.get(size, shown)
    assert shown.count("\n") == -(-size // 16)


def test_devices(pylibpcap: Any, pair: Network) -> None:
    assert {"va", "lo", "any"} <= set(pylibpcap.get_iface_list())
    assert pylibpcap.get_first_iface() in pylibpcap.get_iface_list()
    assert told(pylibpcap.Sniff, "nosuch0")[0] == "LibpcapError"
    assert told(pylibpcap.send_packet, "nosuch0", frame(0))[0] == "LibpcapError"


def test_live(pylibpcap: Any, pair: Network, tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    sniffer = pylibpcap.Sniff(
        "va", count=3, timeout=50, filters="ether proto 0x88b5", out_file=str(out), immediate_mode=1, other=1
    )
    burst(pair, "vb", 5)
    found = [packet for packet in sniffer.capture() if packet[0]]
    assert [(size, data) for size, _, data in found] == [(60, frame(i)) for i in range(3)]
    assert abs(found[0][1] - time.time()) < 5
    stats = sniffer.stats()
    assert stats.capture_cnt == 3
    assert stats.ps_recv >= 5
    assert (stats.ps_drop, stats.ps_ifdrop) == (0, 0)
    sniffer.close()
    assert [data for *_, data in pylibpcap.rpcap(str(out))] == [frame(i) for i in range(3)]


def test_no_packets_at_all(pylibpcap: Any, pair: Network) -> None:
    assert list(pylibpcap.sniff("va", count=0)) == []


def test_frames_are_sent(pylibpcap: Any, pair: Network) -> None:
    sniffer = pylibpcap.Sniff("vb", timeout=50, filters="ether proto 0x88b5", immediate_mode=1)
    assert pylibpcap.send_packet("va", frame(4)) is True
    assert pylibpcap.send_packet("va", b"short") is False
    packets = (packet for packet in sniffer.capture() if packet[0])
    assert next(itertools.islice(packets, 1))[2] == frame(4)
