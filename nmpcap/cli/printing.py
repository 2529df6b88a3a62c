"""Packets as lines: number, time, what nmpcap.decode says, and the dumps of -x, -X and -A."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nmpcap.cli.color import colored, paint
from nmpcap.cli.command import Command
from nmpcap.cli.messages import fail
from nmpcap.decode import Printer
from nmpcap.decode.hexdump import ascii_text, hex_and_ascii, hex_lines
from nmpcap.decode.stamp import stamper
from nmpcap.dlt import datalink_val_to_name
from nmpcap.errors import UsageError
from nmpcap.packet import Packet

__all__ = ["Lines"]


class Lines:
    """Makes the lines of one run: of one source, or of several that are merged.

    What printers remember, of TCP's conversations and for -ttt, goes on from packet to packet.
    """

    def __init__(self, command: Command) -> None:
        self._command = command
        self._stamp = stamper(command.time_form, nano=command.nano)
        self._dump = _dump_of(command)
        self._whole = max(command.ascii, command.hex, command.hex_ascii) > 1
        self._printers: dict[int, Printer] = {}
        self._number = 0
        self._colored = colored(command.color)

    def check(self, linktype: int) -> None:
        """End the program where packets of this link type cannot be printed."""
        try:
            self._printer(linktype)
        except UsageError:
            name = datalink_val_to_name(linktype) or str(linktype)
            raise fail(f"packet printing is not supported for link type {name}: use -w") from None

    def _printer(self, linktype: int) -> Printer:
        printer = self._printers.get(linktype)
        if printer is None:
            command = self._command
            printer = self._printers[linktype] = Printer(
                linktype,
                verbose=min(command.verbose, 3),
                quiet=command.quiet,
                link_header=command.link_header,
                numeric=command.numeric > 0,
                short_names=command.short_names,
                absolute_seq=command.absolute_seq,
                checksums=command.checksums,
                dumps=not (command.hex or command.hex_ascii),
                decode_as=command.decode_as,
                asdot=command.asdot,
                host=_hosts(command),
            )
        return printer

    def of(self, packets: Iterable[Packet], origin: str) -> list[str]:
        """Return the packets' lines, each with its newline. origin: the name of the port they came from."""
        command, stamp, dump = self._command, self._stamp, self._dump
        ring = f"{origin} " if command.ring else ""
        lines = []
        for packet in packets:
            number = f"{self.number():5d}  " if command.numbered else ""
            text, dumped = self.show(packet)
            shown = dump(dumped) if dump is not None and dumped else ""
            time = stamp(packet.ts_ns)
            line = paint(time + ring, text) if self._colored else f"{time}{ring}{text}"
            lines.append(f"{number}{line}{shown}\n")
        return lines

    def number(self) -> int:
        """Count one more packet."""
        self._number += 1
        return self._number

    def show(self, packet: Packet) -> tuple[str, bytes | None]:
        """Return what is printed of one packet behind its time, and the bytes to dump below it, if any."""
        data = packet.data
        try:
            printer = self._printer(packet.linktype)
        except UsageError:
            # Of another interface of a pcapng file than the one that check() has seen.
            name = datalink_val_to_name(packet.linktype) or str(packet.linktype)
            return f"{name}, length {packet.len}{hex_and_ascii(data)}", None
        text = printer(data, packet.len)
        if self._dump is None:
            return text, None
        return text, data if self._whole else data[printer.header_length :]


def _hosts(command: Command) -> Callable[[bytes], str | None] | None:
    if not command.foreign_numeric or command.numeric:
        return None
    from nmpcap.cli.foreign import local_names

    return local_names(command.interfaces[0] if command.interfaces else "any")


def _dump_of(command: Command) -> Callable[[bytes], str] | None:
    if command.hex_ascii:
        return hex_and_ascii
    if command.hex:
        return hex_lines
    return ascii_text if command.ascii else None
