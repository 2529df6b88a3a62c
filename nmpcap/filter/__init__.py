"""pcap-filter text -> a program: ``compile``, and ``stages`` for whoever wants to look inside.

    syntax (lex -> parse) -> expand -> optimize -> codegen

Each stage is a folder that imports from earlier ones at most; ``ir``, ``graph`` and ``ranges`` are what they
hand on, ``names`` what they ask, and ``pipeline`` puts them in a row. They are pure: the same
text, options and answers of the resolver give the same program. Language and verdicts are
those of pcap-filter(7) and libpcap 1.11, errors contain libpcap's words, and the time taken
grows with the length of the text.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache

from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.bpf.program import Program
from nmpcap.dlt import DLT_EN10MB
from nmpcap.filter.expand.linklayer import Options
from nmpcap.filter.explain import Origin
from nmpcap.filter.names import NameAsked, NoNames, RecordingResolver, Resolver, SystemResolver
from nmpcap.filter.pipeline import Stages, run

__all__ = ["Options", "Program", "Resolver", "Stages", "SystemResolver", "compile", "stages"]

_LONGEST_KEPT = 1024  # characters of an expression whose program is kept


def compile(
    text: str | None,
    *,
    linktype: int = DLT_EN10MB,
    snaplen: int = MAXIMUM_SNAPLEN,
    netmask: int | None = None,
    optimize: bool = True,
    resolver: Resolver | None = None,
    live: bool = False,
    savefile: bool = False,
    scoped: bool = False,
    extension_headers: bool = False,
) -> Program:
    """Compile a filter expression for packets of one link type; empty text or None accepts all.

    ``linktype`` is a DLT value, ``snaplen`` what a matching packet's verdict is, ``netmask`` (an int, host
    byte order) what ``ip broadcast`` goes by; None and 0xffffffff stand for unknown. ``resolver``
    answers for names, by default the system's; filters of numbers never ask it.

    ``live`` says the program is for a Linux packet socket, whose metadata then answers ``inbound``,
    ``ifindex`` and the outermost ``vlan``; ``savefile`` that packets come from a file, which another
    system may have written (address families differ). Neither is what pcap_open_dead gives.

    Two switches leave pcap-filter(7): ``scoped`` ends the effect of ``vlan``, ``mpls`` and their like with
    the ``or``, ``not`` or parenthesis they stand in; ``extension_headers`` makes ports, protocols and
    accessors such as ``tcp[13]`` look behind IPv6 extension headers.

    The same text with the same options may give the same Program again, unless it holds names.

    Raises FilterError, whose ``position`` is the offending character; its message points at it.
    """
    text = text or ""
    options = Options(linktype, snaplen, netmask, optimize, live, savefile, scoped, extension_headers)
    with suppress(NameAsked):
        return _again(text, options) if len(text) <= _LONGEST_KEPT else _compile(text, options, NoNames())
    return _compile(text, options, resolver or SystemResolver())


def _compile(text: str, options: Options, resolver: Resolver) -> Program:
    asked = RecordingResolver(resolver)
    instructions = run(text, options, asked).instructions
    origin = Origin(text, options, asked.answers)
    return Program(instructions, linktype=options.linktype, snaplen=options.snaplen, origin=origin)


@lru_cache(maxsize=256)
def _again(text: str, options: Options) -> Program:
    """Compile a filter of numbers once; what a name stands for may change from one moment to the next."""
    return _compile(text, options, NoNames())


def stages(text: str, options: Options | None = None, resolver: Resolver | None = None) -> Stages:
    """Compile like ``compile``, and return what every stage made; each prints."""
    return run(text, options or Options(), resolver or SystemResolver())
