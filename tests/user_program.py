"""A program as users write them, with types: mypy --strict reads it, and test_types.py runs it."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import nmpcap
from nmpcap import Batch, Capture, Direction, Packet, PcapError, RotatingWriter, SavefileError, Stats
from nmpcap.savefile import Block, Interface, read_blocks


class Lengths:
    """A callback with a state."""

    def __init__(self) -> None:
        self.seen: Counter[int] = Counter()

    def __call__(self, packet: Packet) -> None:
        self.seen[packet.len] += 1
        view: memoryview = memoryview(packet)
        assert view.nbytes == packet.caplen == len(packet) == len(packet.data)
        destination: bytes = packet[:6]
        first: int = packet[0]
        assert bytes(packet)[:6] == destination
        assert destination[0] == first


def send(port: Capture, count: int) -> int:
    """Send count frames, and tell how many bytes."""
    frame = bytes.fromhex("ffffffffffff 020000000001 88b5") + bytes(46)
    sent: int = port.inject(frame) + port.inject(bytearray(frame)) + port.inject(memoryview(frame))
    port.sendpacket(frame)
    sent += len(frame) * (1 + port.inject_many([frame] * (count - 4), timeout=1.0))
    assert port.drain(timeout=1)
    return sent


def receive(port: Capture, trace: Path) -> Stats:
    """Read in every way there is, the rest into files."""
    port.setfilter("ether proto 0x88b5", optimize=True, netmask=0xFFFFFF00)
    port.setfilter(nmpcap.compile("greater 1", linktype=port.datalink()))
    port.setdirection("inout")
    port.setdirection(Direction.INOUT)
    lengths = Lengths()
    done: int = port.dispatch(2, lengths) + port.loop(1, lambda packet: print(packet.len))
    status, packet = port.next_ex()
    if status == 1 and packet is not None:
        lengths(packet)
    one: Packet | None = port.next(timeout=0.5)
    if one is not None:
        when: float = one.ts_ns / 1e9
        assert when > 0
    batch: Batch | None = port.next_batch(max=2)
    if batch is not None:
        total: int = sum(batch.lens) + batch.ts_ns[0] + batch[0].len
        assert total > 0
        done += len([packet for packet in batch if not packet.outgoing])
    with port.dump_open(trace, flush_after=1.0) as writer:
        done += port.dump(writer, 2)
        if one is not None:
            writer.write(one, comment="seen before")
    with RotatingWriter(str(trace.with_name("part-{number}.pcap")), max_packets=1) as parts:
        done += port.dump(parts, 2)
        names: list[str] = [path.name for path in parts.files]
        assert names == ["part-0.pcap"]
    return port.stats()


def look(trace: Path) -> tuple[list[str], list[str | None]]:
    """Return the comments in a trace and the names of its interfaces."""
    comments = [comment for block in read_blocks(trace) for comment in block.comments]
    blocks: list[Block] = list(read_blocks(trace))
    with nmpcap.open_offline(trace, salvage=True) as capture:
        linktypes = {packet.linktype for packet in capture}
        assert linktypes == {capture.datalink()}
        interfaces: list[Interface] = list(capture.interfaces)
        places, skipped = capture.damage
        assert (places, skipped) == (0, 0)
    assert len(blocks) > len(interfaces)
    return comments, [interface.name for interface in interfaces]


async def count(capture: Capture, most: int) -> int:
    """Return how many packets come, up to a limit."""
    seen = 0
    async for packet in capture:
        seen += packet.caplen > 0
        if seen == most:
            break
    return seen


def why(path: Path) -> str:
    """Return what is wrong with a savefile."""
    try:
        with nmpcap.open_offline(path) as capture:
            for batch in capture.batches(100):
                assert len(batch) <= 100
    except SavefileError as error:
        return f"{error.reason} @ {error.offset}"
    except PcapError as error:
        return str(error)
    return ""


def main(switch: str, folder: Path) -> None:
    """Do all of it on a switch of one's own, with files in a folder."""
    trace = folder / "trace.pcapng"
    inactive = nmpcap.create(f"{switch}:a")
    inactive.set_snaplen(128)
    inactive.set_timeout(1000)
    with inactive.activate() as a, nmpcap.open(f"{switch}:b", timeout=1) as b:
        assert send(b, 15) == 15 * 60
        stats = receive(a, trace)
        assert (stats.delivered, stats.waiting) == (11, 4)
        print(a.explain(), a.fileno() >= 0, a.timeout)
        assert asyncio.run(count(a, 4)) == 4
    comments, names = look(trace)
    assert comments == ["seen before"]
    assert names == [f"{switch}:a"]
    trace.write_bytes(trace.read_bytes()[:-3])
    assert why(trace).startswith("truncated pcapng dump file")
    assert why(folder / "missing").endswith("No such file or directory")
