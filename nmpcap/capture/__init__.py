"""The one user handle, and the ways to open one: from a name, a file or nothing.

``open``, ``create`` ... ``activate``, ``open_live``, ``open_offline`` and ``open_dead`` make a Capture;
``ports`` says what a name opens, this package what can then be done with it.
"""

from nmpcap.capture.handle import Capture, Direction
from nmpcap.capture.opening import Inactive, create, open, open_dead, open_live, open_offline

__all__ = ["Capture", "Direction", "Inactive", "create", "open", "open_dead", "open_live", "open_offline"]
