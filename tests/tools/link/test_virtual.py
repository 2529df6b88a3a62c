"""A link over savefiles: nothing but the function decides, and packets leave when it says."""

from __future__ import annotations

from pathlib import Path

import pytest

import nmpcap
from nmpcap import Packet
from nmpcap.errors import DeviceError, FilterError
from nmpcap.tools.link import Fate, Impairments, Wire, apply, travel

BEGIN = 1_700_000_000 * 10**9
UDP = bytes(12) + b"\x08\x00\x45" + bytes(8) + b"\x11" + bytes(36)
ARP = bytes(12) + b"\x08\x06" + bytes(46)


def file_of(path: Path, packets: list[bytes], gap_ns: int = 1000) -> Path:
    with nmpcap.open_writer(path, nano=True) as writer:
        for i, data in enumerate(packets):
            writer.write(Packet(data, BEGIN + i * gap_ns))
    return path


def read(path: Path) -> list[Packet]:
    with nmpcap.open_offline(path) as packets:
        return list(packets)


def test_packets_leave_when_the_function_says(tmp_path: Path) -> None:
    frames = [i.to_bytes(4, "big") * 20 for i in range(500)]
    setting = Impairments(rate="10M", delay="3ms", jitter="2ms", loss=0.1, corrupt=0.2, duplicate=0.1)
    counts = apply(file_of(tmp_path / "in.pcap", frames), tmp_path / "out.pcap", setting, seed=7)
    verdicts = Wire(setting, seed=7).offer([BEGIN + i * 1000 for i in range(500)], [80] * 500)
    expected = []
    for frame, verdict in zip(frames, verdicts, strict=True):
        data = bytearray(frame)
        if verdict.corrupt_bit is not None:
            data[verdict.corrupt_bit // 8] ^= 0x80 >> verdict.corrupt_bit % 8
        expected += [(verdict.departure_ns, bytes(data))] * verdict.copies
    assert [(packet.ts_ns, bytes(packet)) for packet in read(tmp_path / "out.pcap")] == expected
    assert counts.offered == 500
    assert counts.lost == counts.fates[Fate.LOSS] > 0


def test_those_held_back_leave_in_the_order_of_their_times(tmp_path: Path) -> None:
    source = file_of(tmp_path / "in.pcap", [i.to_bytes(4, "big") * 15 for i in range(200)])
    apply(source, tmp_path / "out.pcap", Impairments(reorder=(0.3, "10us")))
    got = read(tmp_path / "out.pcap")
    assert [p.ts_ns for p in got] == sorted(p.ts_ns for p in got)
    assert sorted(bytes(p) for p in got) == sorted(bytes(p) for p in read(source))
    assert [bytes(p) for p in got] != [bytes(p) for p in read(source)]


def test_what_the_filter_does_not_match_is_not_for_the_link(tmp_path: Path) -> None:
    source = file_of(tmp_path / "in.pcap", [UDP, ARP] * 50)
    counts = apply(source, tmp_path / "out.pcap", Impairments(loss=1), filter="udp")
    assert counts.offered == counts.lost == 50
    assert [bytes(packet) for packet in read(tmp_path / "out.pcap")] == [ARP] * 50


def test_packets_that_were_cut_take_the_time_of_whole_ones() -> None:
    (packet,) = travel([Packet(bytes(60), BEGIN, 1000)], Wire(Impairments(rate="8k")))
    assert (packet.ts_ns, packet.caplen, packet.len) == (BEGIN + 10**9, 60, 1000)


def test_what_is_wrong_with_the_files_is_told(tmp_path: Path) -> None:
    source = file_of(tmp_path / "in.pcap", [UDP])
    with pytest.raises(DeviceError):
        apply(tmp_path / "none.pcap", tmp_path / "out.pcap", Impairments())
    with pytest.raises(DeviceError):
        apply(source, tmp_path / "none" / "out.pcap", Impairments())
    with pytest.raises(FilterError):
        apply(source, tmp_path / "out.pcap", Impairments(), filter="udpp")
    assert not (tmp_path / "out.pcap").exists()
