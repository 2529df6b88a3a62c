"""Kinds of time stamps, as libpcap numbers, names and describes them."""

from __future__ import annotations

import importlib.metadata

import pytest

import nmpcap

from .savefile import libpcap


@pytest.mark.parametrize("value", range(-1, 8))
def test_names_and_descriptions_are_those_of_libpcap(value: int) -> None:
    pcap = libpcap.library()
    name, description = (
        pcap.pcap_tstamp_type_val_to_name(value),
        pcap.pcap_tstamp_type_val_to_description(value),
    )
    assert nmpcap.tstamp_type_val_to_name(value) == (name and name.decode())
    assert nmpcap.tstamp_type_val_to_description(value) == (description and description.decode())
    if name:
        for spelled in (name.decode(), name.decode().upper()):
            assert nmpcap.tstamp_type_name_to_val(spelled) == pcap.pcap_tstamp_type_name_to_val(
                spelled.encode()
            )


def test_another_name_is_refused() -> None:
    assert libpcap.library().pcap_tstamp_type_name_to_val(b"sundial") == -1
    with pytest.raises(nmpcap.PcapError, match=r"'sundial' is not one of host, .*, adapter"):
        nmpcap.tstamp_type_name_to_val("sundial")


def test_the_version_is_that_of_the_package() -> None:
    version = importlib.metadata.version("nmpcap")
    assert nmpcap.lib_version() == f"nmpcap version {version}"
    assert nmpcap.__version__ == version
