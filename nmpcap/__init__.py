"""nmpcap: libpcap-shaped capture and injection over netmap, with or without the kernel module."""

from nmpcap.capture import (
    Capture,
    Direction,
    Inactive,
    create,
    open,
    open_dead,
    open_live,
    open_offline,
)
from nmpcap.devices import (
    ConnectionStatus,
    DeviceAddress,
    DeviceFlags,
    DeviceInfo,
    findalldevs,
    lookupdev,
    lookupnet,
)
from nmpcap.dlt import (
    datalink_name_to_val,
    datalink_val_to_description,
    datalink_val_to_description_or_dlt,
    datalink_val_to_name,
)
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
from nmpcap.packet import Batch, Explanation, Packet, Stats
from nmpcap.ports import MAXIMUM_SNAPLEN, Fanout
from nmpcap.savefile import RotatingWriter, Writer, open_writer
from nmpcap.tstamp import (
    tstamp_type_name_to_val,
    tstamp_type_val_to_description,
    tstamp_type_val_to_name,
)
from nmpcap.version import lib_version

__all__ = [
    "MAXIMUM_SNAPLEN",
    "Batch",
    "Capture",
    "ConnectionStatus",
    "DeviceAddress",
    "DeviceError",
    "DeviceFlags",
    "DeviceInfo",
    "Direction",
    "Explanation",
    "Fanout",
    "FilterError",
    "Inactive",
    "Packet",
    "PcapError",
    "PortNameError",
    "Program",
    "ProgramError",
    "Resolver",
    "RotatingWriter",
    "SavefileError",
    "Stats",
    "UsageError",
    "Writer",
    "compile",
    "create",
    "datalink_name_to_val",
    "datalink_val_to_description",
    "datalink_val_to_description_or_dlt",
    "datalink_val_to_name",
    "findalldevs",
    "lib_version",
    "lookupdev",
    "lookupnet",
    "open",
    "open_dead",
    "open_live",
    "open_offline",
    "open_writer",
    "tstamp_type_name_to_val",
    "tstamp_type_val_to_description",
    "tstamp_type_val_to_name",
]
