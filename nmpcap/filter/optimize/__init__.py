"""The fourth stage: intermediate form -> decision graph, with as few decisions as can be.

``ir`` comes in, a ``graph`` goes out that accepts the same packets. ``always_false`` says whether libpcap
would refuse the filter because nothing can match.
"""

from nmpcap.filter.optimize.always_false import rejects_all
from nmpcap.filter.optimize.decisions import optimize
from nmpcap.filter.optimize.fold import Folder

__all__ = ["Folder", "optimize", "rejects_all"]
