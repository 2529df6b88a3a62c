"""The options of a request, from a scenario's words to the bytes of each and how they are linked."""

from __future__ import annotations

import struct
from typing import Any

from .backend import Backend
from .layout import OPTION, POOLS_INFO
from .vocabulary import OPTIONS, number

PAGE = 4096

Option = dict[str, Any]


def option_bytes(options: list[Option], backend: Backend) -> list[tuple[bytes, int | str | None]]:
    """Each option as bytes, its link still empty, and what it is to be linked to.

    By default an option leads to the next of the list. ``size`` in an option asks for that many
    bytes of zeros after the common header instead of the option's own fields.
    """
    linked: list[tuple[bytes, int | str | None]] = []
    for place, option in enumerate(options):
        code = number(option["type"], OPTIONS)
        header = OPTION.pack(0, code, option.get("status", 0), option.get("nro_size", 0))
        following = place + 1 if place + 1 < len(options) else None
        linked.append((header + _fields(code, option, backend), option.get("next", following)))
    return linked


def _fields(code: int, option: Option, backend: Backend) -> bytes:
    if "size" in option or code not in _LAYOUTS:
        return bytes(option.get("size", OPTION.size) - OPTION.size)
    return _LAYOUTS[code](option, backend)


def _offsets(option: Option, _: Backend) -> bytes:
    numbers = (option.get(name, 0) for name in ("max", "init", "bits", "align", "gap"))
    return struct.pack("=QQIIQ", *numbers)


def _extmem(option: Option, backend: Backend) -> bytes:
    length = option.get("bytes", 0)
    address = backend.pages(length) if length else option.get("address", 0)
    pools = [
        (0, option.get(f"{pool}_num", 0), option.get(f"{pool}_size", 0)) for pool in ("if", "ring", "buf")
    ]
    info = POOLS_INFO.pack(option.get("memsize", length), 0, *(number for pool in pools for number in pool))
    return struct.pack("=Q", address + option.get("shift", 0)) + info


def _csb(option: Option, backend: Backend) -> bytes:
    if not option.get("memory", True):
        return bytes(16)
    return struct.pack("=QQ", *(backend.pages(PAGE) + option.get("shift", 0) for _ in range(2)))


def _sync_kloop_mode(option: Option, _: Backend) -> bytes:
    return struct.pack("=II", option.get("mode", 0), 0)


_LAYOUTS = {
    OPTIONS["OFFSETS"]: _offsets,
    OPTIONS["EXTMEM"]: _extmem,
    OPTIONS["CSB"]: _csb,
    OPTIONS["SYNC_KLOOP_MODE"]: _sync_kloop_mode,
}
