"""The sockets that scapy receives from and sends on: layer 2, layer 2 for listening only, layer 3."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from scapy.config import conf
from scapy.data import ETH_P_ALL, MTU
from scapy.error import Scapy_Exception
from scapy.interfaces import network_name, resolve_iface
from scapy.packet import Raw
from scapy.supersocket import SuperSocket

import nmpcap
from nmpcap.errors import PcapError

from .._shared_port import Queue, SharedPort

__all__ = ["NmpcapL3Socket", "NmpcapListenSocket", "NmpcapSocket"]

_NS = 1_000_000_000


class NmpcapSocket(SuperSocket):  # type: ignore[misc]
    """Frames of a port, in and out. One thread may receive while others send.

    Takes what scapy's own sockets take; ``type`` is the only EtherType to receive, of Ethernet. Raises
    nmpcap's DeviceError where the port cannot be opened, Scapy_Exception for a filter that is none.
    """

    desc = "read/write packets at layer 2 on a port of nmpcap's"

    def __init__(
        self,
        iface: Any = None,
        type: int = ETH_P_ALL,
        promisc: bool | None = None,
        filter: str | None = None,
        nofilter: int = 0,
        monitor: bool | None = None,
        **_of_others: Any,
    ) -> None:
        self.closed = True  # until there is something to close: __del__ comes in any case
        self.iface = network_name(iface or conf.iface)
        self.type = type
        self.promisc = conf.sniff_promisc if promisc is None else promisc
        if monitor:
            raise Scapy_Exception(f"{self.iface}: there is no monitor mode")
        chooser = partial(_chooser, type, _filter_text(filter, nofilter))
        self._queue: Queue = SharedPort.join(self.iface, bool(self.promisc), chooser)
        self.closed = False
        self.ins: Any = self._queue.port.capture
        self.outs: Any = self.ins
        linktype = self.ins.datalink()
        self.LL = conf.l2types.num2layer.get(linktype) or conf.l3types.num2layer.get(linktype) or Raw
        self.lvl = 3 if linktype not in conf.l2types.num2layer and linktype in conf.l3types.num2layer else 2

    def recv_raw(self, x: int = MTU) -> tuple[Any, bytes | None, float | None]:
        """Return (layer, bytes, seconds since the epoch) of the next packet, waiting for it.

        EOFError at the end of a savefile, nmpcap's DeviceError where the port has gone.
        """
        while True:
            found = self._queue.take()
            if found is not None:
                data, ts_ns = found
                seconds, fraction = divmod(ts_ns, _NS)
                return self.LL, data[:x], seconds + fraction * 1e-9
            if self._queue.port.ended:
                raise self._queue.port.ended
            self.select([self], None)

    def nonblock_recv(self, x: int = MTU) -> Any:
        """Return the next packet that is there, or None."""
        return self.recv(x) if self.select([self], 0) else None

    def send(self, x: Any) -> int:
        """Send a packet or bytes; return how many bytes. Raises nmpcap's DeviceError."""
        return self._send_frame(x, bytes(x))

    def _send_frame(self, packet: Any, frame: bytes) -> int:
        now = time.time_ns()
        with contextlib.suppress(AttributeError):  # bytes take none
            packet.sent_time = now / _NS
        return self._queue.port.send(frame, self._queue, now)

    def fileno(self) -> int:
        """Return a descriptor that is readable while packets wait."""
        return self._queue.fileno()

    def close(self) -> None:
        """Let go of the port, unless other sockets have it, too; may be repeated."""
        if not self.closed:
            self.closed = True
            self._queue.close()

    @staticmethod
    def select(sockets: Sequence[Any], remain: float | None = conf.recv_poll_rate) -> list[Any]:
        """Return those of the sockets, of any kind, that have something; none after ``remain`` seconds."""
        deadline = None if remain is None else time.monotonic() + remain
        poll = select.poll()
        waiting = {}
        for socket in sockets:
            waiting[socket.fileno()] = socket
            poll.register(socket, select.POLLIN)
        has_packets = {
            socket for socket in sockets if isinstance(socket, NmpcapSocket) and socket._queue.look()
        }
        while True:
            left = 0.0 if has_packets else deadline and max(0.0, deadline - time.monotonic())
            events = [waiting[fd] for fd, _ in poll.poll(None if left is None else left * 1000)]
            ready = [
                s for s in events if not isinstance(s, NmpcapSocket) or s in has_packets or s._queue.look()
            ]
            if ready or (left is not None and left <= 0):
                return ready


class NmpcapListenSocket(NmpcapSocket):
    """Frames that come in at a port, and those that this process's other sockets send on it."""

    desc = "read packets at layer 2 on a port of nmpcap's"

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.outs = None

    def send(self, x: Any) -> NoReturn:
        """Raise Scapy_Exception: this one only listens."""
        raise Scapy_Exception(f"{self.iface}: a socket that listens sends nothing")


class NmpcapL3Socket(NmpcapSocket):
    """Packets of layer 3: received without their frame's header, sent with one that is made for them."""

    desc = "read/write packets at layer 3 on a port of nmpcap's"

    def recv(self, x: int = MTU, **keywords: Any) -> Any:
        """Return what the next frame carries, waiting for it."""
        frame = super().recv(x, **keywords)
        if frame is None or self.lvl == 3:
            return frame
        frame.payload.time = frame.time
        return frame.payload

    def send(self, x: Any) -> int:
        """Send a packet in a frame to the neighbour that it is for, who is asked for its address."""
        if self.lvl == 3 or self._queue.port.capture.datalink() != nmpcap.DLT_EN10MB:
            return self._send_frame(x, bytes(x) if self.lvl == 3 else bytes(self.LL() / x))
        from .neighbours import ethernet_header

        return self._send_frame(x, bytes(ethernet_header(x, resolve_iface(self.iface)) / x))


def _filter_text(filter: str | None, nofilter: int) -> str | None:
    if nofilter:
        return None
    if conf.except_filter:
        unwanted = f"not ({conf.except_filter})"
        return f"({filter}) and {unwanted}" if filter else unwanted
    return filter


def _chooser(type: int, text: str | None, linktype: int) -> Callable[[bytes], bool]:
    """What says of a packet whether a socket of that EtherType and filter is to have it."""
    try:
        program = nmpcap.compile(text, linktype=linktype) if text else None
    except PcapError as error:
        raise Scapy_Exception(f"Cannot set filter: {error}") from error
    typed = type != ETH_P_ALL and linktype == nmpcap.DLT_EN10MB

    def wanted(data: bytes) -> bool:
        if typed and int.from_bytes(data[12:14], "big") != type:
            return False
        return program is None or bool(program.match(data))

    return wanted
