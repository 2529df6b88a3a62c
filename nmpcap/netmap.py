"""netmap_user.h in Python: open a port, work on its rings, sync, wait, close.

``nm_open`` binds a port and maps its region; ``NmDesc.tx_rings`` and ``rx_rings`` are the shared rings
themselves. ``nm_inject``, ``nm_nextpkt`` and ``nm_dispatch`` move packets for those who do not want to;
``Device`` is the raw file interface below. The numbers of netmap are here under their own names.

Kernel netmap and user-space netmap behave alike; ``netmap=`` or ``NMPCAP_NETMAP`` chooses.
See netmap(4) for what the rings mean. Times are those of the last sync unless packets carry their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from errno import EAGAIN
from typing import TYPE_CHECKING, Any, TypeVar

from nmpcap import _abi
from nmpcap._abi import *  # noqa: F403  # netmap's names, as in its header
from nmpcap._core import ffi, lib
from nmpcap._desc import NetmapIf, NmDesc, NmRequest, NmStats, text
from nmpcap._device import Device, Mapping, which_netmap
from nmpcap._portname import PortName, parse_port_name
from nmpcap._rings import Ring, Slot, Slots
from nmpcap.arguments import encoded, instance, number
from nmpcap.errors import DeviceError

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = [
    "Device",
    "Mapping",
    "NetmapIf",
    "NmDesc",
    "NmRequest",
    "NmStats",
    "PktHdr",
    "PortName",
    "Ring",
    "Slot",
    "Slots",
    "nm_close",
    "nm_dispatch",
    "nm_inject",
    "nm_inject_many",
    "nm_mmap",
    "nm_nextpkt",
    "nm_open",
    "parse_port_name",
]
__all__ += [name for name in vars(_abi) if name.isupper()]

_T = TypeVar("_T")
_UINT16, _UINT32 = 2**16 - 1, 2**32 - 1


@dataclass(frozen=True)
class PktHdr:
    """What nm_nextpkt and nm_dispatch tell of a packet.

    ``ts_ns`` is since the epoch. ``caplen`` bytes are in ``buf``, ``len`` the packet had. ``flags`` is
    NM_MORE_PKTS or 0. ``slot`` is its first slot. ``buf`` ends with the next sync.
    """

    ts_ns: int
    caplen: int
    len: int
    flags: int
    slot: Slot
    buf: memoryview


def nm_open(
    name: str,
    *,
    flags: int = 0,
    parent: NmDesc | None = None,
    req: NmRequest | None = None,
    netmap: str | None = None,
    legacy: bool = False,
    tx_slots: int = 0,
    rx_slots: int = 0,
    tx_rings: int = 0,
    rx_rings: int = 0,
    mem_id: int = 0,
    extra_bufs: int = 0,
    timestamps: bool = False,
    backpressure: bool = False,
) -> NmDesc:
    """Opens a port and maps its memory.

    ``name`` is a port name (``vale0:a``, ``vale0:a{1``, ``netmap:eth0-2/x@1`` ...). ``flags`` are
    ``NM_OPEN_*``, which say what to take over from ``parent``, and NETMAP_NO_TX_POLL. ``parent`` is
    another open port: the new one is opened on the same netmap and shares its mapping if the region is the
    same; then, as mappings do, it keeps that port bound until both are closed. ``req`` and the numbers
    after it ask for more than a name can; what ``name`` says wins. ``netmap`` is as for Device.open.
    ``legacy`` reads the name as netmap_user.h does and makes the legacy request.

    In user space only: with ``timestamps`` packets that are received carry the time they were sent, to the
    nanosecond; with ``backpressure`` a port of a switch keeps what a receiver has no room for.

    PortNameError for a name that is none (``foreign``: not netmap's); DeviceError for a port that cannot
    be opened, with netmap's errno.
    """
    number(flags, "nm_open: flags", 0, _UINT32)
    spec_bytes = encoded(name, "nm_open: name")
    if parent is not None:
        instance(parent, NmDesc, "nm_open: parent")
    if req is not None:
        instance(req, NmRequest, "nm_open: req")
    for what, value, most in (
        ("tx_slots", tx_slots, _UINT32),
        ("rx_slots", rx_slots, _UINT32),
        ("tx_rings", tx_rings, _UINT16),
        ("rx_rings", rx_rings, _UINT16),
        ("mem_id", mem_id, _UINT16),
        ("extra_bufs", extra_bufs, _UINT32),
    ):
        number(value, f"nm_open: {what}", 0, most)
    if not flags & lib.NM_OPEN_IFNAME:
        parse_port_name(name, legacy=legacy)
    asked = req or NmRequest()
    reg = ffi.new(
        "struct nmreq_register *",
        {
            "nr_tx_slots": tx_slots or asked.tx_slots,
            "nr_rx_slots": rx_slots or asked.rx_slots,
            "nr_tx_rings": tx_rings or asked.tx_rings,
            "nr_rx_rings": rx_rings or asked.rx_rings,
            "nr_host_tx_rings": asked.host_tx_rings,
            "nr_host_rx_rings": asked.host_rx_rings,
            "nr_mem_id": mem_id or asked.mem_id,
            "nr_extra_bufs": extra_bufs or asked.extra_bufs,
            "nr_flags": asked.flags,
        },
    )
    spec = ffi.new("char[]", spec_bytes)
    args = ffi.new("struct nm_open_args *")
    args.name = spec
    args.req = reg
    args.flags = flags
    args.parent = parent._open("nm_open of a child") if parent else ffi.NULL
    args.which = which_netmap(netmap)
    args.legacy = bool(legacy)
    args.pipes = asked.pipes
    args.timestamps = bool(timestamps)
    args.backpressure = bool(backpressure)
    desc = ffi.new("struct nm_desc **")
    msg = ffi.new("char[]", lib.NM_MSG_SIZE)
    error = lib.nm_desc_open(args, desc, msg)
    if error:
        raise DeviceError(error, text(msg))
    return NmDesc(desc[0])


def nm_close(desc: NmDesc) -> None:
    """Closes a port; see NmDesc.close."""
    desc.close()


def nm_mmap(desc: NmDesc, parent: NmDesc | None = None) -> None:
    """Maps the region of a port opened with NM_OPEN_NO_MMAP, or shares ``parent``'s mapping of it."""
    other = parent._open("nm_mmap") if parent else ffi.NULL
    desc._check(lib.nm_desc_mmap(desc._open("nm_mmap"), other), "nm_mmap")
    desc._map()


def nm_inject(desc: NmDesc, frame: Buffer) -> int:
    """Queues one frame, which the next sync sends; returns its size, or 0 if the rings are full.

    UsageError for an empty frame and for one larger than the rings could ever take.
    """
    # cffi takes bytes as they are, several times faster than through from_buffer.
    data = frame if type(frame) is bytes else ffi.from_buffer("uint8_t[]", frame)
    size = len(data)
    error = lib.nm_desc_inject(desc._open("nm_inject"), data, size)
    if not error:
        return size
    if error == EAGAIN:
        return 0
    raise desc._error(error, "nm_inject")


def nm_inject_many(desc: NmDesc, frames: Iterable[Buffer]) -> int:
    """Queues frames and sends them; returns how many, less than all if the rings stay full after a sync.

    UsageError for an empty or too large frame; those before it are sent.
    """
    held = [ffi.from_buffer("uint8_t[]", frame) for frame in frames]
    array = ffi.new("struct nm_frame[]", [(data, len(data)) for data in held])
    error = ffi.new("int *")
    handle = desc._open("nm_inject_many")
    desc._end_views(desc.tx_rings)
    done = lib.nm_desc_inject_many(handle, array, len(held), error)
    if error[0] not in (0, EAGAIN):
        raise desc._error(error[0], f"nm_inject_many, after {done} of {len(held)} frames")
    return int(done)


def nm_nextpkt(desc: NmDesc) -> PktHdr | None:
    """Takes one slot of the rx rings; None if there is none: wait.

    A packet of several slots comes slot by slot, all but the last with NS_MOREFRAG in ``slot.flags``.
    """
    hdr = desc._hdr
    if lib.nm_desc_nextpkt(desc._open("nm_nextpkt"), hdr) == ffi.NULL:
        return None
    return _header(desc, hdr, 0)


def nm_dispatch(desc: NmDesc, cnt: int, callback: Callable[[_T, PktHdr, memoryview], object], arg: _T) -> int:
    """Calls ``callback(arg, hdr, data)`` for up to ``cnt`` whole packets (0 or less: all that are there).

    Returns how many. Does not sync or wait. Every call but the last sees NM_MORE_PKTS in ``hdr.flags``.
    What the callback raises comes out of here; the packets after that one stay in the ring.
    """
    hdr = desc._hdr
    done = 0
    while cnt <= 0 or done < cnt:
        handle = desc._open("nm_dispatch")
        if lib.nm_desc_next(handle, hdr) == ffi.NULL:
            break
        done += 1
        more = done != cnt and lib.nm_desc_pending(handle)
        packet = _header(desc, hdr, lib.NM_MORE_PKTS if more else 0)
        callback(arg, packet, packet.buf)
    return done


def _header(desc: NmDesc, hdr: Any, flags: int) -> PktHdr:
    ring = next(ring for ring in desc.rx_rings if ring._ring == hdr.ring)
    index = hdr.slot - ring._slot
    start = int(ffi.cast("intptr_t", hdr.buf)) - desc._base
    if 0 <= start <= len(desc._memory) - hdr.caplen:
        view = desc._memory[start : start + hdr.caplen]
        ring._views.append((index, view))
    else:
        # Joined from several slots: in memory that the next packet will overwrite.
        view = memoryview(ffi.buffer(hdr.buf, hdr.caplen)[:])
    return PktHdr(hdr.ts_ns, hdr.caplen, hdr.len, flags, Slot(ring, index), view)
