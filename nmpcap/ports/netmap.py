"""Ports of netmap's: of a switch, an interface, an end of a pipe, a monitor."""

from __future__ import annotations

from typing import Any

from nmpcap._arguments import warn_of_less
from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap._core.which import runtime_directory, which_netmap
from nmpcap.errors import DeviceError
from nmpcap.packet import Explanation
from nmpcap.ports.port import Port, Settings, encode, refuse_interface_settings, refuse_speed

__all__ = ["NetmapPort"]


class NetmapPort(Port):
    """A port of netmap's: of a switch, an interface, an end of a pipe, a monitor."""

    def __init__(self, name: str, options: Settings) -> None:
        self.name = name
        refuse_interface_settings(name, options)
        refuse_speed(name, options)
        self._source = _open(name, options)
        info = ffi.new("struct nm_desc_info *")
        lib.nm_desc_info(lib.nm_netmap_source_desc(self._source), info)
        self._facts = self._facts_of(info)
        warn_of_less(name, "tx_slots", options.tx_slots, info.reg.nr_tx_slots, 4)
        warn_of_less(name, "rx_slots", options.rx_slots, info.reg.nr_rx_slots, 4)

    def _facts_of(self, info: Any) -> dict[str, str]:
        reg = info.reg
        stamped = lib.nm_netmap_source_stamped(self._source)
        return {
            "source": "netmap",
            "backend": f"{cstring(info.netmap)} netmap",
            "rings": f"{info.rx_rings} to receive, of {reg.nr_rx_slots} slots; {info.tx_rings} to send, "
            f"of {reg.nr_tx_slots} slots; buffers of {info.buf_size} bytes",
            "timestamps": "each packet's own, nanoseconds"
            if stamped
            else "of the sync that brought it, microseconds",
        }

    def take_source(self) -> Any:
        """Hand over the source."""
        return self._source

    def explain(self, filter: str) -> Explanation:
        """Return netmap's backend, rings and slots."""
        return Explanation(name=self.name, filter=filter, **self._facts)


def _open(name: str, options: Settings) -> Any:
    slots = {"nr_tx_slots": options.tx_slots, "nr_rx_slots": options.rx_slots}
    held = (  # for as long as C looks at them
        ffi.new("char[]", encode(name)),
        ffi.new("struct nmreq_register *", slots),
        runtime_directory(options.runtime_dir),
    )
    args = ffi.new("struct nm_open_args *")
    args.name, args.req, args.runtime_dir = held
    args.which = which_netmap(options.netmap)
    args.backpressure = options.backpressure
    args.timestamps = lib.NM_TIMESTAMPS_IF_ANY if options.timestamps is None else options.timestamps
    source, msg = ffi.new("struct nm_source **"), ffi.new("char[]", lib.NM_MSG_SIZE)
    error = lib.nm_netmap_source_open(args, source, msg)
    if error:
        raise DeviceError(-error, cstring(msg) or f"{name}: cannot be opened", name)
    return source[0]
