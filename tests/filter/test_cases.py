"""The written corpus: hundreds of filters from the tables of pcap-filter(7) and libpcap's compiler."""

from __future__ import annotations

import pytest

import nmpcap
from nmpcap import FilterError
from nmpcap.bpf.check import check, find_linux_fault

from .cases import Case, Names, Section, read_apply, read_cases, read_link_types

LINK_TYPE_CASES, ALL_LINK_TYPES = read_link_types()


def compiled(
    text: str, linktype: int, *, optimize: bool = True, netmask: int | None = None
) -> nmpcap.Program:
    return nmpcap.compile(text, linktype=linktype, optimize=optimize, netmask=netmask, resolver=Names())


@pytest.mark.parametrize("case", read_cases("accept.txt"), ids=lambda case: f"{case.where} {case.text[:40]}")
def test_compiles(case: Case) -> None:
    for optimize in (False, True):
        program = compiled(case.text, case.linktype, optimize=optimize)
        check(program.instructions)
        if "protochain" not in case.text and len(program.instructions) <= 4096:
            assert find_linux_fault(program.instructions) is None


@pytest.mark.parametrize("case", read_cases("reject.txt"), ids=lambda case: f"{case.where} {case.text[:40]}")
def test_is_refused(case: Case) -> None:
    with pytest.raises(FilterError) as caught:
        compiled(case.text, case.linktype)
    assert case.wanted in str(caught.value), f"{case.where}: {caught.value}"
    assert 0 <= caught.value.position <= len(case.text)
    assert str(caught.value).endswith("^")


@pytest.mark.parametrize("case", LINK_TYPE_CASES, ids=lambda case: case.text)
def test_works_on_exactly_these_link_types(case: Case) -> None:
    wanted = {int(number) for number in case.wanted.split()}
    accepted = set()
    for linktype in ALL_LINK_TYPES:
        try:
            compiled(case.text, linktype, optimize=False)
        except FilterError:
            continue
        accepted.add(linktype)
    assert accepted == wanted, f"{case.where}: not accepted {wanted - accepted}, accepted {accepted - wanted}"


@pytest.mark.parametrize("section", read_apply(), ids=lambda section: section.filters[0].where)
def test_matches_exactly_these_packets(section: Section) -> None:
    wrong = []
    for case in section.filters:
        for optimize in (False, True):
            program = compiled(case.text, case.linktype, optimize=optimize)
            matched = [
                name for name, (data, wirelen) in section.packets.items() if program.match(data, wirelen)
            ]
            if set(matched) != set(case.wanted.split()):
                wrong.append(f"{case.where}: {case.text!r} ({optimize=}) matches {' '.join(matched)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("linktype", sorted(ALL_LINK_TYPES))
def test_the_empty_filter_accepts_everything(linktype: int) -> None:
    for text in ("", " \t\r\n", None):
        program = nmpcap.compile(text, linktype=linktype, snaplen=96)
        assert program.image() == "(000) ret      #96"
