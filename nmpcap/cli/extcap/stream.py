"""Packets into Wireshark's fifo, as pcapng with an interface a port, until it has had enough.

It says so by SIGTERM, or by closing its end, which is seen even when no packet comes.
"""

from __future__ import annotations

import contextlib
import errno as errnos
import os
import select
import signal
import stat
import time
from collections.abc import Iterator

from nmpcap import Capture, DeviceError, Packet, PcapError, open_writer
from nmpcap.capture.dump import describe_port
from nmpcap.cli.extcap.control import Control
from nmpcap.cli.extcap.ports import Wanted, is_switch
from nmpcap.savefile import Interface, Writer

__all__ = ["let_go", "stream"]

_BATCH = 1024
_READER_COMES = 3  # seconds after the start, if it comes at all
_LOOK_AROUND = 0.5  # seconds between looks at what has joined a switch


class _Enough(Exception):
    """A signal ends the capture."""


def stream(wanted: Wanted, fifo: str, control: Control) -> None:
    """Capture into a fifo until SIGTERM or SIGINT, the end of a savefile, or until its reader has gone.

    Raises PcapError where nothing can be captured, and for what goes wrong later, when the fifo has what
    came before.
    """
    with contextlib.suppress(_Enough), _signals(), contextlib.closing(_Ports(wanted)) as ports:
        ports.look()
        # Waits for Wireshark to open its end.
        with open(fifo, "wb", buffering=0) as file, _reader_may_go():
            writer = open_writer(file.fileno(), ports.linktype, format="pcapng", compression=None)
            writer.describe_from(lambda first: ports.interfaces[first:])
            try:
                writer.flush()
                _fill(writer, ports, file.fileno(), control)
            finally:
                writer.close()


def _fill(writer: Writer, ports: _Ports, fd: int, control: Control) -> None:
    while not ports.ended:
        if ports.wait(fd):
            raise _Enough
        for packets in ports.packets():
            writer.write_many(packets)
        writer.flush()
        control.status(f"{writer.packets} packets, {ports.dropped} dropped")


def let_go(fifo: str) -> None:
    """Open and close a fifo: its reader, who may not have it open yet, would wait for a writer for ever."""
    until = time.monotonic() + _READER_COMES
    while time.monotonic() < until:
        try:
            if not stat.S_ISFIFO(os.stat(fifo).st_mode):
                return
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
            return
        except OSError as error:
            if error.errno != errnos.ENXIO:
                return
        time.sleep(0.02)


class _Ports:
    """The ports that are captured from, each an interface of the file."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._captures: dict[str, Capture] = {}
        self.interfaces: list[Interface] = []
        self.ended = False
        self._looked = 0.0

    @property
    def linktype(self) -> int:
        return next((capture.datalink() for capture in self._captures.values()), 1)

    @property
    def dropped(self) -> int:
        return sum(capture.stats().dropped for capture in self._captures.values())

    def look(self) -> None:
        """Open what is not open yet. Ports of a switch come and go; any other has to be there."""
        self._looked = time.monotonic()
        for source in self._wanted.sources():
            if source in self._captures:
                continue
            try:
                capture = self._wanted.open(source)
            except DeviceError:
                if is_switch(self._wanted.name):
                    continue
                raise
            self._captures[source] = capture
            self.interfaces.append(
                describe_port(source, capture.datalink(), capture.snapshot(), self._wanted.filter)
            )

    def wait(self, reader: int) -> bool:
        """Wait a while for packets; whether the reader of a pipe has gone."""
        poll = select.poll()
        poll.register(reader, 0)
        always = False
        for capture in self._captures.values():
            try:
                poll.register(capture.fileno(), select.POLLIN)
            except DeviceError:
                always = True  # a savefile, which does not let one wait
        events = poll.poll(0 if always else _LOOK_AROUND * 1000)
        if is_switch(self._wanted.name) and time.monotonic() >= self._looked + _LOOK_AROUND:
            self.look()
        return any(fd == reader for fd, _ in events)

    def packets(self) -> Iterator[list[Packet]]:
        """Give what has come, a port's after another's, with the numbers of their interfaces."""
        for number, capture in enumerate(self._captures.values()):
            batch = capture.next_batch(_BATCH, 0)
            if batch is not None:
                yield [
                    Packet(each.data, each.ts_ns, each.len, each.linktype, number, each.outgoing)
                    for each in batch
                ]
            elif self._wanted.name.startswith("file:"):
                self.ended = True

    def close(self) -> None:
        for capture in self._captures.values():
            capture.close()


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    def enough(*_: object) -> None:
        raise _Enough

    before = {number: signal.signal(number, enough) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _reader_may_go() -> Iterator[None]:
    """Wireshark that closes its end is no error."""
    try:
        yield
    except PcapError as error:
        if getattr(error, "errno", None) != errnos.EPIPE:
            raise
