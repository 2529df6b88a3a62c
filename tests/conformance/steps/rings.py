"""What a program does with rings, slots and buffers in its own memory; no calls."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..frames import frame
from ..layout import Ring
from ..runs import Row, merge
from ..scenarios import Answer, Step
from ..stage import Opened, Stage
from ..vocabulary import RING_FLAGS, SLOT_FLAGS, number
from .registry import on_descriptor, step

INDIRECT_MARK = 16  # bytes of the buffer that are zeroed when the payload is elsewhere


def slot_index(ring: Ring, field: str, value: int | str) -> int:
    """``head-1``, ``tail``, ``+2`` (from ``field``) modulo n; numbers, ``n`` and ``n+1`` as they are."""
    if isinstance(value, int):
        return value
    match = re.fullmatch(r"(head|cur|tail|n)?([+-]\d+)?", value)
    assert match, f"no slot index: {value}"
    base, distance = match[1] or field, int(match[2] or 0)
    if base == "n":
        return ring.num_slots + distance
    start: int = getattr(ring, base)
    return (start + distance) % ring.num_slots


@step
@on_descriptor
def ringhdr(stage: Stage, step: Step) -> Answer:
    _, ring = stage.ring(step)
    fields = ("num_slots", "nr_buf_size", "ringid", "dir", "flags", "buf_align", "head", "cur", "tail")
    answer: Answer = {"r": "ok"} | {field: getattr(ring, field) for field in fields}
    return answer | {"offset_mask": hex(ring.offset_mask), "ts": _stamp(ring)}


def _stamp(ring: Ring) -> str:
    return "set" if any(ring.ts) else "zero"


@step
@on_descriptor
def fill(stage: Stage, step: Step) -> Answer:
    """Writes packets as long as there is space for them, or regardless, and moves head and cur."""
    _, ring = stage.ring({**step, "dir": "tx"})
    position = ring.cur if step.get("from") == "cur" else ring.head
    space = (ring.tail - position) % ring.num_slots
    filled = used = 0
    for packet in _packets(step):
        pieces = _pieces(packet)
        if used + len(pieces) > space and not step.get("force"):
            break
        for piece in pieces:
            _put(stage, ring, position, piece)
            position = (position + 1) % ring.num_slots
        used += len(pieces)
        filled += 1
    for field in _moved(step.get("advance", "both")):
        setattr(ring, field, position)
    return {"filled": filled, "slots": used}


def _packets(step: Step) -> list[dict[str, Any]]:
    if "packets" in step:
        return [{**step, **packet} for packet in step["packets"]]
    first, tag = step.get("first", 0), step.get("tag", "p")
    return [{**step, "tag": f"{tag}{first + i}"} for i in range(step["n"])]


class _Piece(NamedTuple):
    """What goes into one slot."""

    tag: str
    data: bytes
    flags: int
    indirect: bool


def _pieces(packet: dict[str, Any]) -> list[_Piece]:
    lengths = packet.get("frags") or [packet.get("len", 60)]
    whole = frame(packet["tag"], sum(lengths), packet.get("dst"), packet.get("src"))
    flags = number(packet.get("flags"), SLOT_FLAGS)
    indirect = packet.get("indirect", False)
    if indirect:
        flags |= SLOT_FLAGS["INDIRECT"]
    pieces, start = [], 0
    for place, length in enumerate(lengths):
        more = place + 1 < len(lengths) or packet.get("more", False)
        tag = packet["tag"] if len(lengths) == 1 else f"{packet['tag']}/{place}"
        data = whole[start : start + length]
        pieces.append(_Piece(tag, data, flags | (SLOT_FLAGS["MOREFRAG"] if more else 0), indirect))
        start += length
    return pieces


def _put(stage: Stage, ring: Ring, at: int, piece: _Piece) -> None:
    slot = ring.slot(at)
    start, ptr = ring.buf_at(slot.buf_idx), slot.ptr
    if piece.indirect:
        assert start is not None, "an indirect packet in a slot without a buffer"
        ptr = stage.backend.address_of(piece.data)
        ring.region[start : start + INDIRECT_MARK] = bytes(INDIRECT_MARK)
    elif start is not None:
        start += ptr & ring.offset_mask
        fitting = piece.data[: ring.nr_buf_size]
        ring.region[start : start + len(fitting)] = fitting
    ring.put_slot(at, len=len(piece.data), flags=piece.flags, ptr=ptr)
    stage.payloads.learn(piece.data, piece.tag)


def _moved(what: str) -> tuple[str, ...]:
    """The indexes to move, cur first: it may lead head but not lag behind it."""
    return {"both": ("cur", "head"), "none": ()}.get(what, (what,))


@step
@on_descriptor
def advance(stage: Stage, step: Step) -> Answer:
    _, ring = stage.ring(step)
    what, distance = step.get("what", "both"), step.get("n", "all")
    for field in _moved(what):
        start = ring.head if what == "both" else getattr(ring, field)
        target = ring.tail if distance == "all" else (start + distance) % ring.num_slots
        setattr(ring, field, target)
    return {"head": ring.head, "cur": ring.cur, "tail": ring.tail}


@step
@on_descriptor
def set(stage: Stage, step: Step) -> Answer:
    """Raw writes of ring and slot fields."""
    opened, ring = stage.ring(step)
    for field in ("head", "cur", "tail"):
        if field in step:
            setattr(ring, field, slot_index(ring, field, step[field]))
    if "ring_flags" in step:
        ring.flags = number(step["ring_flags"], RING_FLAGS)
    if "slot" in step:
        fields: dict[str, int] = {field: step[field] for field in ("len", "ptr") if field in step}
        if "flags" in step:
            fields["flags"] = number(step["flags"], SLOT_FLAGS)
        if "buf" in step:
            fields["buf_idx"] = _buffer_index(stage, opened, ring, step["buf"])
        ring.put_slot(slot_index(ring, "head", step["slot"]), **fields)
    return {}


def _buffer_index(stage: Stage, opened: Opened, ring: Ring, buf: int | str) -> int:
    """A number as it is, a buffer's name, or ``max+k``: k beyond the last index of the region."""
    if isinstance(buf, int):
        return buf
    index = stage.buffers[opened.mem_id].index(buf)
    if index is None:
        assert re.fullmatch(r"max[+-]\d+", buf), f"no buffer of that name: {buf}"
        index = ring.bufs_in_region + int(buf.removeprefix("max"))
    return index


