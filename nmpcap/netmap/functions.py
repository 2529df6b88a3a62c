"""netmap_user.h's functions under their own names: nm_open, and a line each over the methods of NmDesc."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from nmpcap._arguments import encoded, instance, number
from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap._core.which import Directory, runtime_directory, which_netmap
from nmpcap.errors import DeviceError
from nmpcap.netmap.desc import NmDesc
from nmpcap.netmap.portname import parse_port_name
from nmpcap.netmap.rings import PktHdr
from nmpcap.netmap.structures import NmRequest

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["nm_close", "nm_dispatch", "nm_inject", "nm_inject_many", "nm_mmap", "nm_nextpkt", "nm_open"]

_T = TypeVar("_T")
_UINT16, _UINT32 = 2**16 - 1, 2**32 - 1


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
    runtime_dir: Directory = None,
) -> NmDesc:
    """Open a port and map its memory.

    ``name`` is a port name (``vale0:a``, ``vale0:a{1``, ``netmap:eth0-2/x@1`` ...). ``flags`` are
    ``NM_OPEN_*``, which say what to take over from ``parent``, and NETMAP_NO_TX_POLL. ``parent`` is
    another open port: the new one is opened on the same netmap and shares its mapping if the region is the
    same; then, as mappings do, it keeps that port bound until both are closed. ``req`` and the numbers
    after it ask for more than a name can; what ``name`` says wins. ``netmap`` and ``runtime_dir``
    are as for Device.open.
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
    args.runtime_dir = directory = runtime_directory(runtime_dir)  # noqa: F841  (owns the bytes)
    args.legacy = bool(legacy)
    args.pipes = asked.pipes
    args.timestamps = bool(timestamps)
    args.backpressure = bool(backpressure)
    desc = ffi.new("struct nm_desc **")
    msg = ffi.new("char[]", lib.NM_MSG_SIZE)
    error = lib.nm_desc_open(args, desc, msg)
    if error:
        raise DeviceError(error, cstring(msg), name)
    return NmDesc(desc[0])


def nm_close(desc: NmDesc) -> None:
    """Close a port; see NmDesc.close."""
    desc.close()


def nm_mmap(desc: NmDesc, parent: NmDesc | None = None) -> None:
    """Map the region of a port; see NmDesc.mmap."""
    desc.mmap(parent)


def nm_inject(desc: NmDesc, frame: Buffer) -> int:
    """Queue one frame; see NmDesc.inject."""
    return desc.inject(frame)


def nm_inject_many(desc: NmDesc, frames: Iterable[Buffer]) -> int:
    """Queue frames and send them; see NmDesc.inject_many."""
    return desc.inject_many(frames)


def nm_nextpkt(desc: NmDesc) -> PktHdr | None:
    """Take one slot of the rx rings; see NmDesc.nextpkt."""
    return desc.nextpkt()


def nm_dispatch(desc: NmDesc, cnt: int, callback: Callable[[_T, PktHdr, memoryview], object], arg: _T) -> int:
    """Call back for packets that are there; see NmDesc.dispatch."""
    return desc.dispatch(cnt, callback, arg)
