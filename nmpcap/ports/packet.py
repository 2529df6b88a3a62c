"""Linux interfaces through packet sockets: eth0, lo, and any, which is all of them."""

from __future__ import annotations

import errno as errnos
from collections.abc import Sequence
from typing import Any

from nmpcap._arguments import number
from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap._core.which import which_netmap
from nmpcap.dlt import DLT_DOCSIS, DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2
from nmpcap.errors import DeviceError, UsageError
from nmpcap.packet import Explanation
from nmpcap.ports.port import Port, Settings, encode, refuse_netmap_settings, refuse_speed
from nmpcap.savefile import Interface
from nmpcap.savefile.pcapng import Option, encode_options

__all__ = ["PacketPort", "interface_tstamp_types"]

_TSTAMP_TYPES = {
    "host": lib.NM_PACKET_HOST,
    "adapter": lib.NM_PACKET_ADAPTER,
    "adapter_unsynced": lib.NM_PACKET_ADAPTER_UNSYNCED,
}
_CLOCKS = {
    lib.NM_PACKET_HOST: "by the kernel, of the system's clock, nanoseconds",
    lib.NM_PACKET_ADAPTER: "by the adapter, in step with the system's clock, nanoseconds",
    lib.NM_PACKET_ADAPTER_UNSYNCED: "by the adapter, of its own clock, nanoseconds",
}
_FORMATS = {1: "TPACKET_V2", 2: "TPACKET_V3"}
_ARPHRD_ETHER = 1
_METADATA = frozenset(("type", "ifidx", "hatype"))
_TAG_METADATA = frozenset(("vlan_tci", "vlanp", "vlan_tpid"))
_TAGGED = (DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2)
_IF_NAME = 2  # if_name of a pcapng interface


class PacketPort(Port):
    """An interface, or all of them."""

    has_interfaces = True
    live = True
    no_room = "the interface sends as fast as it can; give a timeout= to wait for it"

    def __init__(self, name: str, options: Settings) -> None:
        self.name = name
        if options.rfmon:
            raise DeviceError(errnos.ENOTSUP, f"{name}: That device doesn't support monitor mode", name)
        refuse_speed(name, options)
        refuse_netmap_settings(name, options)
        which_netmap(options.netmap)
        self._snaplen = options.snaplen
        self._met: list[Interface] = []
        self._source = _open(name, options)
        info = ffi.new("struct nm_packet_info *")
        lib.nm_packet_look(self._source, info)
        self.linktype = info.linktype
        self._linktypes = _linktypes(info)
        if options.fanout:
            options.fanout.group = info.fanout_group
        self._facts = _facts_of(info, options)

    @property
    def interfaces(self) -> Sequence[Interface]:  # type: ignore[override]
        """The interfaces met so far, by their names: Packet.interface is an index into this list."""
        for i in range(len(self._met), lib.nm_packet_interfaces(self._source)):
            name = Option(_IF_NAME, ffi.string(lib.nm_packet_interface(self._source, i)))
            self._met.append(
                Interface(self.linktype, self._snaplen, 10**9, 0, 0, encode_options([name]), False)
            )
        return self._met

    @property
    def metadata(self) -> frozenset[str]:  # type: ignore[override]
        """Tags can only be told of packets that they are put back into."""
        return _METADATA | (_TAG_METADATA if self.linktype in _TAGGED else frozenset())

    @property
    def linktypes(self) -> Sequence[int]:
        """Of ``any`` both cooked headers, of Ethernet also what cable modem head-ends send in its place."""
        return self._linktypes

    def set_linktype(self, linktype: int) -> None:
        """Give packets another link type from the next fill on."""
        error = lib.nm_packet_set_linktype(self._source, linktype)
        if error:
            raise self.error(-error, "")
        self.linktype = linktype

    def take_source(self) -> Any:
        """Hand over the source."""
        return self._source

    def explain(self, filter: str) -> Explanation:
        """Return the ring's format and size, whose clock, and what else was asked for."""
        return Explanation(name=self.name, filter=filter, **self._facts)


def _open(name: str, options: Settings) -> Any:
    encoded = encode(name)
    if options.buffer_size is not None and not 0 < options.buffer_size < 1 << 63:
        raise UsageError(f"{name}: buffer size {options.buffer_size}: bytes, more than 0")
    args = ffi.new("struct nm_packet_args *")
    args.name = text = ffi.new("char[]", encoded)  # noqa: F841  (owns the bytes)
    args.snaplen = options.snaplen
    args.buffer_size = options.buffer_size or 0
    args.promisc = options.promisc
    args.immediate = options.immediate
    args.qdisc_bypass = options.qdisc_bypass
    args.tstamp_type = _tstamp_type(name, options.tstamp_type)
    args.protocol = _protocol(name, options.protocol)
    if options.fanout:
        args.fanout = 1
        args.fanout_mode, args.fanout_flags, args.fanout_group = options.fanout.arguments()
    source, msg = ffi.new("struct nm_source **"), ffi.new("char[]", lib.NM_MSG_SIZE)
    error = lib.nm_packet_open(args, source, msg)
    if error:
        raise DeviceError(-error, cstring(msg), name)
    return source[0]


def _tstamp_type(name: str, tstamp_type: str | None) -> int:
    wanted = tstamp_type or "host"
    if wanted not in _TSTAMP_TYPES:
        raise DeviceError(
            errnos.ENOTSUP,
            f"{name}: That type of time stamp is not supported by that device: {wanted}; "
            f"there are {', '.join(_TSTAMP_TYPES)}",
            name,
        )
    return int(_TSTAMP_TYPES[wanted])


def _protocol(name: str, protocol: int | None) -> int:
    if protocol is None:
        return 0
    return number(protocol, f"{name}: protocol", 0, 0xFFFF)


def _linktypes(info: Any) -> tuple[int, ...]:
    if info.ifindex == 0:
        return (DLT_LINUX_SLL2, DLT_LINUX_SLL)
    return (DLT_EN10MB, DLT_DOCSIS) if info.arphrd == _ARPHRD_ETHER else (info.linktype,)


def _facts_of(info: Any, options: Settings) -> dict[str, str]:
    backend = [f"linux packet socket, {_FORMATS[info.version]}"]
    if info.cooked:
        backend.append("cooked")
    backend.append("promiscuous" if info.promisc else "not promiscuous")
    if info.fanout_group >= 0 and options.fanout:
        backend.append(f"fan-out group {info.fanout_group} by {options.fanout.mode}")
    receive = f"{info.rx_blocks} blocks of {info.rx_block_size} bytes to receive"
    if options.immediate:
        receive += f", in frames of {info.rx_frame_size}"
    send = "nothing can be sent" if info.cooked else "sending in batches, past the queueing discipline"
    if not info.cooked and not options.qdisc_bypass:
        send = "sending in batches"
    return {
        "source": "packet",
        "backend": ", ".join(backend),
        "rings": f"{receive}; {send}",
        "timestamps": _CLOCKS[info.tstamp_type],
    }


def interface_tstamp_types(name: str) -> list[str]:
    """Return the clocks that an interface can stamp packets by, ``host`` first. Raises DeviceError."""
    types, msg = ffi.new("uint32_t *"), ffi.new("char[]", lib.NM_MSG_SIZE)
    error = lib.nm_packet_tstamp_types(encode(name), types, msg)
    if error:
        raise DeviceError(-error, cstring(msg), name)
    return [text for text, number in _TSTAMP_TYPES.items() if types[0] & 1 << number]
