"""Mates of one memory region: two ends of a pipe, ports with one ``@id``, whoever has its file mapped.

They may spoil each other's packets, and not each other's processes: what they write into rings gives an
error, or a packet that is not there. Each test writes what such a mate could write.
"""

from __future__ import annotations

import ctypes
import mmap
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nmpcap import DeviceError, UsageError, netmap
from nmpcap._core import ffi

SMALL = {"tx_slots": 16, "rx_slots": 16}
WILD = [16, 0x7FFFFFFF, 0xFFFFFFFF]


class RingHeader(ctypes.Structure):
    """struct netmap_ring without its slots, as a mate that has mapped the region's file sees it."""

    _fields_ = (
        ("buf_ofs", ctypes.c_int64),
        ("num_slots", ctypes.c_uint32),
        ("nr_buf_size", ctypes.c_uint32),
        ("ringid", ctypes.c_uint16),
        ("dir", ctypes.c_uint16),
        *((index, ctypes.c_uint32) for index in ("head", "cur", "tail", "flags")),
        ("tv_sec", ctypes.c_int64),
        ("tv_usec", ctypes.c_int64),
        ("offset_mask", ctypes.c_uint64),
    )


def as_a_mate(ring: netmap.Ring, runtime_dir: Path) -> RingHeader:
    """A ring's header in a mapping of the mate's own of the only region there is."""
    [file] = runtime_dir.glob("nmpcap-region*")
    offset = int(ffi.cast("intptr_t", ring._ring)) - ring._desc._base
    with file.open("r+b") as opened:
        return RingHeader.from_buffer(mmap.mmap(opened.fileno(), 0), offset)


@pytest.fixture
def ends() -> Iterator[tuple[netmap.NmDesc, netmap.NmDesc]]:
    with netmap.nm_open("netmap:m{1", **SMALL) as one, netmap.nm_open("netmap:m}1", **SMALL) as other:
        yield one, other


@pytest.mark.parametrize("wild", WILD)
@pytest.mark.parametrize("index", ["head", "tail"])
def test_a_wild_index_is_an_error_and_no_slot(ends, index: str, wild: int, runtime_dir: Path) -> None:
    ring = ends[0].tx_rings[0]
    header = as_a_mate(ring, runtime_dir)
    was = getattr(header, index)
    setattr(header, index, wild)
    with pytest.raises(DeviceError, match=f"{index} {wild}"):
        list(ring.owned())
    setattr(header, index, was)
    assert len(list(ring.owned())) == ring.space


def test_constants_that_a_mate_rewrites_are_not_asked_for_again(ends, runtime_dir: Path) -> None:
    sender, receiver = ends
    ring = sender.tx_rings[0]
    header = as_a_mate(ring, runtime_dir)
    header.buf_ofs, header.num_slots, header.nr_buf_size = -(2**62), 2**32 - 1, 2**31
    header.offset_mask = 2**64 - 1
    assert len(ring.slots) == 16
    for slot in ring.owned():
        slot.ptr = 2**63
        slot.buf[:4] = b"four"
        slot.len = 4
    ring.advance(1)
    sender.txsync()
    receiver.rxsync()
    packet = receiver.nextpkt()
    assert packet is not None
    assert bytes(packet.buf) == b"four"


@pytest.mark.parametrize("seconds", [-1, 2**62, -(2**63), 2**63 - 1])
def test_a_time_that_is_none_is_not_counted_with(ends, seconds: int, runtime_dir: Path) -> None:
    sender, receiver = ends
    sender.inject(b"\0" * 60)
    sender.txsync()
    receiver.rxsync()
    header = as_a_mate(receiver.rx_rings[0], runtime_dir)
    header.tv_sec, header.tv_usec = seconds, seconds
    packet = receiver.nextpkt()
    assert packet is not None
    assert 1e18 < packet.ts_ns < 1e19  # the clock's


