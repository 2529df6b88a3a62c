"""Ports for ptf and oftest: ``config["dataplane"]["portclass"] = nmpcap.compat.ptf.Port``, or ptf's platform.

    ptf --platform-dir "$(python -m nmpcap.compat.ptf)" -P nmpcap_ports --allow-user -i 0-1@vale0:a ...

Names are what nmpcap.open takes, or names of the device map. ptf has its ports made with a device's number
and its configuration, and wants four things of a received packet; oftest gives neither, and wants two.
"""

from __future__ import annotations

import errno as errnos
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nmpcap.errors import DeviceError

from ._devices import hardware_address
from ._shared_port import Queue, SharedPort

__all__ = ["Port", "platform_folder"]

_RECV_SIZE = 4096  # ptf's own default, bytes


class Port:
    """A port of the data plane: ``Port(name, device, port, config)`` for ptf, ``Port(name, port)`` oftest.

    One thread receives, others may send. Raises nmpcap's DeviceError where it cannot be opened.
    """

    def __init__(
        self,
        interface_name: str,
        device_or_port: int,
        port_number: int | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self.interface_name = interface_name
        self._of_ptf = port_number is not None
        self.device_number = device_or_port if self._of_ptf else 0
        self.port_number = device_or_port if port_number is None else port_number
        self.recv_size = int((config or {}).get("socket_recv_size", _RECV_SIZE))
        self._link = _Link()
        self._received = self._sent = 0
        link = self._link
        self._queue: Queue | None = SharedPort.join(interface_name, True, lambda _linktype: link.carries)

    def _open(self) -> Queue:
        if self._queue is None:
            raise DeviceError(errnos.EBADF, f"{self.interface_name}: this port has been closed")
        return self._queue

    def fileno(self) -> int:
        """Return a descriptor that is readable while packets wait."""
        return self._open().fileno()

    def get_packet_source(self) -> Port:
        """Return what packets are received from."""
        return self

    def recv(self) -> Any:
        """Return the next packet: (device, port, bytes, seconds since the epoch), or for oftest the last two.

        None where there is none after all. Raises EOFError at the end of a savefile.
        """
        queue = self._open()
        queue.look()
        found = queue.take()
        if found is None:
            if queue.port.ended:
                raise queue.port.ended
            return None
        if self._is_forgotten():
            return None
        self._received += 1
        data, ts_ns = found
        packet = data[: self.recv_size], ts_ns / 1e9
        return (self.device_number, self.port_number, *packet) if self._of_ptf else packet

    def _is_forgotten(self) -> bool:
        """Whether ptf has removed this port: it tells nobody, and its thread trips over more packets."""
        plane = getattr(sys.modules.get("ptf"), "dataplane_instance", None)
        added = hasattr(self, "_port_number")  # port_add says so
        return added and plane is not None and (self.device_number, self.port_number) not in plane.ports

    def send(self, packet: Any) -> int:
        """Send bytes, or what has them; return how many. Raises DeviceError, ENETDOWN while it is down."""
        queue = self._open()
        if not self._link.up:
            raise DeviceError(errnos.ENETDOWN, f"{self.interface_name}: sending while it is down")
        sent = queue.port.send(bytes(packet), queue, time.time_ns())
        self._sent += 1
        return sent

    inject = send

    def down(self) -> None:
        """Take the link down, for this program: nothing is received or sent until ``up``."""
        self._link.up = False

    def up(self) -> None:
        """Have the link up again."""
        self._link.up = True

    def mac(self) -> str:
        """Return the port's Ethernet address as text, which ptf's tests decode as if it were bytes."""
        return _Mac(hardware_address(self.interface_name))

    def nn_counters(self) -> tuple[int, int]:
        """Return how many packets have been received and sent."""
        return self._received, self._sent

    def close(self) -> None:
        """Let go of the port; may be repeated."""
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.close()

    def __del__(self) -> None:
        if getattr(self, "_queue", None) is not None:
            self.close()


class _Link:
    """Whether a port is up; apart from the port, which its queue must not refer to."""

    up = True

    def carries(self, _data: bytes) -> bool:
        return self.up


class _Mac(str):
    __slots__ = ()

    def decode(self, encoding: str = "ascii", errors: str = "strict") -> str:
        return str(self)


def platform_folder() -> Path:
    """Return what ptf's ``--platform-dir`` takes; the platform in it is ``nmpcap_ports``."""
    return Path(__file__).parent / "_ptf_platform"


if __name__ == "__main__":
    print(platform_folder())
