"""Opening: from a name, a file or nothing to a Capture, in one call or setting by setting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nmpcap._arguments import encoded, instance, number, text
from nmpcap._core.which import Directory
from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.capture.handle import Capture
from nmpcap.errors import PcapError, UsageError
from nmpcap.ports import (
    UNCUT,
    DeadPort,
    Fanout,
    SavefilePort,
    Settings,
    list_tstamp_types,
    open_port,
)
from nmpcap.savefile import Reader
from nmpcap.savefile.compression import MAX_MEMORY
from nmpcap.savefile.input import Source
from nmpcap.tstamp import tstamp_type_name_to_val, tstamp_type_val_to_name

__all__ = ["Inactive", "create", "open", "open_dead", "open_live", "open_offline"]

_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1  # libpcap's are C ints
_UINT_MAX = 2**32 - 1


def open(
    name: str,
    *,
    snaplen: int = MAXIMUM_SNAPLEN,
    promisc: bool = True,
    timeout: float | None = None,
    netmap: str | None = None,
    immediate: bool = False,
    rfmon: bool = False,
    buffer_size: int | None = None,
    tstamp_type: str | None = None,
    protocol: int | None = None,
    fanout: Fanout | None = None,
    qdisc_bypass: bool = False,
    tstamp_precision: str | int = "nano",
    speed: float | None = None,
    tx_slots: int = 0,
    rx_slots: int = 0,
    backpressure: bool = False,
    timestamps: bool | None = None,
    runtime_dir: Directory = None,
) -> Capture:
    """Open a port by its name, for capture and injection.

    snaplen: bytes kept of each packet, 1 .. 262144. timeout: seconds that a reading call waits at
    most; None: for ever. netmap: ``auto``, ``kernel`` or ``user``; None leaves it to the environment's
    NMPCAP_NETMAP. speed, of a ``file:PATH``: 1 plays the recording back in its own time, 2 twice as
    fast; None: as fast as it is read.

    Of netmap's ports, and refused by others: tx_slots, rx_slots: how long the rings of a port are that is
    not there yet, 4096 at most, 0: 1024; RuntimeWarning where they are shorter. In user space, too:
    backpressure: a port of a switch keeps what a receiver has no room for instead of dropping it.
    timestamps: each packet carries the time it was sent, not of the sync that brought it; None: where that
    can be had. runtime_dir: where the switches are, in place of the environment's NMPCAP_RUNTIME_DIR.

    The rest concerns Linux interfaces (``eth0``, ``lo``, and ``any``, which is all of them); netmap's
    ports deliver at once and have the rings they have. promisc: frames for others, too (not of ``any``).
    immediate: deliver each packet when it comes; else up to 10 ms later, many at a time. buffer_size:
    bytes of the ring that packets wait in, 4 MiB unless said; explain() tells what it became. rfmon:
    monitor mode, which none of them has. tstamp_type: one of list_tstamp_types(). protocol: the only
    Ethernet type to receive. fanout: the group that this handle shares packets with. qdisc_bypass: send
    past the queueing discipline. After a fork, only one of parent and child may go on using the handle.

    tstamp_precision: ``nano`` or ``micro``, what dump_open writes; packets have nanoseconds either way.

    Raises DeviceError naming the port, what was tried and why it failed.
    """
    options = Settings(
        snaplen=_check_snaplen(name, snaplen),
        promisc=bool(promisc),
        netmap=netmap,
        immediate=bool(immediate),
        rfmon=bool(rfmon),
        buffer_size=buffer_size if buffer_size is None else _check_buffer_size(name, buffer_size),
        tstamp_type=tstamp_type,
        protocol=protocol,
        fanout=_check_fanout(name, fanout),
        qdisc_bypass=qdisc_bypass,
        speed=speed,
        **_netmap_settings(name, tx_slots, rx_slots, backpressure, timestamps, runtime_dir),
    )
    nano = _is_nano(name, tstamp_precision)
    return Capture(open_port(name, options), snaplen=snaplen, timeout=timeout, nano=nano)


def open_live(device: str, snaplen: int, promisc: bool, to_ms: int) -> Capture:
    """Open a port with libpcap's four arguments; a snaplen or ``to_ms`` of 0 or less stands for no limit.

    ``to_ms`` is a deadline in milliseconds for reading calls, not libpcap's packet buffer timeout.
    """
    return open(
        device, snaplen=_any_snaplen(device, snaplen), promisc=promisc, timeout=_seconds(device, to_ms)
    )


def open_offline(
    source: Source,
    *,
    snaplen: int | None = None,
    salvage: bool = False,
    max_memory: int = MAX_MEMORY,
    tstamp_precision: str | int = "nano",
) -> Capture:
    """Open a pcap or pcapng file, compressed or not: a path, ``-``, a descriptor or a binary file object.

    snaplen: cut packets to so many bytes, 1 .. 262144; None: leave them as they are. salvage: pass over
    damaged places instead of ending there; Capture.damage counts them. max_memory: bytes that the window
    of a compressed file, or what is kept of a pcapng file's interfaces, may take; beyond it, SavefileError.
    tstamp_precision: as for ``open``. A descriptor is duplicated and stays the caller's, as a file object
    does. Deadlines, breakloop and Ctrl-C end the wait for a pipe's bytes at once; a file object's own
    ``read`` is waited for however long it takes, and what it raises comes out.

    Raises DeviceError for what cannot be opened or read, SavefileError for what is no savefile.
    """
    nano = _is_nano("open_offline", tstamp_precision)
    kept = UNCUT if snaplen is None else _check_snaplen("open_offline", snaplen)
    reader = Reader(source, salvage=salvage, max_memory=max_memory)
    return Capture(SavefilePort(reader), snaplen=kept, nano=nano)


def open_dead(
    linktype: int, snaplen: int = MAXIMUM_SNAPLEN, *, tstamp_precision: str | int = "nano"
) -> Capture:
    """Return a handle without a port: to compile filters for, and to open savefiles with dump_open."""
    nano = _is_nano("open_dead", tstamp_precision)
    snaplen = _check_snaplen("open_dead", snaplen)
    number(linktype, "open_dead: link type", 0, 0xFFFF)
    return Capture(DeadPort(linktype), snaplen=snaplen, nano=nano)


def create(
    device: str,
    *,
    netmap: str | None = None,
    tx_slots: int = 0,
    rx_slots: int = 0,
    backpressure: bool = False,
    timestamps: bool | None = None,
    runtime_dir: Directory = None,
) -> Inactive:
    """Begin to open a port: make settings on what this returns, then ``activate()`` it.

    The keywords are ``open``'s: what netmap's ports have and libpcap has no word for.
    """
    inactive = Inactive(device)
    settings = _netmap_settings(device, tx_slots, rx_slots, backpressure, timestamps, runtime_dir)
    inactive._set(netmap=netmap, **settings)
    return inactive


class Inactive:
    """A port not opened yet: libpcap's handle between pcap_create and pcap_activate.

    What libpcap would say of a setting by its return value is raised, here or by ``activate``.
    """

    def __init__(self, device: str) -> None:
        encoded(device, "the name of a port")
        self._device = device
        self._options = Settings()
        self._timeout: float | None = None
        self._nano = True
        self._activated = False

    def _set(self, **settings: Any) -> None:
        if self._activated:
            raise UsageError(
                f"{self._device}: the setting can't be changed after the handle has been activated",
                name=self._device,
            )
        self._options = replace(self._options, **settings)

    def set_snaplen(self, snaplen: int) -> None:
        """Keep so many bytes of each packet; 0 or less, or more than 262144: no limit."""
        self._set(snaplen=_any_snaplen(self._device, snaplen))

    def set_promisc(self, promisc: bool) -> None:
        """See frames for others, too, where the port is an interface; not of ``any``."""
        self._set(promisc=bool(promisc))

    def set_timeout(self, to_ms: int) -> None:
        """Give reading calls a deadline in milliseconds; 0 or less: none."""
        self._set()
        self._timeout = _seconds(self._device, to_ms)

    def set_immediate_mode(self, immediate: bool) -> None:
        """Deliver each packet when it comes; netmap's ports always do."""
        self._set(immediate=bool(immediate))

    def set_buffer_size(self, nbytes: int) -> None:
        """Ask for a buffer of so many bytes; netmap's ports keep the rings they have."""
        self._set(buffer_size=_check_buffer_size(self._device, nbytes))

    def set_rfmon(self, rfmon: bool) -> None:
        """Ask for monitor mode."""
        self._set(rfmon=bool(rfmon))

    def can_set_rfmon(self) -> bool:
        """Return whether monitor mode may be asked for: no kind of port has it."""
        return False

    def set_tstamp_type(self, tstamp_type: str | int) -> None:
        """Choose one of ``list_tstamp_types()``, or give libpcap's number, PCAP_TSTAMP_*.

        A clock that the device does not have is refused by ``activate``.
        """
        if isinstance(tstamp_type, int):
            name = tstamp_type_val_to_name(tstamp_type)
            if name is None:
                raise UsageError(f"{self._device}: there is no time stamp type {tstamp_type}")
            tstamp_type = name
        try:
            tstamp_type_name_to_val(text(tstamp_type, f"{self._device}: time stamp type"))
        except PcapError as error:
            raise UsageError(f"{self._device}: {error}") from None
        self._set(tstamp_type=tstamp_type.lower())

    def list_tstamp_types(self) -> list[str]:
        """Return the clocks that can stamp packets, by the device's word. Raises DeviceError."""
        return list_tstamp_types(self._device)

    def set_tstamp_precision(self, precision: str | int) -> None:
        """Choose ``nano`` (1), which is the default, or ``micro`` (0).

        Times are nanoseconds in either case; what changes is the savefiles that the handle's dump_open makes.
        """
        self._set()
        self._nano = _is_nano(self._device, precision)

    def set_protocol_linux(self, protocol: int) -> None:
        """Receive packets of one Ethernet type only; 0: of all. Linux interfaces only."""
        self._set(protocol=protocol)

    def set_fanout(self, fanout: Fanout | None) -> None:
        """Share the interface's packets with the handles of a group."""
        self._set(fanout=_check_fanout(self._device, fanout))

    def set_qdisc_bypass(self, bypass: bool) -> None:
        """Send past the queueing discipline. Linux interfaces only."""
        self._set(qdisc_bypass=bool(bypass))

    def set_netmap(self, netmap: str) -> None:
        """Choose ``auto``, ``kernel`` or ``user``."""
        self._set(netmap=text(netmap, f"{self._device}: netmap"))

    def activate(self) -> Capture:
        """Open the port. Raises DeviceError, and may then be tried again with other settings."""
        self._set()
        port = open_port(self._device, self._options)
        capture = Capture(port, snaplen=self._options.snaplen, timeout=self._timeout, nano=self._nano)
        self._activated = True
        return capture


