"""The compiler's view of where it is in the packet.

``Link`` is the link header the next primitives are about: keywords such as ``vlan`` and
``pppoes`` move it. ``Context`` holds it together with what all primitives of one filter share.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from nmpcap import dlt
from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.filter.expand.linktypes import WLAN, WLAN_RADIO, LinkType, link_type
from nmpcap.filter.ir import TRUE, Bool, Test, Value, Values, all_of, negate
from nmpcap.filter.names import Resolver
from nmpcap.filter.syntax import ast

__all__ = ["MAX_LENGTH", "Context", "Link", "Options", "Place", "describe"]

MAX_LENGTH = 1500  # a type field up to here is a length, and 802.2 follows (IEEE 802.3)


class Place(NamedTuple):
    """A byte of the packet: a constant, and perhaps a value only known when the packet is there."""

    base: Value | None
    k: int

    def plus(self, k: int) -> Place:
        """Return the byte k further on."""
        return Place(self.base, self.k + k)


@dataclass(frozen=True)
class Options:
    """What a filter is compiled for, besides its text; ``compile`` documents the fields."""

    linktype: int = dlt.DLT_EN10MB
    snaplen: int = MAXIMUM_SNAPLEN
    netmask: int | None = None
    optimize: bool = True
    live: bool = False
    savefile: bool = False
    scoped: bool = False
    extension_headers: bool = False


@dataclass(frozen=True)
class Link:
    """Where the current link header, its type field and its payload are.

    ``snap`` and ``bare`` as in LinkType, but they also grow with each MPLS label. ``lane`` is
    where the LANE header starts, ``tunnel`` says that the frame is inside Geneve or VXLAN.
    """

    number: int
    layout: LinkType
    header: Place
    type: Place
    payload: Place
    snap: int
    bare: int
    labels: int = 0
    tags: int = 0
    lane: Place | None = None
    tunnel: bool = False
    inside: bool = False  # behind pppoes, geneve, vxlan or lane: not the frame that was captured

    @property
    def network(self) -> Place:
        """Where the network header starts."""
        return self.payload.plus(self.snap)

    def moved(self, number: int, header: Place, type_: Place, payload: Place) -> Link:
        """Return a link header of another type further inside."""
        return replace(
            self,
            number=number,
            layout=link_type(number),
            header=header,
            type=type_,
            payload=payload,
            snap=0,
            inside=True,
        )


@dataclass
class Context:
    """What the stages that expand one filter share."""

    options: Options
    resolver: Resolver
    values: Values = field(default_factory=Values)
    link: Link = field(init=False)
    registers: int = 0  # libpcap's scratch registers that are taken for good
    foldable: bool = True  # whether libpcap would run its optimizer, and so refuse constants
    tunnels: int = 0
    used: set[str] = field(default_factory=set)  # variables the filter reads
    guards: dict[tuple[Link, int, int | None], Bool] = field(default_factory=dict)  # of accessors
    parts: list[tuple[ast.Expr, Bool]] | None = None  # what each primitive became, where that is asked for

    def __post_init__(self) -> None:
        number = self.options.linktype
        layout = link_type(number)
        header = Place(self.values.var("frame") if number in WLAN_RADIO else None, layout.header)
        payload = Place(None, layout.payload)
        if number in WLAN or number == dlt.DLT_PFLOG:
            payload = Place(self.values.var("payload"), 0)
        self.link = Link(number, layout, header, Place(None, layout.type), payload, layout.snap, layout.bare)

    def use(self, names: Iterable[str]) -> None:
        """Note that variables are read; libpcap keeps a register for each of the outer headers' for good."""
        for name in names:
            if name not in self.used:
                self.used.add(name)
                self.registers += name in ("frame", "payload")

    # -- values and tests --------------------------------------------------------------

    def load(self, size: int, place: Place, k: int = 0) -> Value:
        """Return the number of ``size`` bytes at ``place`` + k."""
        if place.base is not None:
            self.use(place.base.vars)
        return self.values.load(size, place.base, place.k + k)

    def equals(self, size: int, place: Place, k: int, wanted: int, mask: int = 0xFFFFFFFF) -> Bool:
        """Return the test for masked bytes to be ``wanted``; TRUE where no bit is asked for."""
        if mask == 0 and wanted == 0:
            return TRUE
        return Test(self.values.masked(self.load(size, place, k), mask), ((wanted, wanted),))

    def same_bytes(self, place: Place, k: int, wanted: bytes) -> Bool:
        """Compare a string of bytes, from its end in the largest pieces that fit, as libpcap does."""
        tests, end = [], len(wanted)
        for size in (4, 2, 1):
            while end >= size:
                end -= size
                piece = int.from_bytes(wanted[end : end + size], "big")
                tests.append(self.equals(size, place, k + end, piece))
        return all_of(tests)

    def is_long_ethernet(self, place: Place) -> Bool:
        """Return the test whether the type field at ``place`` is a length, so that 802.2 follows."""
        return Test(self.load(2, place), ((0, MAX_LENGTH),))

    def is_data_frame(self) -> Bool:
        """Return the test whether an 802.11 frame carries data."""
        return self.equals(1, self.link.header, 0, 0x08, 0x0C)

    def not_lane_control(self) -> Bool:
        """Return the test that a frame behind ``lane`` is no LE control frame; TRUE elsewhere."""
        lane = self.link.lane
        return TRUE if lane is None else negate(self.equals(2, lane, 0, 0xFF00))


def describe(number: int) -> str:
    """Return the link type's description, for messages."""
    return dlt.datalink_val_to_description_or_dlt(number)
