"""Rings and slots: netmap_user.h's macros in Python, on user-space and on kernel netmap."""

from __future__ import annotations

import random

import pytest

from nmpcap.errors import PcapError, UsageError
from nmpcap.netmap import (
    NR_TIMESTAMP,
    NS_BUF_CHANGED,
    NS_MOREFRAG,
    Ring,
    nm_inject,
    nm_inject_many,
    nm_open,
)

SLOTS = 8


@pytest.fixture
def pipe(netmap: str, pipe_name):
    """The two ends of a pipe with rings of 8 slots."""
    master, slave = pipe_name("1")
    with nm_open(master, tx_slots=SLOTS, rx_slots=SLOTS) as a, nm_open(slave) as b:
        yield a, b


def state(ring: Ring) -> tuple[int, int, int]:
    return ring.head, ring.cur, ring.tail


def fill(ring: Ring, count: int) -> None:
    for slot, _ in zip(ring.owned(), range(count), strict=False):
        slot.len = 60
    ring.advance(count)


def test_fresh_rings(pipe) -> None:
    a, b = pipe
    tx, rx = a.tx_rings[0], b.rx_rings[0]
    assert (tx.num_slots, tx.buf_size, tx.ringid, tx.tx, len(tx)) == (SLOTS, 2048, 0, True, SLOTS)
    assert (state(tx), tx.space, tx.empty, tx.tx_pending) == ((0, 0, 7), 7, False, False)
    assert (state(rx), rx.space, rx.empty, rx.tx) == ((0, 0, 0), 0, True, False)
    assert [slot.len for slot in tx.slots] == [2048] * SLOTS
    assert [tx.next(i) for i in range(SLOTS)] == [1, 2, 3, 4, 5, 6, 7, 0]
    assert "tx ring 0 of 8 slots, head 0 cur 0 tail 7" in repr(tx)


def test_a_pipe_step_by_step(pipe) -> None:
    """Indexes at each step of a writer and a reader on a ring of 8."""
    a, b = pipe
    tx, rx = a.tx_rings[0], b.rx_rings[0]
    fill(tx, 3)
    assert (state(tx), tx.space, tx.tx_pending) == ((3, 3, 7), 4, True)
    a.txsync()
    assert (state(tx), tx.space) == ((3, 3, 7), 4)
    b.rxsync()
    assert (state(rx), rx.space) == ((0, 0, 3), 3)
    assert [slot.index for slot in rx.owned()] == [0, 1, 2]
    rx.advance(2)
    b.rxsync()
    assert state(rx) == (2, 2, 3)
    assert state(tx) == (3, 3, 7)
    a.txsync()
    assert (state(tx), tx.space) == ((3, 3, 1), 6)
    fill(tx, 6)
    a.txsync()
    assert (state(tx), tx.space, tx.empty) == ((1, 1, 1), 0, True)


def test_a_switch_step_by_step(netmap: str, port_name) -> None:
    with nm_open(port_name("a"), tx_slots=SLOTS) as a:
        tx = a.tx_rings[0]
        fill(tx, 3)
        a.txsync()
        assert (state(tx), tx.space) == ((3, 3, 2), 7)


def test_indexes_are_checked(pipe) -> None:
    a, b = pipe
    tx, rx = a.tx_rings[0], b.rx_rings[0]
    fill(tx, 3)
    for wrong in (-1, 2, 8, 2**32):
        with pytest.raises(UsageError, match=rf"tx ring 0 of 8 slots: head cannot be {wrong}.*3 to tail 7"):
            tx.head = wrong
        with pytest.raises(UsageError, match=f"cur cannot be {wrong}"):
            tx.cur = wrong
    tx.cur = 7
    tx.head = 5
    assert state(tx) == (5, 7, 7)
    tx.head = 7
    with pytest.raises(UsageError, match="head cannot be 1, only from head 0 to tail 0"):
        rx.head = 1
    with pytest.raises(UsageError, match="advancing by 1 slots of 0"):
        rx.advance()
    with pytest.raises(UsageError, match="advancing by -1"):
        rx.advance(-1)
    with pytest.raises(AttributeError):
        rx.tail = 3


def test_cur_is_not_left_behind_head(pipe) -> None:
    """A sync would refuse such a ring; the device's own answer is POLLERR."""
    tx = pipe[0].tx_rings[0]
    tx.head = 2
    assert state(tx) == (2, 2, 7)
    tx.cur = 5
    tx.head = 3
    assert state(tx) == (3, 5, 7)


