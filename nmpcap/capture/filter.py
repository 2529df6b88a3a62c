"""The filter of a handle: in user space always, in the kernel as well where the port has one to ask.

Both judge by the same rules, so that nobody can tell where a packet was refused, except by the
counters. What was queued before a change is judged in user space by the new filter.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nmpcap._core import ffi, lib
from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.dlt import DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NETLINK, datalink_val_to_name
from nmpcap.errors import FilterError, PcapError
from nmpcap.ports import Port

if TYPE_CHECKING:
    from nmpcap.bpf.check import Fault
    from nmpcap.filter import Program

__all__ = ["Filter", "linktype_name"]

_NOTHING = ((0x06, 0, 0, 0),)  # ret #0
_COOKED = {DLT_LINUX_SLL: 16, DLT_NETLINK: 16, DLT_LINUX_SLL2: 20}


@dataclass(frozen=True)
class _Text:
    """An expression, with what else it was set with: to be compiled again for another link type."""

    expression: str
    optimize: bool
    netmask: int | None


class Filter:
    """What one handle delivers. The handle must have been entered for all but ``str()``."""

    def __init__(self, port: Port, core: Any) -> None:
        self._port = port
        self._core = core
        self._text: _Text | None = None
        self._program: Program | None = None
        self._where = "none"

    def __str__(self) -> str:
        """Return where it runs."""
        return self._where

    @property
    def expression(self) -> str | None:
        """The text it was made from, None where there is none."""
        return self._program.origin.text if self._program and self._program.origin else None

    def set_text(self, expression: str, optimize: bool, netmask: int | None) -> None:
        """Set an expression; FilterError leaves what was there."""
        text = _Text(expression, optimize, netmask)
        linktype = self._port.linktype
        program = self._compile(text, linktype)
        if program is None or not self._port.mixed:
            self._set(program, linktype)
            self._text = text
            return
        self._set(program, linktype, lib.NM_FILTER_EACH_LINKTYPE | lib.NM_FILTER_NEW_ONLY)
        self._text = text
        for other in sorted({interface.linktype for interface in self._port.interfaces} - {linktype}):
            self._set_for(other)
        lib.nm_capture_judge_again(self._core)

    def extend(self) -> bool:
        """Compile the text for the link type of packets that wait for that; whether there are any."""
        linktype = lib.nm_capture_wanted(self._core)
        if linktype >= 0:
            self._set_for(linktype)
        return bool(linktype >= 0)

    def _set_for(self, linktype: int) -> None:
        assert self._text is not None
        try:
            program = self._compile(self._text, linktype)
        except FilterError as error:
            program = None
            reason = str(error).splitlines()[0]
            self._where += f"; nothing of link type {linktype_name(linktype)} passes: {reason}"
        held = program or _nothing()
        if lib.nm_capture_filter_for(self._core, held.native.pointer, linktype):
            raise MemoryError(f"{self._port.name}: no memory for another filter")

    def set_program(self, program: Program | None) -> None:
        """Set a program, or nothing; PcapError leaves what was there."""
        self._check(program, self._port.linktype)
        self._set(program, self._port.linktype)
        self._text = None

    def prepare(self, linktype: int) -> Program | None:
        """Return what the filter is for another link type; PcapError if it is a program for this one."""
        if self._text:
            return self._compile(self._text, linktype)
        self._check(self._program, linktype)
        return self._program

    def follow(self, program: Program | None) -> None:
        """Go over to what ``prepare`` returned: the port's link type has changed.

        Packets that wait in the handle are of the one before, and have passed.
        """
        self._set(program, self._port.linktype, lib.NM_FILTER_NEW_ONLY)

    def _compile(self, text: _Text, linktype: int) -> Program | None:
        if not text.expression.strip():
            return None
        from nmpcap.filter import compile

        return compile(
            text.expression,
            linktype=linktype,
            snaplen=MAXIMUM_SNAPLEN,
            netmask=text.netmask,
            optimize=text.optimize,
            live=self._port.live,
            savefile=self._port.savefile,
        )

    def _check(self, program: Program | None, linktype: int) -> None:
        if program is None:
            return
        name = self._port.name
        if program.linktype != linktype:
            theirs, ours = linktype_name(program.linktype), linktype_name(linktype)
            raise PcapError(
                f"{name}: the filter is for link type {theirs}, the packets are {ours}", name=name
            )
        unknown = sorted(program.native.metadata - self._port.metadata)
        if unknown:
            raise PcapError(
                f"{name}: the filter asks for the packet's metadata ({', '.join(unknown)}), which this port "
                "does not hand over; test bytes of the packet instead"
            )

    def _set(self, program: Program | None, linktype: int, flags: int = 0) -> None:
        pointer, machine = ffi.NULL, ""
        if program is not None:
            pointer, machine = program.native.pointer, program.machine
            flags |= lib.NM_FILTER_TAGS_ASIDE if self._port.live and program.live else 0
        refusal = self._tell_kernel(program, linktype) if self._port.live else None
        lib.nm_capture_filter(self._core, pointer, linktype, flags)
        self._program = program
        if program is None:
            self._where = "none"
        elif not self._port.live:
            self._where = f"in user space, {machine}"
        elif refusal is None:
            self._where = f"in the kernel and in user space, {machine}"
        else:
            self._where = f"in user space, {machine} (not in the kernel: {refusal})"

    def _tell_kernel(self, program: Program | None, linktype: int) -> str | None:
        """Have the kernel drop what it can; return why it drops nothing."""
        translated = self._translate(program, linktype) if program else ()
        if not isinstance(translated, tuple):
            lib.nm_capture_kernel_filter(self._core, ffi.NULL, 0)
            return translated.reason
        insns = ffi.new("struct nm_insn[]", translated)
        error = lib.nm_capture_kernel_filter(self._core, insns, len(translated))
        if error:
            # The one before is still there, and must not go on dropping. Without it there may be memory.
            lib.nm_capture_kernel_filter(self._core, ffi.NULL, 0)
        if error == -errno.ENOMEM:
            error = lib.nm_capture_kernel_filter(self._core, insns, len(translated))
        return os.strerror(-error) if error else None

    def _translate(self, program: Program, linktype: int) -> tuple[Any, ...] | Fault:
        from nmpcap.bpf.kernel import kernel_program

        return kernel_program(
            program.instructions,
            keep=lib.nm_capture_snaplen(self._core),
            header=_COOKED.get(linktype, 0),
            tags=not program.live,
        )


def _nothing() -> Program:
    """A program that accepts nothing."""
    from nmpcap.filter import Program

    return Program.from_instructions(_NOTHING)


def linktype_name(linktype: int) -> str:
    """Return the link type's name, or its number where it has none."""
    return datalink_val_to_name(linktype) or f"DLT {linktype}"
