"""The stand-in pcap beyond pypcap: pylibpcap's names, and what no original has."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nmpcap.compat import _pcap, pcap

from ..network import Network, frame
from .captures import FILES, FRAMES, PACKETS, PLAIN, burst, outcome

Save = Callable[[bytes], Path]
PACKED = [(p.len, p.data, p.seconds + p.fraction / 1e6) for p in PACKETS]


@pytest.fixture
def opened(save: Save) -> Any:
    handle = pcap.pcapObject()
    handle.open_offline(str(save(PLAIN)))
    return handle


def test_next_gives_length_bytes_and_time(opened: Any) -> None:
    assert [opened.next() for _ in PACKETS] == PACKED
    assert opened.next() is None


def test_the_length_is_that_on_the_wire(save: Save) -> None:
    handle = pcap.pcapObject()
    handle.open_offline(str(save(FILES["short"])))
    length, data, _ = handle.next() or (0, b"", 0.0)
    assert (length, len(data)) == (len(FRAMES[0]), 20)


def test_loop_and_dispatch(opened: Any) -> None:
    found: list[Any] = []
    assert opened.dispatch(2, lambda *packet: found.append(packet)) == 2
    opened.loop(0, lambda *packet: found.append(packet))
    assert found == PACKED


def test_damage_is_none_by_next_and_an_error_by_loop(save: Save) -> None:
    for method in ("loop", "dispatch"):
        handle = pcap.pcapObject()
        handle.open_offline(str(save(FILES["in the packet"])))
        words = "truncated dump file; tried to read 54 captured bytes, only got 51"
        assert outcome(getattr(handle, method), 0, print) == ("error", (words, f"pcap_{method}"))
    handle = pcap.pcapObject()
    handle.open_offline(str(save(FILES["in the packet"])))
    assert [handle.next() for _ in range(8)] == [*PACKED[:7], None]


def test_what_was_dumped_without_a_callback(opened: Any, tmp_path: Path) -> None:
    opened.dump_open(str(tmp_path / "out"))
    opened.setfilter("udp", 1, 0)
    opened.loop(0, None)
    again = pcap.pcapObject()
    again.open_offline(str(tmp_path / "out"))
    assert [again.next() for _ in range(3)] == [PACKED[0], PACKED[2], None]
    with pytest.raises(TypeError, match="callback"):
        again.loop(0, None)


def test_errors_of_opening_are_bare_and_later_ones_are_not(opened: Any) -> None:
    assert outcome(pcap.pcapObject().open_offline, "/nonexistent") == (
        "Exception",
        ("/nonexistent: No such file or directory",),
    )
    words = "can't parse filter expression: syntax error"
    assert outcome(opened.setfilter, "nonsense (", 1, 0) == ("error", (words, "pcap_compile"))
    assert outcome(opened.open_offline, "x")[0] == outcome(pcap.pcapObject().next)[0] == "RuntimeError"
    assert issubclass(pcap.error, Exception)
    assert pcap.EXCEPTION is pcap.error is _pcap.error


def test_what_a_file_is(opened: Any) -> None:
    assert (opened.datalink(), opened.datalinks(), opened.snapshot(), opened.stats()) == (
        1,
        (1,),
        65535,
        (0, 0, 0),
    )
    assert (opened.major_version(), opened.minor_version(), opened.is_swapped()) == (2, 4, 0)
    opened.mine = 3
    dead = pcap.pcapObject()
    dead.open_dead(101, 96)
    assert (dead.datalink(), dead.snapshot(), dead.stats()) == (101, 96, (0, 0, 0))


def test_addresses_are_ints_in_network_order(pair: Network) -> None:
    native = struct.unpack("=I", b"\x7f\0\0\x01")[0]
    assert pcap.aton("127.0.0.1") == native
    assert pcap.ntoa(native) == "127.0.0.1"
    net, mask = pcap.lookupnet("lo")
    assert (pcap.ntoa(net), pcap.ntoa(mask)) == ("127.0.0.0", "255.0.0.0")
    devices = {device[0]: device for device in pcap.findalldevs(1)}
    name, description, addresses, flags = devices["lo"]
    assert (name, description, flags & 1) == ("lo", None, 1)
    assert ("127.0.0.1", "255.0.0.0", None, None) in addresses
    assert any(address[0].startswith("<AF ") for address in addresses)
    assert (_pcap.DLT["EN10MB"], _pcap.DLT["LINUX_SLL"]) == (1, 113)


def test_live(pair: Network) -> None:
    sender, receiver = pcap.pcapObject(), pcap.pcapObject()
    for handle, name in ((sender, "va"), (receiver, "vb")):
        handle.open_live(name, 65535, 1, 200)
        handle.setfilter("ether proto 0x88b5", 1, 0)
    sender.inject(frame(1))
    length, data, ts = receiver.next() or (0, b"", 0.0)
    assert (length, data) == (60, frame(1))
    assert abs(ts - time.time()) < 5
    assert receiver.next() is None
    assert outcome(sender.inject, b"short") == ("error", ("send: Invalid argument", "pcap_inject"))


# ---- beyond every original


def test_next_of_pypcap_waits_no_longer_than_it_is_told(pair: Network) -> None:
    handle = pcap.pcap("va", timeout_ms=50)
    handle.setfilter("ether proto 0x88b5")
    assert handle.next() is None
    burst(pair, "vb", 1)
    assert handle.next()[1] == frame(0)  # type: ignore[index]


def test_without_a_timeout_packets_come_at_once(pair: Network) -> None:
    handle = pcap.pcap("va")
    handle.setfilter("ether proto 0x88b5")
    burst(pair, "vb", 1)
    assert next(handle)[1] == frame(0)


def test_inject_sends_the_beginning(pair: Network) -> None:
    with pcap.pcap("va", timeout_ms=50) as sender, pcap.pcap("vb", timeout_ms=2000) as receiver:
        receiver.setfilter("ether proto 0x88b5")
        assert sender.inject(frame(9) + b"more", 60) == 60
        assert receiver.next()[1] == frame(9)  # type: ignore[index]


def test_a_closed_handle_says_so(save: Save) -> None:
    handle = pcap.pcap(str(save(PLAIN)))
    handle.close()
    handle.close()
    for call in (handle.readpkts, handle.next, lambda: handle.setfilter("")):
        with pytest.raises(ValueError, match="pcap is closed"):
            call()


def test_an_exception_ends_dispatch_at_once(save: Save) -> None:
    handle = pcap.pcap(str(save(PLAIN)))
    called: list[bytes] = []

    def callback(ts: float, data: bytes) -> None:
        called.append(data)
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        handle.dispatch(-1, callback)
    assert called == FRAMES[:1]