def _netmap_settings(
    name: str,
    tx_slots: int,
    rx_slots: int,
    backpressure: bool,
    timestamps: bool | None,
    runtime_dir: Directory,
) -> dict[str, Any]:
    return {
        "tx_slots": number(tx_slots, f"{name}: tx_slots", 0, _UINT_MAX),
        "rx_slots": number(rx_slots, f"{name}: rx_slots", 0, _UINT_MAX),
        "backpressure": bool(backpressure),
        "timestamps": timestamps if timestamps is None else bool(timestamps),
        "runtime_dir": runtime_dir,
    }


def _check_snaplen(name: str, snaplen: int) -> int:
    return number(snaplen, f"{name}: invalid snapshot length", 1, MAXIMUM_SNAPLEN)


def _any_snaplen(name: str, snaplen: int) -> int:
    """libpcap's pcap_activate: what makes no sense means no limit."""
    number(snaplen, f"{name}: snapshot length", _INT_MIN, _INT_MAX)
    return snaplen if 0 < snaplen <= MAXIMUM_SNAPLEN else MAXIMUM_SNAPLEN


def _check_buffer_size(name: str, nbytes: int) -> int:
    return number(nbytes, f"{name}: buffer size", 1, _INT_MAX)


def _check_fanout(name: str, fanout: Fanout | None) -> Fanout | None:
    if fanout is not None:
        instance(fanout, Fanout, f"{name}: fanout")
    return fanout


def _seconds(name: str, to_ms: int) -> float | None:
    number(to_ms, f"{name}: timeout in milliseconds", _INT_MIN, _INT_MAX)
    return to_ms / 1000 if to_ms > 0 else None


def _is_nano(name: str, precision: str | int) -> bool:
    if precision not in ("micro", "nano", 0, 1):
        raise UsageError(f"{name}: time stamp precision {precision!r}: there are micro and nano")
    return precision in ("nano", 1)
