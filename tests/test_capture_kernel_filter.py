"""A filter on a port with a kernel behind it: what the kernel is told, and judging as it does.

Over a scripted source; test_interface_filter.py has the real ones.
"""

from __future__ import annotations

import errno
import random
from pathlib import Path

import pytest

import nmpcap
from nmpcap import FilterError, PcapError
from nmpcap.bpf import vm
from nmpcap.bpf.program import Program
from nmpcap.dlt import DLT_DOCSIS, DLT_EN10MB

from .bpf.assembler import assemble
from .bpf.programs import make_program, show
from .fake_source import expected, fake_capture

NOW = 0


def read(capture: nmpcap.Capture) -> list[int]:
    """The numbers of the packets that are there; each must be as it was made, tag and all."""
    numbers = []
    for packet in iter(lambda: capture.next(NOW), None):
        number = packet.ts_ns // 1000
        assert packet.data == expected(number, tags=4).data
        numbers.append(number)
    return numbers


def test_a_filter_runs_in_both_places() -> None:
    capture, port = fake_capture(live=True)
    assert capture.explain().filter == "none"
    capture.setfilter("ether[0] = 5")
    assert port.control.filtering > 0
    machine = nmpcap.compile("ether[0] = 5").machine
    assert capture.explain().filter == f"in the kernel and in user space, {machine}"
    capture.setfilter(None)
    assert port.control.filtering == 0
    assert capture.explain().filter == "none"
    capture.setfilter("udp")
    capture.setfilter("  ")
    assert port.control.filtering == 0


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("ip protochain 6", "Linux refuses jumps backwards"),
        (" or ".join(f"src net {i >> 8}.{i & 255}.0.0/16 or dst port {i}" for i in range(3000)), "most 4096"),
    ],
    ids=["backwards", "long"],
)
def test_what_the_kernel_cannot_run_runs_in_user_space(expression: str, reason: str) -> None:
    capture, port = fake_capture(live=True)
    capture.setfilter("udp")
    capture.setfilter(expression)
    assert port.control.filtering == 0, "the filter before must not go on refusing"
    where = capture.explain().filter
    assert where.startswith("in user space, ")
    assert "(not in the kernel: " in where
    assert reason in where


def test_what_the_kernel_refuses_runs_in_user_space() -> None:
    capture, port = fake_capture(live=True, available=100, tags=4)
    capture.setfilter("udp")
    port.control.refuse = errno.ENOMEM
    capture.setfilter("ether[0] = 5")
    assert port.control.filtering == 0
    assert capture.explain().filter.endswith("(not in the kernel: Cannot allocate memory)")
    assert read(capture) == [5]


def test_other_ports_are_not_asked() -> None:
    capture, port = fake_capture()
    capture.setfilter("udp")
    assert port.control.filtering == 0
    assert capture.explain().filter == f"in user space, {nmpcap.compile('udp').machine}"


def test_a_tag_beside_the_frame_is_found_there_and_not_in_it() -> None:
    capture, _ = fake_capture(live=True, available=200, tags=4)
    capture.setfilter("vlan and vlan 8")
    assert read(capture) == []
    for expression, numbers in {
        "vlan 8": [8],
        "vlan": list(range(0, 200, 4)),
        "not vlan": [i for i in range(200) if i % 4],
        # Bytes 16 on are where 12 on are in a frame without its tag.
        "ether[12] = 8 + 16 * 7": [8],
        "ether[12] = 9 + 12 * 7": [9],
        "len = 66": list(range(0, 200, 4)),
        "len = 70": [i for i in range(200) if i % 4],
    }.items():
        capture, _ = fake_capture(live=True, available=200, tags=4)
        capture.setfilter(expression)
        assert read(capture) == numbers, expression


def test_a_program_for_frames_with_their_tags_finds_them_there() -> None:
    capture, _ = fake_capture(live=True, available=200, tags=4)
    capture.setfilter(nmpcap.compile("vlan 8"))
    assert read(capture) == [8]
    capture, _ = fake_capture(live=True, available=200, tags=4)
    capture.setfilter(nmpcap.compile("len = 70 and not vlan 8"))
    assert read(capture) == [i for i in range(200) if i != 8]


def test_metadata_is_found() -> None:
    capture, _ = fake_capture(live=True, available=60, tags=4)
    capture.setfilter("outbound and ifindex 102")
    assert read(capture) == [i for i in range(60) if i % 2 and i % 3 == 2]
    capture, _ = fake_capture(live=True, available=60, tags=4)
    capture.setfilter("inbound and vlan and ifindex 101")
    assert read(capture) == [4, 16, 28, 40, 52]
    capture, _ = fake_capture(live=True, available=60, tags=4)
    tpid = assemble("ld [0xfffff03c]\njeq #0x8100, yes, no\nyes: ret #262144\nno: ret #0")
    capture.setfilter(Program(tpid))
    assert read(capture) == list(range(0, 60, 4))


def test_what_waits_is_judged_again_tag_and_all() -> None:
    capture, _ = fake_capture(live=True, available=200, tags=4)
    capture.setfilter("vlan")
    assert capture.next(NOW).ts_ns == 0
    capture.setfilter("vlan and len = 66 and (vlan or ether[12] = 8 + 16 * 7)")
    capture.setfilter("vlan 8 or vlan 12")
    assert read(capture) == [8]  # libpcap: the second vlan is looked for behind the first
    stats = capture.stats()
    assert (stats.received, stats.delivered, stats.filtered) == (200, 2, 198)


