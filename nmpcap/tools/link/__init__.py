"""The link emulator: what a link does to packets, as a pure function, and a pump that carries it out.

``Impairments`` says what one direction does; ``Wire`` is the function; ``Link`` runs two of them between
two ports in real time, ``apply`` one over a savefile in virtual time. Both lose the same packets for the
same seed.
"""

from nmpcap.tools.link.impairments import Impairments
from nmpcap.tools.link.link import Direction, Link, Report, Step
from nmpcap.tools.link.profile import impairments_of, read_profile
from nmpcap.tools.link.virtual import apply, travel
from nmpcap.tools.link.wire import Counts, Fate, Verdict, Wire

__all__ = [
    "Counts",
    "Direction",
    "Fate",
    "Impairments",
    "Link",
    "Report",
    "Step",
    "Verdict",
    "Wire",
    "apply",
    "impairments_of",
    "read_profile",
    "travel",
]
