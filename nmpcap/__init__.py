"""nmpcap: libpcap-shaped capture and injection over netmap, with or without the kernel module.

Where to start::

    with nmpcap.open("eth0", timeout=1.0) as capture:   # or vale0:a, netmap:p{1, any, file:trace.pcap ...
        capture.setfilter("udp port 53")
        for packet in capture:
            print(packet.ts_ns, packet.caplen, packet.len, packet.data[:14])

    open, create, open_live        a port by its name; open_offline: a savefile; open_dead: nothing
    Capture                        next, dispatch, loop, iteration, async for, batches; inject, inject_many;
                                   setfilter, stats, explain, dump, breakloop, close: help(nmpcap.Capture)
    findalldevs, lookupnet         what can be opened
    compile                        pcap-filter text to a Program
    open_writer, RotatingWriter    savefiles to write; nmpcap.savefile: their blocks and options
    nmpcap.netmap, nmpcap.vale     rings and slots under netmap's own names; switches and their ports
    PcapError                      what goes wrong: DeviceError, SavefileError, FilterError, UsageError ...

Names are libpcap's without ``pcap_``. Times are integer nanoseconds since the epoch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nmpcap import _core as _core  # first: in a checkout all else then comes from the installed package
from nmpcap._snaplen import MAXIMUM_SNAPLEN
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
from nmpcap.packet import Batch, Explanation, Packet, Stats
from nmpcap.ports import Fanout
from nmpcap.savefile import Writer, open_writer
from nmpcap.tstamp import (
    tstamp_type_name_to_val,
    tstamp_type_val_to_description,
    tstamp_type_val_to_name,
)
from nmpcap.version import lib_version

if TYPE_CHECKING:
    from nmpcap import netmap, savefile, vale
    from nmpcap.devices import (
        ConnectionStatus,
        DeviceAddress,
        DeviceFlags,
        DeviceInfo,
        findalldevs,
        lookupdev,
        lookupnet,
    )
    from nmpcap.filter import Program, Resolver, compile
    from nmpcap.savefile import RotatingWriter

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
    "netmap",
    "open",
    "open_dead",
    "open_live",
    "open_offline",
    "open_writer",
    "savefile",
    "tstamp_type_name_to_val",
    "tstamp_type_val_to_description",
    "tstamp_type_val_to_name",
    "vale",
]

# What many programs never use is imported when its name is first asked for: which module has it.
_LATE = {
    **dict.fromkeys(
        (
            "ConnectionStatus",
            "DeviceAddress",
            "DeviceFlags",
            "DeviceInfo",
            "findalldevs",
            "lookupdev",
            "lookupnet",
        ),
        "nmpcap.devices",
    ),
    **dict.fromkeys(("Program", "Resolver", "compile"), "nmpcap.filter"),
    "RotatingWriter": "nmpcap.savefile",
}
_PACKAGES = ("netmap", "savefile", "vale")


def __getattr__(name: str) -> Any:
    if name in _LATE:
        value = getattr(import_module(_LATE[name]), name)
    elif name in _PACKAGES:
        value = import_module(f"nmpcap.{name}")
    elif name == "__version__":
        from nmpcap.version import VERSION

        value = VERSION
    elif name.startswith("DLT_"):
        from nmpcap import dlt

        value = getattr(dlt, name)
    else:
        raise AttributeError(f"module 'nmpcap' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
