"""Ports of netmap's: of a switch, an interface, an end of a pipe, a monitor."""

from __future__ import annotations

from typing import Any

from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap._core.which import which_netmap
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
        source, msg = ffi.new("struct nm_source **"), ffi.new("char[]", lib.NM_MSG_SIZE)
        error = lib.nm_netmap_source_open(encode(name), which_netmap(options.netmap), source, msg)
        if error:
            text = cstring(msg)
            raise DeviceError(-error, text or f"{name}: cannot be opened", name)
        self._source = source[0]
        self._facts = self._look()

    def _look(self) -> dict[str, str]:
        info = ffi.new("struct nm_desc_info *")
        lib.nm_desc_info(lib.nm_netmap_source_desc(self._source), info)
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
