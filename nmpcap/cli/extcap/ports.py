"""What is listed, and what an interface's name means: a copy of a port's traffic, a port, all of a switch."""

from __future__ import annotations

import re
from dataclasses import dataclass

import nmpcap
from nmpcap import Capture, UsageError
from nmpcap.devices import DeviceInfo, findalldevs

__all__ = ["ANY_PORT", "HOW", "Wanted", "is_switch", "listed"]

ANY_PORT = "nmpcap"  # the interface whose port is given by name
HOW = ("auto", "monitor", "port")

_SWITCH = re.compile(r"vale[^:]*")
_MONITOR = re.compile(r"/[rtz]+$")


def listed() -> list[tuple[str, str]]:
    """Return names and descriptions: switches, ports that exist, and the interface for any port."""
    ports = [device for device in findalldevs() if device.netmap]
    switches = dict.fromkeys(port.name.partition(":")[0] for port in ports if _SWITCH.match(port.name))
    return [
        *((switch, f"All that is sent on switch {switch}") for switch in switches),
        *((port.name, port.description or port.name) for port in ports),
        (ANY_PORT, "nmpcap: a port by its name"),
    ]


def is_switch(name: str) -> bool:
    """Whether a name is a switch's, not a port's."""
    return _SWITCH.fullmatch(name) is not None


@dataclass(frozen=True)
class Wanted:
    """What to capture from, as the contract's words say it.

    how: ``monitor``, a copy of what passes at a port that somebody has open; ``port``, be the port, and take
    its packets; ``auto``, the former where somebody has it. runtime_dir: None for the environment's.
    """

    name: str
    how: str
    snaplen: int
    filter: str
    runtime_dir: str | None

    def sources(self) -> list[str]:
        """Return the names to open; of a switch a monitor for each port it has now.

        Raises UsageError for a switch without ports.
        """
        ports = {port.name: port for port in findalldevs(runtime_dir=self.runtime_dir) if port.netmap}
        if is_switch(self.name):
            return [f"{name}/t" for name, port in ports.items() if self._on_switch(port)]
        monitored = self.how == "monitor" or (
            self.how == "auto" and self.name in ports and ports[self.name].running
        )
        return [f"{self.name}/rt" if monitored and not _MONITOR.search(self.name) else self.name]

    def _on_switch(self, port: DeviceInfo) -> bool:
        return port.name.startswith(f"{self.name}:") and port.running

    def open(self, source: str) -> Capture:
        """Open one of the sources, with the filter. Raises PcapError."""
        netmap = source.startswith(("netmap:", "vale"))
        capture = nmpcap.open(source, snaplen=self.snaplen, runtime_dir=self.runtime_dir if netmap else None)
        try:
            capture.setfilter(self.filter)
        except BaseException:
            capture.close()
            raise
        return capture

    def check(self) -> None:
        """Raise UsageError where no port is named."""
        if not self.name:
            raise UsageError("which port? Its name belongs in the interface's options, or behind --port")
