"""Frames of every protocol: each field that changes a line, in modules by family.

A module has CASES: by name, the frames, the options of tcpdump to print them with, and their link type.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nmpcap.dlt import DLT_EN10MB

from .. import judge


@dataclass(frozen=True)
class Case:
    """Frames, the option sets they are printed with, and their link type."""

    frames: Sequence[judge.Frame]
    options: Sequence[str] = judge.ALL
    linktype: int = DLT_EN10MB


def and_cut(frames: Iterable[bytes], which: Iterable[bytes], least: int = 1) -> list[judge.Frame]:
    """All frames, and of some of them everything a capture can leave."""
    return [*frames, *(cut for frame in which for cut in judge.cut(frame, least))]
