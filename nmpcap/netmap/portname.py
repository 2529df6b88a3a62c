"""Port names in Python: what one means, or where and why it is none. The parsers are the core's."""

from __future__ import annotations

from dataclasses import dataclass

from nmpcap._arguments import encoded
from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap.errors import PortNameError

__all__ = ["PortName", "parse_port_name"]


@dataclass(frozen=True)
class PortName:
    """What a port name says. ``mode`` is an ``NR_REG_*`` number, ``flags`` are ``NR_*``; 0: not given."""

    name: str
    mode: int
    ringid: int
    flags: int
    mem_id: int


def parse_port_name(spec: str, *, legacy: bool = False) -> PortName:
    """Read a port name: libnetmap's grammar, or with ``legacy`` that of netmap_user.h.

    In a legacy name the ends of a pipe are modes, and ``ringid`` is the pipe's number. Options
    (``@share=...``) are checked and left out. Raises PortNameError; its ``foreign`` tells names
    that are not netmap's from wrong ones.
    """
    name_given = encoded(spec, "a port name")
    error = ffi.new("struct nm_portname_error *")
    if legacy:
        req = ffi.new("struct nmreq *")
        if lib.nm_portname_legacy(name_given, req, error):
            raise _refusal(spec, error)
        mode = req.nr_flags & lib.NR_REG_MASK
        name = cstring(req.nr_name)
        return PortName(name, mode, req.nr_ringid, req.nr_flags ^ mode, req.nr_arg2)
    header = ffi.new("struct nmreq_header *")
    reg = ffi.new("struct nmreq_register *")
    options = ffi.new("struct nm_portname_options *")
    position = ffi.new("size_t *")
    if (
        lib.nm_portname_header(name_given, position, header, error)
        or lib.nm_portname_register(name_given, position, reg, error)
        or lib.nm_portname_options(name_given, position, options, error)
    ):
        raise _refusal(spec, error)
    name = cstring(header.nr_name)
    return PortName(name, reg.nr_mode, reg.nr_ringid, reg.nr_flags, reg.nr_mem_id)


def _refusal(spec: str, error: ffi.CData) -> PortNameError:
    reason = cstring(lib.nm_portname_reason(error.fault))
    foreign = error.fault == lib.NM_PORTNAME_FOREIGN and error.position == 0
    where = "" if foreign else f", character {error.position + 1}"
    return PortNameError(f"{spec!r} is not a port name{where}: {reason}", error.position, foreign=foreign)
