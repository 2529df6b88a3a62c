"""The printer of one capture: what tcpdump would print of a packet, behind its time stamp."""

from __future__ import annotations

from collections.abc import Callable

from nmpcap.dlt import datalink_val_to_name
from nmpcap.errors import UsageError

from .hexdump import hex_and_ascii
from .names import Names
from .table import LINKS, load
from .wire import ENDS

__all__ = ["Printer", "line"]


class Printer:
    """Turns the packets of one capture into lines, remembering what later lines refer to.

    What it remembers is names, and the first sequence numbers of TCP's conversations: lines are the same as
    tcpdump's only if all packets that tcpdump would print pass the same printer in the same order. Not for
    two threads at once. Never raises for what is in a packet.

    Args:
        linktype: a DLT_ number.
        verbose: 0 to 3, the number of -v.
        quiet: shorter lines (-q); 2 is -qq.
        link_header: the link-layer header first (-e).
        numeric: no names for addresses and ports (-n).
        short_names: host names without their domain (-N).
        absolute_seq: TCP sequence numbers as they are (-S).
        checksums: say of the checksums of IP, TCP and UDP whether they are right, False: -K.
        dumps: dump the payload of what has no printer; False where the caller dumps every packet itself
            (-x, -X).
        decode_as: how UDP ports without a known number are read (-T): "rtp", "rtcp", "vxlan" ... or None.
        asdot: BGP's AS numbers as ASDOT (-b).
        host: looks up the name of an address; None: the machine's resolver.

    Raises UsageError if there is no printer for the link type.

    Attributes:
        header_length: bytes of the last packet's link header, VLAN tags and SNAP included: where -x, -X and
            -A begin.
    """

    def __init__(
        self,
        linktype: int,
        *,
        verbose: int = 0,
        quiet: int = 0,
        link_header: bool = False,
        numeric: bool = False,
        short_names: bool = False,
        absolute_seq: bool = False,
        checksums: bool = True,
        dumps: bool = True,
        decode_as: str | None = None,
        asdot: bool = False,
        host: Callable[[bytes], str | None] | None = None,
    ) -> None:
        if linktype not in LINKS:
            name = datalink_val_to_name(linktype) or linktype
            raise UsageError(f"packets of link type {name} cannot be printed: there is no printer for it")
        self.linktype = linktype
        self.verbose = verbose
        self.quiet = int(quiet)
        self.link_header = link_header
        self.absolute_seq = absolute_seq
        self.checksums = checksums
        self.dumps = dumps
        self.decode_as = decode_as
        self.asdot = asdot
        self.names = Names(numeric=numeric, short=short_names, host=host)
        self.header_length = 0
        # The name in [|name]: each printer's own, from when it begins until another one begins.
        self.proto = ""
        self.flows: dict[bytes, tuple[int, int]] = {}
        # Source and destination of the datagram at hand, and who began which exchange of keys, by its cookie.
        self.peers = b""
        self.initiators: dict[bytes, bytes] = {}
        # Names of DNS by their labels.
        self.domains: dict[bytes, str] = {}
        self._parts: list[str] = []
        self.put = self._parts.append
        self._link = load(LINKS[linktype])

    def __call__(self, data: bytes | bytearray | memoryview, length: int | None = None) -> str:
        """Return the line or lines of one packet, without a time stamp and a final line feed.

        data is what was captured, not kept; length the packet's on the wire, len(data) if None.
        """
        if type(data) is not bytes:
            data = bytes(data)
        if length is None:
            length = len(data)
        self.header_length = 0
        if not data or length <= 0:
            return _nothing(len(data), length)
        parts = self._parts
        parts.clear()
        try:
            self.header_length = self._link(self, data, 0, length)
        except ENDS:
            self.truncated()
        # The model prints nothing at all of a few frames; a line without a word would say less.
        return "".join(parts) or f"length {length}"

    def truncated(self) -> None:
        """Put ``[|name]``: the captured bytes ended within what the current printer shows."""
        self.put(f" [|{self.proto}]")

    def payload(self, d: bytes, at: int) -> None:
        """Dump the captured bytes from an offset on, as what nobody can print."""
        self.put(hex_and_ascii(d[at:]))

    def unknown(self, d: bytes, at: int) -> None:
        """Dump what there is no printer for, unless the caller dumps all packets anyway."""
        if self.dumps:
            self.payload(d, at)


def _nothing(caplen: int, length: int) -> str:
    missing = [name for name, value in (("caplen", caplen), ("len", length)) if value <= 0]
    return f"[Invalid header: {', '.join(f'{name}==0' for name in missing)}]"


def line(
    packet: bytes | bytearray | memoryview,
    linktype: int,
    length: int | None = None,
    *,
    verbose: int = 0,
    quiet: int = 0,
    link_header: bool = False,
    numeric: bool = True,
    absolute_seq: bool = False,
) -> str:
    """Return what tcpdump prints of one packet by itself, numbers for names; for many packets keep a Printer.

    Arguments are those of Printer and of its call; UsageError if there is no printer for the link type.
    """
    show = Printer(
        linktype,
        verbose=verbose,
        quiet=quiet,
        link_header=link_header,
        numeric=numeric,
        absolute_seq=absolute_seq,
    )
    return show(packet, length)
