"""nmpcap: libpcap-shaped capture and injection over netmap, with or without the kernel module."""

from nmpcap.errors import (
    DeviceError,
    FilterError,
    PcapError,
    PortNameError,
    ProgramError,
    SavefileError,
    UsageError,
)
from nmpcap.filter import Program, Resolver, compile

__all__ = [
    "DeviceError",
    "FilterError",
    "PcapError",
    "PortNameError",
    "Program",
    "ProgramError",
    "Resolver",
    "SavefileError",
    "UsageError",
    "compile",
]
