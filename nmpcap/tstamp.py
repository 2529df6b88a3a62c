"""Kinds of time stamps: libpcap's PCAP_TSTAMP_* numbers, names and descriptions, pcap-tstamp(7)."""

from __future__ import annotations

from nmpcap.errors import PcapError

__all__ = [
    "tstamp_type_name_to_val",
    "tstamp_type_val_to_description",
    "tstamp_type_val_to_name",
]

# By number: what settings are called, and a few words on the clock.
_TYPES = (
    ("host", "Host"),
    ("host_lowprec", "Host, low precision"),
    ("host_hiprec", "Host, high precision"),
    ("adapter", "Adapter"),
    ("adapter_unsynced", "Adapter, not synced with system time"),
    ("host_hiprec_unsynced", "Host, high precision, not synced with system time"),
)


def tstamp_type_name_to_val(name: str) -> int:
    """Return the number of a kind of time stamps, in upper or lower case.

    Raises PcapError for a name that is not known (libpcap: -1).
    """
    for value, (known, _) in enumerate(_TYPES):
        if known == name.lower():
            return value
    raise PcapError(f"time stamp type {name!r} is not one of {', '.join(name for name, _ in _TYPES)}")


def tstamp_type_val_to_name(value: int) -> str | None:
    """Return the name of a kind of time stamps; None where there is none of this number."""
    return _TYPES[value][0] if 0 <= value < len(_TYPES) else None


def tstamp_type_val_to_description(value: int) -> str | None:
    """Return a few words on a kind of time stamps; None where there is none of this number."""
    return _TYPES[value][1] if 0 <= value < len(_TYPES) else None
