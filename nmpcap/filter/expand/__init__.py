"""The third stage: syntax tree -> intermediate form.

A tree comes in, ``ir`` goes out: tests of the packet's bytes, with link types, names and qualifiers gone.
One file for each family of primitives; ``linklayer`` keeps where in the packet the expression is,
``linktypes`` is the table of offsets, ``protocols`` tells what a link header carries.
"""

from nmpcap.filter.expand.expression import expand
from nmpcap.filter.expand.linklayer import Context, Options

__all__ = ["Context", "Options", "expand"]
