"""Fuzz target: any text as a filter expression, for several link types.

It compiles, or is refused with a place in the text, in bounded time; what compiles passes the check of
programs, and has one verdict in the core and in Python.
"""

from __future__ import annotations

from nmpcap import FilterError, dlt
from nmpcap import filter as pcap_filter
from nmpcap.bpf import vm
from nmpcap.bpf.check import check

from ..filter.cases import Nobody

LINKTYPES = (dlt.DLT_EN10MB, dlt.DLT_RAW, dlt.DLT_LINUX_SLL, dlt.DLT_IEEE802_11_RADIO, dlt.DLT_NULL)
LONGEST = 200
PACKET = bytes.fromhex("ffffffffffff0200000000010800") + bytes.fromhex(
    "4500001c000040004011b6ab0a0000010a000002003500350008ffff"
)


def test_one_input(data: bytes) -> None:
    """Judge one input: a byte that chooses the link type, then the text; an exception is a finding."""
    if not data:
        return
    linktype = LINKTYPES[data[0] % len(LINKTYPES)]
    text = data[1:LONGEST].decode("latin-1")
    try:
        program = pcap_filter.compile(text, linktype=linktype, optimize=data[0] < 128, resolver=Nobody())
    except FilterError as error:
        if not 0 <= error.position <= len(text):
            raise AssertionError(f"a place outside of the text: {error.position}") from error
        return
    check(program.instructions)
    for packet in (PACKET, PACKET[:20], b""):
        assert program.match(packet) == vm.run(program.instructions, packet)
