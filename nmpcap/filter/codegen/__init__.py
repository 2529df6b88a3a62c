"""The last stage: decision graph -> instructions.

A ``graph`` comes in, a tuple of instructions goes out, every jump resolved. ``evaluate`` makes values,
``branches`` makes decisions, ``assemble`` writes from the end to the beginning.
"""

from nmpcap.filter.codegen.generate import generate

__all__ = ["generate"]
