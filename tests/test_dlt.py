"""Link types: numbers, names and descriptions, against libpcap and the C core."""

from __future__ import annotations

import re

import pytest

import nmpcap
from nmpcap import PcapError, dlt
from nmpcap._core import lib

from .layers import ROOT
from .savefile import libpcap

NAMES = {name.removeprefix("DLT_"): value for name, value in vars(dlt).items() if name.startswith("DLT_")}


def test_libpcap_has_the_same_names_and_descriptions() -> None:
    pcap = libpcap.library()
    for value in range(1000):
        name = pcap.pcap_datalink_val_to_name(value)
        if name is None:
            continue
        assert dlt.datalink_val_to_name(value) == name.decode()
        assert dlt.datalink_val_to_description(value) == pcap.pcap_datalink_val_to_description(value).decode()


@pytest.mark.parametrize("name", ["EN10MB", "en10mb", "Raw", "LINUX_SLL2", "linux_sll", "USER0"])
def test_a_name_finds_its_number_in_any_case(name: str) -> None:
    assert dlt.datalink_name_to_val(name) == dlt.datalink_name_to_val(f"DLT_{name}")
    theirs = libpcap.library().pcap_datalink_name_to_val(name.encode())
    if name != "USER0":  # unknown to older libpcap
        assert dlt.datalink_name_to_val(name) == theirs


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(PcapError, match="invalid data link type nosuch"):
        dlt.datalink_name_to_val("nosuch")


def test_an_unknown_number_has_no_name_and_still_a_description() -> None:
    assert dlt.datalink_val_to_name(20000) is None
    assert dlt.datalink_val_to_description(20000) is None
    theirs = libpcap.library().pcap_datalink_val_to_description_or_dlt(20000)
    assert dlt.datalink_val_to_description_or_dlt(20000) == theirs.decode()
    assert dlt.datalink_val_to_description_or_dlt(1) == "Ethernet"


def test_every_number_has_one_name_and_a_description() -> None:
    assert len(set(NAMES.values())) == len(NAMES)
    for name, value in NAMES.items():
        assert dlt.datalink_val_to_name(value) == name
        assert dlt.datalink_val_to_description(value)
        assert f"DLT_{name}" in dlt.__all__


@pytest.mark.parametrize(
    ("number", "linktype"),
    [(0, 0), (1, 1), (10, 10), (12, 101), (11, 100), (16, 103), (19, 106), (50, 50), (276, 276)],
)
def test_files_have_their_own_number_where_systems_differed(number: int, linktype: int) -> None:
    assert dlt.dlt_to_linktype(number) == linktype
    assert dlt.linktype_to_dlt(linktype) == number


@pytest.mark.parametrize("number", [-1, 13, 18, 100, 103, 0x10000])
def test_a_number_that_means_nothing_in_files_is_refused(number: int) -> None:
    with pytest.raises(PcapError, match=f"link-layer type {number} isn't supported in savefiles"):
        dlt.dlt_to_linktype(number)


def test_the_core_agrees() -> None:
    for number in range(70000):
        try:
            assert lib.nm_dlt_to_linktype(number) == dlt.dlt_to_linktype(number)
        except PcapError:
            assert lib.nm_dlt_to_linktype(number) == -1
        assert lib.nm_linktype_to_dlt(number) == dlt.linktype_to_dlt(number)


def test_the_cores_numbers_are_the_same() -> None:
    text = (ROOT / "nmpcap" / "_core" / "dlt.h").read_text()
    numbers = {name: int(value) for name, value in re.findall(r"NM_(DLT_\w+) = (\d+)", text)}
    assert len(numbers) > 10
    assert {name: getattr(dlt, name) for name in numbers} == numbers


def test_the_core_keeps_as_much_of_a_packet() -> None:
    assert lib.NM_MAXIMUM_SNAPLEN == nmpcap.MAXIMUM_SNAPLEN
