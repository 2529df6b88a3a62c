"""dpkt.pcap: what holds of the original and of the stand-in, each test run with both."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import dpkt
import pytest

from ..savefile.pcapfiles import LAYOUTS, Given, Layout
from .captures import FILES, FRAMES, NANOSECONDS, PACKETS, PLAIN, SHORT, outcome

Save = Callable[[bytes], Path]
TIMES = [p.seconds + p.fraction / 1e6 for p in PACKETS]
ALL = list(zip(TIMES, FRAMES, strict=True))


@pytest.mark.parametrize(
    "layout", [name for name in LAYOUTS if name.partition("-")[0] in ("micro", "nano", "modified")]
)
def test_packets_of_every_byte_order(dpkt_pcap: Any, layout: str) -> None:
    found = list(dpkt_pcap.Reader(io.BytesIO(LAYOUTS[layout].file(PACKETS))))
    assert [data for _, data in found] == FRAMES
    if not layout.startswith("nano"):
        assert found == ALL


def test_nanoseconds_are_decimals(dpkt_pcap: Any) -> None:
    [(ts, _), *_] = dpkt_pcap.Reader(io.BytesIO(NANOSECONDS))
    assert ts == PACKETS[0].seconds + Decimal(2_991_123) / Decimal("1E9")
    assert str(ts) == "1700000003.002991123"
    whole = Layout(magic=0xA1B23C4D).file([Given(5, 500_000_000, b"x", 1), Given(6, 0, b"x", 1)])
    assert [str(ts) for ts, _ in dpkt_pcap.Reader(io.BytesIO(whole))] == ["5.500000000", "6.000000000"]


def test_what_the_header_says(dpkt_pcap: Any, save: Save) -> None:
    with save(SHORT).open("rb") as file:
        reader = dpkt_pcap.Reader(file)
        assert file.tell() == 24
        assert (reader.datalink(), reader.dloff, reader.snaplen, reader.filter) == (1, 14, 20, "")
        assert (reader.name, reader.fd, reader.fileno()) == (file.name, file.fileno(), file.fileno())
    raw = dpkt_pcap.Reader(io.BytesIO(FILES["raw"]))
    assert (raw.datalink(), raw.dloff, raw.name) == (101, 0, "<BytesIO>")
    assert [len(data) for _, data in dpkt_pcap.Reader(io.BytesIO(SHORT))] == [20] * 8
    assert outcome(raw.setfilter, "udp")[0] == "NotImplementedError"


def test_packets_longer_than_the_header_allows_are_whole(dpkt_pcap: Any) -> None:
    found = list(dpkt_pcap.Reader(io.BytesIO(Layout(snaplen=20).file(PACKETS))))
    assert found == ALL


def test_every_way_to_read_goes_on_where_the_one_before_stopped(dpkt_pcap: Any) -> None:
    reader = dpkt_pcap.Reader(io.BytesIO(PLAIN))
    assert next(reader) == ALL[0]
    assert reader.next() == ALL[1]
    for packet in reader:
        assert packet == ALL[2]
        break
    found: list[Any] = []
    assert reader.dispatch(2, lambda *given: found.append(given), "mine") == 2
    assert found == [(*packet, "mine") for packet in ALL[3:5]]
    assert reader.dispatch(0, lambda *given: found.append(given)) == 3
    assert reader.loop(print) is None
    assert reader.readpkts() == []
    with pytest.raises(StopIteration):
        next(iter(reader))
    assert reader.dispatch(5, print) == 0


def test_the_file_may_be_read_again(dpkt_pcap: Any) -> None:
    file = io.BytesIO(PLAIN)
    reader = dpkt_pcap.Reader(file)
    assert list(reader) == ALL
    assert file.tell() == len(PLAIN)
    file.seek(24)
    assert list(reader) == ALL
    file.seek(24)
    assert reader.readpkts() == ALL
    file.seek(24 + 16 + len(FRAMES[0]))
    assert reader.readpkts() == ALL[1:]


def test_a_file_that_grows(dpkt_pcap: Any, tmp_path: Path) -> None:
    path = tmp_path / "growing"
    whole = len(Layout().file(PACKETS[:3]))
    path.write_bytes(PLAIN[:whole])
    with path.open("rb") as file:
        reader = dpkt_pcap.Reader(file)
        assert list(reader) == ALL[:3]
        with path.open("ab") as more:
            more.write(PLAIN[whole:])
        assert list(reader) == ALL[3:]


def test_a_packet_that_is_cut_is_handed_out_short(dpkt_pcap: Any) -> None:
    found = list(dpkt_pcap.Reader(io.BytesIO(FILES["in the packet"])))
    assert found == [*ALL[:7], (TIMES[7], FRAMES[7][:-3])]


def test_a_header_that_is_cut_is_an_error(dpkt_pcap: Any) -> None:
    whole = len(Layout().file(PACKETS[:2]))
    reader = dpkt_pcap.Reader(io.BytesIO(PLAIN[: whole + 5]))
    found: list[Any] = []
    with pytest.raises(dpkt.NeedData, match="got 5, 16 needed at least"):
        found.extend(packet for packet in reader)
    with pytest.raises(dpkt.NeedData):
        dpkt_pcap.Reader(io.BytesIO(b""))
    assert outcome(dpkt_pcap.Reader, io.BytesIO(b"x" * 40)) == ("ValueError", ("invalid tcpdump header",))


def test_lengths_that_no_packet_has(dpkt_pcap: Any) -> None:
    absurd = Layout().header() + Layout().record(PACKETS[0], caplen=300_000) + PLAIN[24:]
    expected = absurd[40:]
    [(ts, data)] = dpkt_pcap.Reader(io.BytesIO(absurd))
    assert (ts, data) == (TIMES[0], expected)
    long = Given(5, 0, bytes(400_000), 400_000)
    found = list(dpkt_pcap.Reader(io.BytesIO(Layout().file([PACKETS[0], long, PACKETS[1]]))))
    assert [len(data) for _, data in found] == [len(FRAMES[0]), 400_000, len(FRAMES[1])]


def test_a_file_that_only_reads(dpkt_pcap: Any) -> None:
    class File:
        def __init__(self) -> None:
            self._inner = io.BytesIO(PLAIN)

        def read(self, size: int) -> bytes:
            return self._inner.read(size)

    reader = dpkt_pcap.Reader(File())
    assert next(reader) == ALL[0]
    assert list(reader) == ALL[1:]
    assert reader.name == "<File>"


def test_universal_readers(dpkt_pcap: Any) -> None:
    assert list(dpkt_pcap.UniversalReader(io.BytesIO(PLAIN))) == ALL
    written = io.BytesIO()
    writer = dpkt.pcapng.Writer(written)
    writer.writepkt(FRAMES[0], TIMES[0])
    written.seek(0)
    assert [data for _, data in dpkt_pcap.UniversalReader(written)] == FRAMES[:1]
    kind, (text,) = outcome(dpkt_pcap.UniversalReader, io.BytesIO(b"x" * 40))
    assert kind == "ValueError"
    assert "libpcap error: invalid tcpdump header" in text
    assert "pcapng error: invalid pcapng header: not a SHB" in text


def test_writers(dpkt_pcap: Any) -> None:
    target = io.BytesIO()
    writer = dpkt_pcap.Writer(target, snaplen=96, linktype=101)
    writer.writepkt(b"packet", 5.25)
    reader = dpkt_pcap.Reader(io.BytesIO(target.getvalue()))
    assert (reader.snaplen, reader.datalink(), list(reader)) == (96, 101, [(5.25, b"packet")])
    writer.close()
    assert target.closed


def test_all_else_is_there(dpkt_pcap: Any) -> None:
    assert (dpkt_pcap.DLT_RAW, dpkt_pcap.DLT_LINUX_SLL2, dpkt_pcap.TCPDUMP_MAGIC) == (12, 276, 0xA1B2C3D4)
    assert dpkt_pcap.dltoff[dpkt_pcap.DLT_EN10MB] == 14
    assert len(dpkt_pcap.FileHdr()) == 24
    assert not hasattr(dpkt_pcap, "open_live")
