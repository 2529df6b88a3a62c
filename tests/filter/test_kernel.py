"""The kernel takes our programs, and its machine gives our verdicts."""

from __future__ import annotations

import random

import pytest

import nmpcap
from nmpcap import FilterError
from nmpcap.bpf.check import find_linux_fault

from ..oracles import kernel_bpf
from . import expressions, packets

pytestmark = pytest.mark.skipif(bool(kernel_bpf.MISSING), reason=kernel_bpf.MISSING or "-")


def test_the_kernel_agrees(rng: random.Random) -> None:
    compared = 0
    with kernel_bpf.Kernel() as kernel:
        for _ in range(400):
            linktype = rng.choice(packets.LINK_TYPES)
            text = expressions.make_filter(rng, linktype, rng.randrange(4))
            if ">>" in text or "<<" in text or "len" in text or "less" in text or "greater" in text:
                continue  # shifts by registers and the length of cut packets differ there
            try:
                program = nmpcap.compile(text, linktype=linktype, optimize=rng.random() < 0.7)
            except FilterError:
                continue
            if find_linux_fault(program.instructions):
                assert linktype in NEGATIVE or "protochain" in text, text
                continue
            assert kernel.attach(program.instructions), text
            for _ in range(6):
                packet, _ = packets.make_packet(rng, linktype)
                if packet:
                    expected = min(program.match(packet), len(packet))
                    assert kernel.kept(packet) == expected, f"{text!r} on {packet.hex()}"
                    compared += 1
    assert compared > 300


# Offsets that libpcap leaves unset come out negative there, and mean something else to Linux.
NEGATIVE = (132, 136, 183, 194, 200, 226, 232, 233, 234, 238, 130, 131, 133, 134, 164, 168, 179, 180, 181)
