"""pypcap: what holds of the original and of the stand-in, each test run with both."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..network import Network, frame
from .captures import FILES, FRAMES, PACKETS, PLAIN, burst, outcome

Save = Callable[[bytes], Path]
TIMES = [p.seconds + p.fraction * 1000 * 1e-9 for p in PACKETS]


@pytest.fixture
def handle(pcap: Any, save: Save) -> Any:
    return pcap.pcap(str(save(PLAIN)))


# ---- reading files


@pytest.mark.parametrize("kind", ["plain", "swapped"])
def test_iteration_gives_floats_and_bytes(pcap: Any, save: Save, kind: str) -> None:
    handle = pcap.pcap(str(save(FILES[kind])))
    assert list(handle) == list(zip(TIMES, FRAMES, strict=True))
    assert list(handle) == []
    with pytest.raises(StopIteration):
        next(handle)


def test_nanoseconds(pcap: Any, save: Save) -> None:
    path = str(save(FILES["nanoseconds"]))
    assert next(pcap.pcap(path, timestamp_in_ns=True))[0] == PACKETS[0].seconds * 10**9 + 2_991_123
    assert next(pcap.pcap(path))[0] == PACKETS[0].seconds + 2_991_123 * 1e-9
    micro = pcap.pcap(str(save(PLAIN)), timestamp_in_ns=True)
    assert next(micro)[0] == (PACKETS[0].seconds * 10**6 + PACKETS[0].fraction) * 1000


def test_next_goes_on_where_iteration_stopped(handle: Any) -> None:
    for _, data in handle:
        assert data == FRAMES[0]
        break
    assert next(handle)[1] == FRAMES[1]
    assert [data for _, data in handle] == FRAMES[2:]


def test_loop_and_dispatch_hand_arguments_on(handle: Any) -> None:
    found: list[Any] = []

    def callback(*given: Any) -> None:
        found.append(given)

    assert handle.dispatch(2, callback, "mine", 7) == 2
    assert handle.loop(1, callback) is None
    assert found == [
        (TIMES[0], FRAMES[0], "mine", 7),
        (TIMES[1], FRAMES[1], "mine", 7),
        (TIMES[2], FRAMES[2]),
    ]
    assert handle.dispatch(2.7, callback) == 2
    assert [data for _, data in handle.readpkts()] == FRAMES[5:]
    assert handle.readpkts() == []
    assert handle.dispatch(-1, callback) == handle.dispatch(0, callback) == 0
    assert handle.loop(0, callback) is None


@pytest.mark.parametrize("cnt", ["a", None, 0, -1, 99, 3.5])
def test_loop_without_a_number_has_no_limit(handle: Any, cnt: Any) -> None:
    found: list[Any] = []
    handle.loop(cnt, lambda *given: found.append(given))
    assert len(found) == len(FRAMES)


def test_loop_takes_a_float_for_its_number(handle: Any) -> None:
    found: list[Any] = []
    handle.loop(2.0, lambda *given: found.append(given))
    assert len(found) == 2


def test_a_file_that_is_cut_ends(pcap: Any, save: Save) -> None:
    path = str(save(FILES["in the packet"]))
    assert [data for _, data in pcap.pcap(path)] == FRAMES[:7]
    assert [data for _, data in pcap.pcap(path).readpkts()] == FRAMES[:7]
    found: list[bytes] = []
    assert pcap.pcap(path).loop(0, lambda ts, data: found.append(data)) is None
    assert found == FRAMES[:7]
    assert pcap.pcap(path).dispatch(-1, lambda ts, data: None) == -1


def test_an_exception_ends_the_loop_behind_its_packet(handle: Any) -> None:
    def callback(ts: float, data: bytes) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        handle.loop(0, callback)
    assert next(handle)[1] == FRAMES[1]
    with pytest.raises(ValueError, match="enough"):
        handle.dispatch(1, callback)
    assert outcome(handle.loop, 1, None) == ("TypeError", ("'NoneType' object is not callable",))


# ---- what a file is


def test_properties(handle: Any, tmp_path: Path) -> None:
    assert (handle.name, handle.snaplen, handle.dloff) == (str(tmp_path / "trace.pcap"), 65535, 14)
    assert (handle.filter, handle.precision, handle.timestamp_in_ns) == ("", 1, False)
    assert (handle.datalink(), handle.geterr(), handle.getnonblock()) == (1, b"", False)
    assert handle.fd == handle.fileno()
    assert select.select([handle], [], [], 0)[0]
    assert handle.setnonblock() is None
    assert handle.setdirection(1) is False
    for name in ("x", "name", "fd"):
        with pytest.raises(AttributeError):
            setattr(handle, name, 1)


def test_raw_ip_has_no_link_layer(pcap: Any, save: Save) -> None:
    handle = pcap.pcap(str(save(FILES["raw"])))
    assert (handle.datalink(), handle.dloff) == (12, 0)


def test_what_a_file_refuses(handle: Any) -> None:
    assert outcome(handle.stats) == ("OSError", (b"Statistics aren't available from savefiles",))
    words = b"Sending packets isn't supported on savefiles"
    assert outcome(handle.sendpacket, bytes(60)) == ("OSError", (words,))
    assert handle.geterr() == words


def test_filters(handle: Any) -> None:
    assert handle.setfilter("udp port 53") is None
    assert handle.filter == "udp port 53"
    assert outcome(handle.setfilter, "nonsense (") == (
        "OSError",
        (b"can't parse filter expression: syntax error",),
    )
    assert [data for _, data in handle] == [FRAMES[0], FRAMES[2]]


@pytest.mark.parametrize("name", ["nosuch0", "/nonexistent/x.pcap"])
def test_what_is_no_file_and_no_device(pcap: Any, name: str) -> None:
    assert outcome(pcap.pcap, name) == (
        "OSError",
        (
            "Activateing packet capture failed. Error returned by packet capture library was "
            "b'No such device exists'",
        ),
    )
    for wrong in (b"lo", 3):
        with pytest.raises(AttributeError, match="object has no attribute 'encode'"):
            pcap.pcap(wrong)


# ---- the module


def test_constants(pcap: Any) -> None:
    dlts = {name: getattr(pcap, name) for name in dir(pcap) if name.startswith("DLT_")}
    assert (len(dlts), sum(dlts.values())) == (16, 423)
    assert pcap.dltoff == {
        0: 4,
        1: 14,
        6: 22,
        7: 6,
        8: 16,
        9: 4,
        10: 21,
        117: 48,
        18: 4,
        108: 4,
        12: 0,
        113: 16,
    }
    assert (pcap.PCAP_D_INOUT, pcap.PCAP_D_IN, pcap.PCAP_D_OUT) == (0, 1, 2)
    assert (pcap.PCAP_TSTAMP_PRECISION_MICRO, pcap.PCAP_TSTAMP_PRECISION_NANO) == (0, 1)
    assert not hasattr(pcap, "open_live")


def test_programs_judge_bytes(pcap: Any) -> None:
    assert [pcap.bpf(b"udp", 1).filter(frame) for frame in FRAMES[:2]] == [True, False]
    assert pcap.bpf(b"udp").filter(FRAMES[0][14:]) is True
    assert outcome(pcap.bpf, "udp") == ("TypeError", ("expected bytes, str found",))
    assert outcome(pcap.bpf, b"nonsense (") == ("OSError", ("bad filter",))


def test_devices(pcap: Any, pair: Network) -> None:
    names = pcap.findalldevs()
    assert {"va", "vb", "lo", "any"} <= set(names)
    assert pcap.lookupdev() in names
    assert pcap.lookupnet(b"lo") == (b"\x7f\0\0\0", b"\xff\0\0\0")
    assert pcap.ex_name(b"lo") == b"lo"
    for function in (pcap.lookupnet, pcap.ex_name):
        assert outcome(function, None)[0] == "TypeError"
    with pytest.raises(OSError, match="nosuch"):
        pcap.lookupnet(b"nosuch")


# ---- live


def test_live_packets(pcap: Any, pair: Network) -> None:
    handle = pcap.pcap("va", timeout_ms=50)
    handle.setfilter("ether proto 0x88b5")
    burst(pair, "vb", 5)
    found = [next(handle) for _ in range(3)]
    assert [data for _, data in found] == [frame(i) for i in range(3)]
    assert isinstance(found[0][0], float)
    assert abs(found[0][0] - time.time()) < 5
    assert [data for _, data in handle.readpkts()] == [frame(3), frame(4)]
    assert handle.stats()[0] >= 5
    assert (handle.name, handle.dloff, handle.setdirection(1)) == ("va", 14, True)


def test_readiness_then_next(pcap: Any, pair: Network) -> None:
    handle = pcap.pcap("va", timeout_ms=50, immediate=True)
    handle.setfilter("ether proto 0x88b5")
    handle.setnonblock()
    assert handle.getnonblock() is True
    assert handle.readpkts() == []
    burst(pair, "vb", 1)
    assert select.select([handle], [], [], 5)[0] == [handle]
    assert next(handle)[1][:] == frame(0)


def test_frames_are_sent(pcap: Any, pair: Network) -> None:
    sender, receiver = pcap.pcap("va", timeout_ms=50), pcap.pcap("vb", timeout_ms=50)
    receiver.setfilter("ether proto 0x88b5")
    assert sender.sendpacket(frame(3)) == 60
    assert sender.sendpacket(bytearray(frame(4))) == 60
    assert [next(receiver)[1] for _ in range(2)] == [frame(3), frame(4)]
    assert outcome(sender.sendpacket, b"x") == ("OSError", (b"send: Invalid argument",))
    assert sender.geterr() == b"send: Invalid argument"
    assert outcome(sender.sendpacket, "text") == ("TypeError", ("expected bytes, str found",))


def test_any_is_cooked(pcap: Any, pair: Network) -> None:
    handle = pcap.pcap("any", timeout_ms=50)
    assert (handle.datalink(), handle.dloff) == (113, 16)


def test_other_threads_run_while_one_waits(pcap: Any, pair: Network) -> None:
    handle = pcap.pcap("va", timeout_ms=50)
    handle.setfilter("ether proto 0x88b5")
    found: list[bytes] = []
    waiting = threading.Thread(target=lambda: found.append(next(handle)[1]))
    waiting.start()
    time.sleep(0.1)
    assert found == []
    burst(pair, "vb", 1)
    waiting.join(10)
    assert found == [frame(0)]