def test_slots_by_number(pipe) -> None:
    slots = pipe[0].tx_rings[0].slots
    assert len(slots) == SLOTS
    assert slots[-1].index == 7
    assert [slot.index for slot in slots[2:8:3]] == [2, 5]
    assert len({slot.buf_idx for slot in slots}) == SLOTS
    for wrong in (8, -9):
        with pytest.raises(IndexError, match="tx ring 0 has 8 slots"):
            slots[wrong]


def test_slot_fields_reach_the_other_end(pipe) -> None:
    a, b = pipe
    slot = a.tx_rings[0].slots[0]
    slot.len, slot.flags, slot.ptr = 61, 0x0500, 2**64 - 1
    slot.buf[:5] = b"hello"
    assert bytes(slot.data[:5]) == b"hello"
    assert (len(slot.buf), len(slot.data)) == (2048, 61)
    a.tx_rings[0].advance()
    a.txsync()
    b.rxsync()
    got = b.rx_rings[0].slots[0]
    assert (got.len, got.flags, got.ptr, got.buf_idx) == (61, 0x0500, 2**64 - 1, slot.buf_idx)
    assert bytes(got.data[:5]) == b"hello"
    assert "61 bytes, flags 0x0500" in repr(got)


def test_wrong_slot_values(pipe) -> None:
    slot = pipe[0].tx_rings[0].slots[0]
    for wrong in (-1, 65536):
        with pytest.raises(UsageError, match=f"slot 0: a length of {wrong}"):
            slot.len = wrong
    for wrong in (-1, 0, 1, 2**31):
        with pytest.raises(UsageError, match=f"no buffer {wrong}"):
            slot.buf_idx = wrong
    slot.len = 65535
    assert len(slot.data) == 2048


def test_changing_a_buffer_marks_the_slot(netmap: str, port_name) -> None:
    with nm_open(port_name("a"), extra_bufs=1) as a:
        slot = a.tx_rings[0].slots[0]
        slot.flags = NS_MOREFRAG
        was, slot.buf_idx = slot.buf_idx, a.extra_pop()
        assert slot.flags == NS_MOREFRAG | NS_BUF_CHANGED
        a.extra_push(was)


def test_offsets(netmap: str, port_name) -> None:
    """A packet begins where its slot's ptr says; views and inject keep to that."""
    with nm_open(port_name("a@offset=16")) as a, nm_open(port_name("b@offset=16")) as b:
        slot = a.tx_rings[0].slots[0]
        assert slot.ptr == 16
        assert len(slot.buf) == 2048 - 16
        nm_inject(a, b"\xff" * 6 + bytes(range(54)))
        whole = a.buffer(slot.buf_idx)
        assert bytes(whole[16:22]) == b"\xff" * 6
        a.txsync()
        assert b.wait(2)
        assert bytes(b.rx_rings[0].slots[0].data) == b"\xff" * 6 + bytes(range(54))


# ---- views -------------------------------------------------------------------------------


def test_views_of_sent_slots_end_with_the_sync(pipe) -> None:
    a, _ = pipe
    tx = a.tx_rings[0]
    gone, kept = tx.slots[0].buf, tx.slots[1].buf
    fill(tx, 1)
    gone[0] = 7
    a.rxsync()
    gone[0] = 8
    a.txsync()
    with pytest.raises(ValueError, match="released"):
        gone[0] = 9
    kept[0] = 1
    a.wait(0)
    kept[0] = 2
    fill(tx, 1)
    a.wait(0)
    with pytest.raises(ValueError, match="released"):
        kept[0] = 3


def test_views_of_released_slots_end_with_the_sync(pipe) -> None:
    a, b = pipe
    nm_inject_many(a, [b"one", b"two"])
    b.rxsync()
    rx = b.rx_rings[0]
    one, two = rx.slots[0].data, rx.slots[1].data
    rx.advance()
    assert bytes(one) == b"one"
    b.wait(0, 0)
    assert bytes(one) == b"one"
    b.rxsync()
    with pytest.raises(ValueError, match="released"):
        bytes(one)
    assert bytes(two) == b"two"
    again = rx.slots[1].data
    rx.advance()
    b.wait(0)
    with pytest.raises(ValueError, match="released"):
        bytes(two)
    with pytest.raises(ValueError, match="released"):
        bytes(again)
    two = rx.slots[2].buf
    b.close()
    with pytest.raises(ValueError, match="released"):
        bytes(two)


def test_what_was_built_on_a_view_outlives_the_port_safely(pipe) -> None:
    a, _ = pipe
    slot = a.tx_rings[0].slots[0]
    slot.buf[:3] = b"abc"
    cast = slot.buf[:4].cast("I")
    slice_ = slot.buf[:3]
    a.close()
    assert bytes(slice_) == b"abc"
    assert cast[0] & 0xFFFFFF == int.from_bytes(b"abc", "little")


