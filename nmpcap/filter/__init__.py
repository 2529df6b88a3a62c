"""pcap-filter text -> a program: ``compile``, and ``stages`` for whoever wants to look inside.

    syntax (lex -> parse) -> expand -> optimize -> codegen

Each stage is a folder that imports from earlier ones at most; ``ir``, ``graph`` and ``ranges`` are what they
hand on, ``names`` what they ask, and ``pipeline`` puts them in a row. They are pure: the same
text, options and answers of the resolver give the same program. Language and verdicts are
those of pcap-filter(7) and libpcap 1.11, errors contain libpcap's words, and the time taken
grows with the length of the text.
"""

from __future__ import annotations

from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.bpf.program import Program
from nmpcap.dlt import DLT_EN10MB
from nmpcap.filter.expand.linklayer import Options
from nmpcap.filter.explain import Origin
from nmpcap.filter.names import RecordingResolver, Resolver, SystemResolver
from nmpcap.filter.pipeline import Stages, run

__all__ = ["Options", "Program", "Resolver", "Stages", "SystemResolver", "compile", "stages"]


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

    Raises FilterError, whose ``position`` is the offending character; its message points at it.
    """
    asked = RecordingResolver(resolver or SystemResolver())
    options = Options(linktype, snaplen, netmask, optimize, live, savefile, scoped, extension_headers)
    instructions = run(text or "", options, asked).instructions
    origin = Origin(text or "", options, asked.answers)
    return Program(instructions, linktype=linktype, snaplen=snaplen, origin=origin)


def stages(text: str, options: Options | None = None, resolver: Resolver | None = None) -> Stages:
    """Compile like ``compile``, and return what every stage made; each prints."""
    return run(text, options or Options(), resolver or SystemResolver())
