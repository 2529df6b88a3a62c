"""nmpcap: libpcap-shaped capture and injection over netmap, with or without the kernel module."""

from nmpcap.capture import MAXIMUM_SNAPLEN, Capture, open, open_offline
from nmpcap.errors import (
    DeviceError,
    FilterError,
    PcapError,
    PortNameError,
    SavefileError,
    UsageError,
)
from nmpcap.packet import Batch, Explanation, Packet, Stats
from nmpcap.savefile import Writer, open_writer

__all__ = [
    "MAXIMUM_SNAPLEN",
    "Batch",
    "Capture",
    "DeviceError",
    "Explanation",
    "FilterError",
    "Packet",
    "PcapError",
    "PortNameError",
    "SavefileError",
    "Stats",
    "UsageError",
    "Writer",
    "open",
    "open_offline",
    "open_writer",
]