def test_a_sender_cannot_hand_over_what_its_reader_holds(ends) -> None:
    """Garbage in the sender's own indexes, in range: the module takes it at the second sync."""
    sender, receiver = ends
    for number in range(10):
        sender.inject(bytes([number]) * 60)
    sender.txsync()
    receiver.rxsync()
    held = [(slot.buf_idx, slot.len, bytes(slot.data)) for slot in receiver.rx_rings[0].owned()]
    ring = sender.tx_rings[0]._ring
    ring.head = ring.cur = 5
    sender.txsync()  # finds it out and says nothing, as the module
    with pytest.raises(DeviceError, match="head 5 leads through slots that the other end holds"):
        sender.txsync()
    receiver.rxsync()
    assert [(slot.buf_idx, slot.len, bytes(slot.data)) for slot in receiver.rx_rings[0].owned()] == held
    assert sender.tx_rings[0].head == 10
    for _ in range(5):
        assert sender.inject(b"on as before".ljust(60, b"."))
    sender.txsync()
    receiver.rx_rings[0].advance(10)
    receiver.rxsync()
    assert [bytes(slot.data[:12]) for slot in receiver.rx_rings[0].owned()] == [b"on as before"] * 5


class Scribbler:
    """Random words into the rings of a port, at a place of the mate's own choice."""

    def __init__(self, ports: tuple[netmap.NmDesc, ...], runtime_dir: Path, rng: random.Random) -> None:
        [file] = runtime_dir.glob("nmpcap-region*")
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), 0)
        self._rings = [
            int(ffi.cast("intptr_t", ring._ring)) - port._base
            for port in ports
            for ring in port.tx_rings + port.rx_rings
        ]
        self._rng = rng

    def scribble(self) -> None:
        rng = self._rng
        for _ in range(rng.randrange(4)):
            width = rng.choice([1, 2, 4, 8])
            at = rng.choice(self._rings) + rng.randrange(72 if rng.randrange(2) else 256 + 16 * 16)
            at -= at % width
            word = rng.choice([0, 2**64 - 1, rng.randrange(20), 1 << rng.randrange(64), rng.getrandbits(64)])
            self._memory[at : at + width] = (word % 2 ** (8 * width)).to_bytes(width, "little")

    def close(self) -> None:
        self._memory.close()


def everything(
    one: netmap.NmDesc, other: netmap.NmDesc, rng: random.Random
) -> Iterator[Callable[[], object]]:
    """What a program can do with the two ends, in random order."""
    for desc in rng.sample([one, other], 2):
        for ring in rng.sample(desc.tx_rings + desc.rx_rings, 2):
            slot = ring.slots[rng.randrange(16)]
            yield from rng.sample(
                [
                    lambda ring=ring: [bytes(slot.data) for slot in ring.owned()],
                    lambda ring=ring: ring.advance(rng.randrange(3)),
                    lambda ring=ring: ring.next(ring.head),
                    lambda ring=ring: setattr(ring, "head", rng.randrange(16)),
                    lambda ring=ring: (ring.space, ring.empty, ring.tx_pending, ring.ts, repr(ring)),
                    lambda slot=slot: (bytes(slot.buf), repr(slot), slot.ptr, slot.flags),
                    lambda slot=slot, ring=ring: slot.swap(ring.slots[3]),
                ],
                4,
            )
        yield from rng.sample(
            [
                desc.txsync,
                desc.rxsync,
                lambda desc=desc: desc.wait(0),
                lambda desc=desc: desc.inject(bytes(rng.randrange(1, 6000))),
                lambda desc=desc: desc.inject_many([bytes(60)] * 20),
                lambda desc=desc: [bytes(packet.buf) for packet in iter(desc.nextpkt, None)],
                lambda desc=desc: desc.dispatch(0, lambda into, hdr, data: into.append(bytes(data)), []),
                lambda desc=desc: desc.rx_rings[0].forward(other.tx_rings[0]),
                lambda desc=desc: desc.extra_buffers,
            ],
            5,
        )


def test_no_call_of_python_s_crashes_on_what_a_mate_writes(
    ends, runtime_dir: Path, rng: random.Random
) -> None:
    scribbler = Scribbler(ends, runtime_dir, rng)
    raised = Counter[type[Exception]]()
    for _ in range(400):
        for call in everything(*ends, rng):
            scribbler.scribble()
            try:
                call()
            except (DeviceError, UsageError) as error:
                raised[type(error)] += 1
    assert len(raised) == 2
    scribbler.close()
