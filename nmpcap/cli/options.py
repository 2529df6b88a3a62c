"""nmdump's options: the one table that parsing, --help, the manual page and completions are made from.

A row is an option: its letter, its long name, what its argument is called, and one sentence. Order is
that of the manual page. Source: tcpdump(1) of 4.99.3, whose letters and long names these are; those of
nmdump alone have no letter.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NMDUMP", "Option"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``value`` names its argument, "" where it takes none; ``optional``: it may be left out.

    ``kind`` is what completions offer for the argument: ``file``, ``interface``, ``user``, ``command``, or
    the words themselves. ``refused``: why nmdump does not have this one of tcpdump's.
    """

    letter: str = ""
    long: str = ""
    value: str = ""
    help: str = ""
    kind: str | tuple[str, ...] = ""
    optional: bool = False
    refused: str = ""
    own: bool = False

    @property
    def key(self) -> str:
        """What the option is called in the program: its letter, or else its long name."""
        return self.letter or self.long


_TYPES = (
    *("aodv", "carp", "cnfp", "domain", "lmp", "pgm", "pgm_zmtp1", "ptp", "radius", "resp", "rpc", "rtcp"),
    *("rtp", "snmp", "someip", "tftp", "vat", "vxlan", "wb", "zmtp1"),
)

NMDUMP: tuple[Option, ...] = (
    Option("A", help="Print each packet's bytes as characters, without its link header; twice: with it."),
    Option("b", help="Print AS numbers of BGP in ASDOT notation."),
    Option("B", "buffer-size", "size", "Have a capture buffer of so many KiB."),
    Option("c", "", "count", "Exit after so many packets that passed the filter."),
    Option("", "count", help="Print the number of packets instead of the packets; with -r or -V only."),
    Option(
        "C",
        "",
        "file_size",
        "Begin another file before one of -w gets larger than so many million bytes; with a k, m or g "
        "behind it, so many KiB, MiB or GiB.",
    ),
    Option("d", help="Print the compiled filter and exit; -dd: as C, -ddd: as decimal numbers."),
    Option("D", "list-interfaces", help="List what can be captured on, and exit."),
    Option("e", help="Print the link-level header of each packet."),
    Option("E", "", "secret", refused="nmdump decrypts nothing"),
    Option("f", help="Print foreign addresses as numbers."),
    Option(
        "F", "", "file", "Read the filter from a file; an expression in the command line is ignored.", "file"
    ),
    Option(
        "G",
        "",
        "seconds",
        "Begin another file of -w after so many seconds, also while no packets come; strftime's "
        "conversions in its name stand for when it began.",
    ),
    Option("h", "help", help="Print this and exit."),
    Option("H", refused="nmdump does not guess at draft 802.11s mesh headers"),
    Option("i", "interface", "interface", "Capture on an interface or port; may be repeated.", "interface"),
    Option("I", "monitor-mode", help="Put the interface in monitor mode."),
    Option("", "immediate-mode", help="Hand over each packet as soon as it comes."),
    Option("j", "time-stamp-type", "tstamptype", "Set the type of the capture's time stamps."),
    Option("J", "list-time-stamp-types", help="List the types of time stamps the interface has, and exit."),
    Option("", "time-stamp-precision", "precision", "Set the precision of time stamps.", ("micro", "nano")),
    Option("", "micro", help="Have time stamps in microseconds."),
    Option("", "nano", help="Have time stamps in nanoseconds."),
    Option("K", "dont-verify-checksums", help="Do not verify checksums of IP, TCP and UDP."),
    Option("l", help="Write out each line at once."),
    Option("L", "list-data-link-types", help="List the interface's link types, and exit."),
    Option("m", "", "module", refused="nmdump has no SMI modules"),
    Option("M", "", "secret", "Check the digests of TCP segments with this secret (accepted, not checked)."),
    Option("n", help="Print addresses and ports as numbers."),
    Option("N", help="Print host names without their domain."),
    Option("O", "no-optimize", help="Do not optimize the filter."),
    Option("p", "no-promiscuous-mode", help="Do not put the interface in promiscuous mode."),
    Option("q", help="Print less."),
    Option("Q", "direction", "in|out|inout", "Take packets of this direction only.", ("in", "out", "inout")),
    Option("r", "", "file", "Read packets from a file; of several, merged by time.", "file"),
    Option("s", "snapshot-length", "snaplen", "Take so many bytes of each packet; 0 is 262144."),
    Option("S", "absolute-tcp-sequence-numbers", help="Print TCP sequence numbers as they are."),
    Option(
        "t",
        help="Print no time; -tt: seconds, -ttt: since the last, -tttt: the date, -ttttt: since the first.",
    ),
    Option("T", "", "type", "Take UDP packets for this protocol.", _TYPES),
    Option("u", help="Print undecoded NFS handles."),
    Option("U", "packet-buffered", help="Write out each packet of -w at once."),
    Option("v", help="Print more; -vv and -vvv: yet more. With -w: the number of packets each second."),
    Option("V", "", "file", "Read the names of files to read from a file.", "file"),
    Option("", "version", help="Print the version and exit."),
    Option(
        "w", "", "file", "Write the packets to a file; its suffix chooses pcapng and compression.", "file"
    ),
    Option("W", "", "filecount", "With -C: go round so many files; with -G: exit after so many."),
    Option("x", help="Print each packet in hex, without its link header; -xx: with it."),
    Option("X", help="Print each packet in hex and as characters, without its link header; -XX: with it."),
    Option("y", "linktype", "datalinktype", "Capture with this link type."),
    Option("z", "", "postrotate-command", "Run this command with each file of -w that is whole.", "command"),
    Option("Z", "relinquish-privileges", "user", "Become this user once the interface is open.", "user"),
    Option("#", "number", help="Print the packet's number at the beginning of the line."),
    Option("", "print", help="Print packets even where they are written with -w."),
    Option("", "color", "when", "Color the lines.", ("auto", "always", "never"), True, own=True),
    Option("", "json", help="Print each packet as one line of JSON.", own=True),
    Option("", "per-file", "count", "Begin another file of -w after so many packets.", own=True),
    Option("", "ring", help="Print which port or file the packet came from.", own=True),
    Option("", "stats", help="Print the counters each second.", own=True),
    Option("", "progress", help="Print how far a file has been read, terminal or not.", own=True),
)