# ---- moving buffers --------------------------------------------------------------------------


def test_swap(netmap: str, port_name) -> None:
    with nm_open(port_name("a")) as a, nm_open(port_name(f"b@{a.mem_id}")) as b:
        one, two = a.tx_rings[0].slots[0], b.tx_rings[0].slots[5]
        one.buf[:3], two.buf[:3] = b"one", b"two"
        one.len, two.len = 11, 22
        before = one.buf_idx, two.buf_idx
        one.swap(two)
        assert (two.buf_idx, one.buf_idx) == before
        assert (one.len, two.len) == (22, 11)
        assert bytes(one.buf[:3]) == b"two"
        assert bytes(two.buf[:3]) == b"one"
        assert one.flags & two.flags & NS_BUF_CHANGED


def test_swap_across_regions(netmap: str, port_name) -> None:
    with nm_open(port_name("a")) as a, nm_open(port_name("b")) as b:
        one, two = a.tx_rings[0].slots[0], b.tx_rings[0].slots[0]
        before = one.buf_idx, two.buf_idx
        with pytest.raises(ValueError, match="different regions") as caught:
            one.swap(two)
        assert isinstance(caught.value, PcapError)
        assert a.spec in str(caught.value)
        assert b.spec in str(caught.value)
        assert (one.buf_idx, two.buf_idx) == before


def bridge(port_name, region: str) -> tuple[list[int], list[int], bool]:
    """Pipe a, forwarded into pipe c: the buffers frames came and went with, and if the region is one."""
    with (
        nm_open(port_name("a{1"), tx_slots=64) as a,
        nm_open(port_name("a}1")) as b,
        nm_open(port_name(f"c{{1{region.format(b.mem_id)}"), tx_slots=64) as c,
        nm_open(port_name("c}1")) as d,
    ):
        frames = [bytes([i]) * length for i, length in enumerate([60, 5000, 2048, 1, 9000])]
        nm_inject_many(a, frames)
        b.rxsync()
        slots = [slot.buf_idx for slot in b.rx_rings[0].owned()]
        assert b.rx_rings[0].forward(c.tx_rings[0], 2) == 2
        assert b.rx_rings[0].forward(c.tx_rings[0]) == 3
        assert b.rx_rings[0].empty
        c.txsync()
        d.rxsync()
        got, whole = [], b""
        for slot in d.rx_rings[0].owned():
            whole += slot.data
            if not slot.flags & NS_MOREFRAG:
                got.append(whole)
                whole = b""
        assert got == frames
        return slots, [slot.buf_idx for slot in d.rx_rings[0].owned()], b.mem_id == c.mem_id


def test_forward_without_copying(netmap: str, port_name) -> None:
    sent, received, same = bridge(port_name, "@{}")
    assert same
    assert sent == received


def test_forward_by_copy(netmap: str, port_name) -> None:
    _, _, same = bridge(port_name, "")
    assert not same


def test_forward_goes_from_rx_to_tx(pipe) -> None:
    a, b = pipe
    for source, sink in ((a.tx_rings[0], b.tx_rings[0]), (a.rx_rings[0], b.rx_rings[0])):
        with pytest.raises(UsageError, match="from an rx to a tx ring"):
            source.forward(sink)


def test_timestamp_flag(netmap: str, pipe) -> None:
    a, b = pipe
    rx = b.rx_rings[0]
    rx.flags = NR_TIMESTAMP
    assert rx.flags == NR_TIMESTAMP
    nm_inject(a, b"x")
    a.txsync()
    b.rxsync()
    seconds, microseconds = rx.ts
    assert seconds > 1_700_000_000
    assert 0 <= microseconds < 1_000_000


def test_any_walk_of_sends_and_receives(pipe, rng: random.Random) -> None:
    """Random steps on a ring of 8 against a plain queue."""
    a, b = pipe
    tx, rx = a.tx_rings[0], b.rx_rings[0]
    queue: list[bytes] = []
    sent = got = 0
    for _ in range(2000):
        if rng.random() < 0.5:
            for _ in range(rng.randrange(4)):
                data = sent.to_bytes(4, "big") * rng.randrange(1, 400)
                if nm_inject(a, data):
                    queue.append(data)
                    sent += 1
            a.txsync()
        else:
            b.rxsync()
            for _ in range(rng.randrange(rx.space + 1)):
                assert bytes(rx.slots[rx.head].data) == queue[got]
                got += 1
                rx.advance()
            b.rxsync()
        assert sent - got + tx.space <= SLOTS - 1
    assert sent > 100