@step
def swap(stage: Stage, step: Step) -> Answer:
    """Exchanges the buffers of two slots, or of a slot and the first extra buffer."""
    mark = SLOT_FLAGS["BUF_CHANGED"] if step.get("flag", True) else 0
    _, ring, at = _slot_of(stage, step["a"])
    slot = ring.slot(at)
    if step["b"].get("extra"):
        other = stage.opened[step["b"]["id"]]
        assert other.interface, f"{other.id} is not mapped"
        extra = other.interface.bufs_head
        given, taken = ring.buf_at(slot.buf_idx), ring.buf_at(extra)
        assert given is not None
        assert taken is not None
        ring.put_slot(at, buf_idx=extra, flags=slot.flags | mark)
        ring.region[given : given + 4] = bytes(ring.region[taken : taken + 4])
        other.interface.bufs_head = slot.buf_idx
        return {}
    _, other_ring, other_at = _slot_of(stage, step["b"])
    other_slot = other_ring.slot(other_at)
    for where, place, new, old in (
        (ring, at, other_slot, slot),
        (other_ring, other_at, slot, other_slot),
    ):
        length = new.len if step.get("lens", True) else old.len
        where.put_slot(place, buf_idx=new.buf_idx, len=length, flags=old.flags | mark)
    return {}


def _slot_of(stage: Stage, place: dict[str, Any]) -> tuple[Opened, Ring, int]:
    opened, ring = stage.ring(place)
    return opened, ring, slot_index(ring, "head", place.get("slot", "head"))


@step
@on_descriptor
def extra(stage: Stage, step: Step) -> Answer:
    opened = stage.opened[step["id"]]
    assert opened.interface, f"{opened.id} is not mapped"
    if "set_head" in step:
        opened.interface.bufs_head = step["set_head"]
    rows = [{"buf": stage.buffer_name(opened, index)} for index in opened.interface.extra_buffers()]
    return {"count": len(rows), "list": merge(rows, {"buf"})}


@step
@on_descriptor
def state(stage: Stage, step: Step) -> Answer:
    """Indexes of a ring and, if asked, its slots as runs."""
    opened, ring = stage.ring(step)
    answer: Answer = {"head": ring.head, "cur": ring.cur, "tail": ring.tail, "space": ring.space}
    wanted = step.get("slots", None if step.get("dir") == "tx" else "owned")
    if wanted:
        rows = [_row(stage, step, opened, ring, at) for at in _chosen(ring, wanted)]
        answer["slots"] = merge(rows, {"buf", "data"})
    if step.get("ts"):
        answer["ts"] = _stamp(ring)
    return answer


def _chosen(ring: Ring, wanted: str | list[int]) -> list[int]:
    if wanted == "owned":
        first, count = ring.head, ring.space or 0
    elif wanted == "all":
        first, count = 0, ring.num_slots
    else:
        assert isinstance(wanted, list)
        first, count = wanted[0], wanted[1] - wanted[0]
    return [(first + k) % ring.num_slots for k in range(count)]


def _row(stage: Stage, step: Step, opened: Opened, ring: Ring, at: int) -> Row:
    slot = ring.slot(at)
    row: Row = {
        "at": at,
        "len": slot.len,
        "flags": f"0x{slot.flags:04x}",
        "buf": stage.buffer_name(opened, slot.buf_idx),
    }
    if step.get("data", True):
        row["data"] = stage.payloads.recognise(ring, slot)
    if step.get("ptr"):
        row["ptr"] = slot.ptr
    return row