def test_the_verdict_counts_without_the_tag() -> None:
    capture, _ = fake_capture(live=True, available=2, tags=4)
    capture.setfilter(Program(assemble("ldb [0xfffff030]\nret #20")))
    assert [capture.next(NOW).caplen for _ in range(2)] == [24, 20]


@pytest.mark.parametrize("snaplen", [1, 3, 4, 15, 16, 262144])
def test_cut_packets_are_left_as_they_were(snaplen: int) -> None:
    capture, _ = fake_capture(live=True, available=8, tags=4, snaplen=snaplen)
    assert capture.next(NOW) is not None
    capture.setfilter(Program(assemble("ldb [0xfffff030]\nret #262144")))
    packets = list(iter(lambda: capture.next(NOW), None))
    assert [p.data for p in packets] == [expected(p.ts_ns // 1000, tags=4).data[:snaplen] for p in packets]
    assert len(packets) == 7


def test_random_programs_judge_the_frame_as_linux_has_it(rng: random.Random) -> None:
    passed = 0
    for _ in range(200):
        program = Program(make_program(rng, backward=False, max_len=15))
        if not program.native.metadata <= {"type", "ifidx", "vlanp", "vlan_tci", "vlan_tpid"}:
            continue
        capture, _ = fake_capture(live=True, available=16, tags=4)
        capture.setfilter(program)
        numbers = []
        for i in range(16):
            packet = expected(i, tags=4)
            known = {"type": 4 * (i % 2), "ifidx": 100 + i % 3}
            known |= {"vlanp": i % 4 == 0, "vlan_tci": 0 if i % 4 else i, "vlan_tpid": 0 if i % 4 else 0x8100}
            data, wire = packet.data, packet.len
            if program.live and i % 4 == 0:
                data, wire = data[:12] + data[16:], wire - 4
            if vm.run(program.instructions, data, wire, ancillary=known):
                numbers.append(i)
        assert [p.ts_ns // 1000 for p in iter(lambda c=capture: c.next(NOW), None)] == numbers, show(
            program.instructions
        )
        passed += len(numbers)
    assert passed > 50


@pytest.mark.parametrize("live", [False, True])
def test_metadata_that_nobody_hands_over_is_said(live: bool) -> None:
    capture, _ = fake_capture(live=live, available=5, tags=4)
    capture.setfilter("ether[0] = 3")
    with pytest.raises(PcapError, match=r"fake:0: the filter asks for the packet's metadata \(cpu, mark\)"):
        capture.setfilter(Program(assemble("ld [0xfffff014]\nld [0xfffff024]\nret")))
    assert read(capture) == [3]


def test_metadata_in_a_savefile_is_said(tmp_path: Path) -> None:
    nmpcap.open_writer(tmp_path / "empty.pcap").close()
    file = nmpcap.open_offline(tmp_path / "empty.pcap")
    with file as capture, pytest.raises(PcapError, match="vlan_tci, vlanp"):
        capture.setfilter(nmpcap.compile("vlan 5", live=True))


# ---- set_datalink ----------------------------------------------------------------------


def test_another_link_type_has_the_text_compiled_anew() -> None:
    capture, port = fake_capture(live=True, available=10, tags=4)
    assert capture.list_datalinks() == [DLT_EN10MB, DLT_DOCSIS]
    capture.setfilter("link[0] < 5")
    assert capture.next(NOW).ts_ns == 0
    capture.set_datalink(DLT_DOCSIS)
    assert capture.datalink() == DLT_DOCSIS
    assert read(capture) == [1, 2, 3, 4], "what waits has passed"
    port.push(5)
    assert read(capture) == [], "the source gives Ethernet still, which the filter is not for"


def test_a_text_that_means_nothing_there_leaves_everything_as_it_was() -> None:
    capture, _ = fake_capture(live=True, available=10, tags=4)
    capture.setfilter("ether[0] = 3 or ether host 00:00:00:00:00:01")
    with pytest.raises(FilterError):
        capture.set_datalink(DLT_DOCSIS)
    assert capture.datalink() == DLT_EN10MB
    assert read(capture) == [3]


def test_a_program_for_the_link_type_before_is_in_the_way() -> None:
    capture, _ = fake_capture(live=True)
    capture.setfilter(nmpcap.compile("link[0] = 3"))
    with pytest.raises(PcapError, match="the filter is for link type EN10MB, the packets are DOCSIS"):
        capture.set_datalink(DLT_DOCSIS)
    capture.setfilter(None)
    capture.set_datalink(DLT_DOCSIS)
    capture.setfilter(nmpcap.compile("link[0] = 3", linktype=DLT_DOCSIS))


def test_a_link_type_that_is_not_offered_is_refused() -> None:
    capture, _ = fake_capture(live=True)
    with pytest.raises(PcapError, match="RAW is not one of the DLTs supported by this device"):
        capture.set_datalink(12)
    capture.set_datalink(DLT_EN10MB)
