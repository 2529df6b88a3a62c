"""_pcap, the module in C behind pylibpcap's pcap: what programs look up in it."""

from __future__ import annotations

from nmpcap import dlt as _dlt
from nmpcap.version import lib_version as _lib_version

from ._swig.module import EXCEPTION, aton, error, ntoa

__all__ = ["DLT", "EXCEPTION", "aton", "error", "ntoa", "version"]

DLT = {
    name.removeprefix("DLT_"): getattr(_dlt, name) for name in sorted(vars(_dlt)) if name.startswith("DLT_")
}
"""Numbers of link types by their names, without DLT_."""

version = _lib_version()
