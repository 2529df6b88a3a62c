"""An interface as a port of user-space netmap, with real traffic: rings, waiting, sharing, dying, failing."""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import nmpcap
from nmpcap import vale
from nmpcap.errors import DeviceError, UsageError
from nmpcap.netmap import NS_MOREFRAG, NmDesc, Ring, nm_dispatch, nm_inject, nm_open

from ...later import Later
from ...network import Network, frame

ETH_P_ALL = 3
SLOTS = 8


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMPCAP_NETMAP", "user")


@pytest.fixture
def veth(network: Network) -> tuple[str, str]:
    return network.veth()


@pytest.fixture
def small() -> Iterator[None]:
    """Rings of 8 slots, so that numbers are easy to follow."""
    vale.set_parameter("generic_ringsize", SLOTS)
    yield
    vale.set_parameter("generic_ringsize", 1024)


@pytest.fixture
def peer(veth: tuple[str, str]) -> Iterator[socket.socket]:
    """A packet socket that is not ours, at the other end: it sends there, and receives what arrives."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as end:
        end.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        end.bind((veth[1], ETH_P_ALL))
        yield end


def state(ring: Ring) -> tuple[int, int, int]:
    return ring.head, ring.cur, ring.tail


def take(desc: NmDesc, count: int = 1 << 30, timeout: float = 5) -> list[bytes]:
    """Whole packets, as many as come until the timeout, or until there are so many."""
    got: list[bytes] = []
    until = time.monotonic() + timeout
    while len(got) < count and (left := until - time.monotonic()) > 0:
        if desc.wait(left) & select.POLLIN:
            nm_dispatch(desc, count - len(got), lambda into, hdr, data: into.append(bytes(data)), got)
    desc.rxsync()
    return got


def arrived(end: socket.socket, count: int, timeout: float = 5) -> list[bytes]:
    end.settimeout(timeout)
    return [end.recv(1 << 17) for _ in range(count)]


def readable(fd: int, timeout: float = 0) -> bool:
    """As poll and epoll have it, too."""
    poll, epoll = select.poll(), select.epoll()
    poll.register(fd, select.POLLIN)
    epoll.register(fd, select.EPOLLIN)
    found = bool(select.select([fd], [], [], timeout)[0])
    assert found == bool(poll.poll(0)) == bool(epoll.poll(0))
    epoll.close()
    return found


def error_of(call: Any, *args: Any, **keywords: Any) -> tuple[int | None, str]:
    with pytest.raises(DeviceError) as caught:
        call(*args, **keywords)
    return caught.value.errno, str(caught.value)


# ---- what it is ----------------------------------------------------------------------------


def test_it_looks_as_an_interface_does_in_netmap(veth: tuple[str, str]) -> None:
    info = vale.port_info(veth[0])
    assert (info.tx_rings, info.rx_rings, info.tx_slots, info.rx_slots, info.mem_id) == (1, 1, 1024, 1024, 1)
    with nm_open(f"netmap:{veth[0]}") as desc:
        assert desc.netmap == "user"
        assert desc.mem_id == 1
        assert desc.nifp.name == veth[0]
        assert [state(r) for r in desc.tx_rings] == [(0, 0, 1023)]
        assert [state(r) for r in desc.rx_rings] == [(0, 0, 0)]
        assert vale.port_info(veth[0]) == info


def test_host_rings_are_refused(veth: tuple[str, str]) -> None:
    for suffix in ("^", "*", "^0"):
        number, message = error_of(nm_open, f"netmap:{veth[0]}{suffix}")
        assert number == errno.EOPNOTSUPP
        assert "kernel module" in message


def test_attaching_it_to_a_switch_is_refused(veth: tuple[str, str]) -> None:
    number, message = error_of(vale.attach, f"vale0:{veth[0]}")
    assert number == errno.EOPNOTSUPP
    assert "forward" in message


def test_rings_it_has_not(veth: tuple[str, str]) -> None:
    with nm_open(f"netmap:{veth[0]}-0") as desc:
        assert len(desc.rx_rings) == 1
    assert error_of(nm_open, f"netmap:{veth[0]}-1")[0] == errno.EINVAL
    assert error_of(nm_open, "netmap:nosuch0")[0] == errno.ENXIO


# ---- rings, step by step -------------------------------------------------------------------


def test_sending_step_by_step(veth: tuple[str, str], small: None, peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        ring = desc.tx_rings[0]
        assert state(ring) == (0, 0, 7)
        assert all(nm_inject(desc, frame(i)) for i in range(3))
        assert state(ring) == (3, 3, 7)  # nothing has been sent yet
        desc.txsync()
        assert state(ring) == (3, 3, 2)  # all is free again but one slot
        assert arrived(peer, 3) == [frame(i) for i in range(3)]
        assert [nm_inject(desc, frame(i)) for i in range(3, 11)] == [60] * 7 + [0]
        assert state(ring) == (2, 2, 2)
        desc.txsync()
        assert state(ring) == (2, 2, 1)
        assert arrived(peer, 7) == [frame(i) for i in range(3, 10)]
        assert vale.counters(veth[0]).sent == 10


def test_receiving_step_by_step(veth: tuple[str, str], small: None, peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        ring = desc.rx_rings[0]
        for i in range(10):
            peer.send(frame(i))
        desc.rxsync()
        assert state(ring) == (0, 0, 7)  # three wait in the socket
        assert [bytes(s.data) for s in list(ring.slots)[:7]] == [frame(i) for i in range(7)]
        assert [s.flags for s in list(ring.slots)[:7]] == [0] * 7
        ring.head = ring.cur = 5
        desc.rxsync()
        assert state(ring) == (5, 5, 2)
        assert [bytes(ring.slots[i].data) for i in (7, 0, 1)] == [frame(i) for i in (7, 8, 9)]
        ring.head, ring.cur = 6, 2
        desc.rxsync()
        assert state(ring) == (6, 2, 2)
        assert vale.counters(veth[0]).received == 10


def test_an_unfinished_packet_ends_at_head(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        ring = desc.tx_rings[0]
        data = frame(1, 100)
        for i, part in enumerate((data[:40], data[40:])):
            slot = ring.slots[i]
            desc.buffer(slot.buf_idx)[: len(part)] = part
            slot.len, slot.flags = len(part), NS_MOREFRAG
        ring.head = ring.cur = 2
        desc.txsync()
        assert arrived(peer, 1) == [data]


@pytest.mark.parametrize("size", [18, 60, 1514, 2047, 2048, 2049, 4096, 9014])
def test_frames_of_all_sizes(network: Network, veth: tuple[str, str], peer: socket.socket, size: int) -> None:
    for name in veth:
        network.ip("link", "set", name, "mtu", "9000")
    with nm_open(f"netmap:{veth[0]}") as desc:
        data = frame(7, size)
        peer.send(data)
        assert desc.wait(5) & select.POLLIN
        ring = desc.rx_rings[0]
        slots = -(-size // 2048)
        assert state(ring) == (0, 0, slots)
        assert [s.flags for s in list(ring.slots)[:slots]] == [NS_MOREFRAG] * (slots - 1) + [0]
        assert take(desc, 1) == [data]
        assert nm_inject(desc, data) == size
        desc.txsync()
        assert arrived(peer, 1) == [data]


def test_a_frame_larger_than_the_ring_is_dropped_and_counted(
    network: Network, veth: tuple[str, str], peer: socket.socket
) -> None:
    for name in veth:
        network.ip("link", "set", name, "mtu", "9000")
    vale.set_parameter("generic_ringsize", 4)
    try:
        with nm_open(f"netmap:{veth[0]}") as desc:
            for data in (frame(0), frame(1, 3 * 2048 + 1), frame(2, 3 * 2048), frame(3)):
                peer.send(data)
            assert take(desc, 3) == [frame(0), frame(2, 3 * 2048), frame(3)]
            counters = vale.counters(veth[0])
            assert (counters.received, counters.dropped) == (3, 1)
    finally:
        vale.set_parameter("generic_ringsize", 1024)


def test_frames_the_interface_refuses(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        for data in (frame(0), frame(1, 1600), frame(2), frame(3)[:13], frame(4)):
            assert nm_inject(desc, data) == len(data)
        with pytest.raises(UsageError, match="a frame of 1600 bytes: the limit is 1514"):
            desc.txsync()
        assert arrived(peer, 3) == [frame(0), frame(2), frame(4)]
        counters = vale.counters(veth[0])
        assert (counters.sent, counters.discarded) == (3, 2)
        desc.txsync()


def test_loopback(network: Network) -> None:
    with nm_open("netmap:lo") as desc:
        sizes = [18, 60, 2048, 2049, 40000, 65550]
        for i, size in enumerate(sizes):
            assert nm_inject(desc, frame(i, size)) == size
        desc.txsync()
        assert take(desc, len(sizes)) == [frame(i, size) for i, size in enumerate(sizes)]
        assert desc.wait(0.1) == 0  # once each


# ---- the host's stack ----------------------------------------------------------------------


def test_the_hosts_stack_goes_on_and_what_it_sends_is_not_shown(network: Network) -> None:
    network.veth()
    with nm_open("netmap:vb") as desc, network.raw("vb") as host, network.raw("va") as sender:
        host.send(frame(1))
        sender.send(frame(2))
        assert take(desc, 1) == [frame(2)]
        assert desc.wait(0.1) == 0


def test_what_it_sends_it_does_not_see(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        nm_inject(desc, frame(1))
        desc.txsync()
        arrived(peer, 1)
        assert desc.wait(0.1) == 0


def test_it_is_promiscuous_while_it_is_open(network: Network, veth: tuple[str, str]) -> None:
    assert network.show(veth[0])["promiscuity"] == 0
    with nm_open(f"netmap:{veth[0]}"):
        assert network.show(veth[0])["promiscuity"] == 1
    assert network.show(veth[0])["promiscuity"] == 0


# ---- waiting -------------------------------------------------------------------------------


def test_readable_while_packets_wait(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        fd = desc.fileno()
        assert not readable(fd)
        peer.send(frame(1))
        assert readable(fd, 1)
        desc.rxsync()
        ring = desc.rx_rings[0]
        assert readable(fd)  # in the ring now
        ring.cur = ring.tail
        desc.rxsync()
        assert not readable(fd)
        peer.send(frame(2))
        assert readable(fd, 1)
        ring.head = 1
        desc.rxsync()  # brings it, after the release
        assert state(ring) == (1, 1, 2)
        assert readable(fd)


def test_a_full_ring_that_was_seen_is_nothing_to_wake_for(
    veth: tuple[str, str], small: None, peer: socket.socket
) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        fd, ring = desc.fileno(), desc.rx_rings[0]
        for i in range(20):
            peer.send(frame(i))
        desc.rxsync()
        ring.cur = ring.tail  # seen, and kept
        desc.rxsync()
        assert not readable(fd)
        before = time.process_time()
        assert desc.wait(0.3) == 0
        assert time.process_time() - before < 0.1  # it slept
        ring.head = ring.cur
        desc.rxsync()
        assert readable(fd)
        assert take(desc, 13) == [frame(i) for i in range(7, 20)]


def test_waiting(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        assert desc.wait(0.05) == 0
        assert desc.wait(0, select.POLLOUT) == select.POLLOUT
        for timeout in (5, None):
            later = Later(0.05, lambda: peer.send(frame(1)))
            started = time.monotonic()
            assert desc.wait(timeout) == select.POLLIN
            assert time.monotonic() - started < 1
            later.join()
            assert take(desc, 1) == [frame(1)]
        later = Later(0.05, desc.wake)
        assert desc.wait(5) == 0
        later.join()


def test_poll_sends(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        nm_inject(desc, frame(1))
        assert desc.wait(0) == 0
        assert arrived(peer, 1) == [frame(1)]


def test_a_capture_on_it(veth: tuple[str, str], peer: socket.socket) -> None:
    with nmpcap.open(f"netmap:{veth[0]}") as capture:
        capture.setfilter("ether[18] = 7 or ether[14:4] = 5")
        before = time.time_ns()
        for i in range(10):
            peer.send(frame(i))
        packet = capture.next(5)
        assert packet
        assert bytes(packet.data) == frame(5)
        assert before <= packet.ts_ns <= time.time_ns()  # its own time
        assert capture.inject_many([frame(i) for i in range(1000)], timeout=5) == 1000
        assert arrived(peer, 1000) == [frame(i) for i in range(1000)]
        assert capture.drain(1)
        assert capture.stats().sent == 1000


def test_what_finds_no_room_is_counted(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        count = 60_000
        for i in range(count):
            peer.send(frame(i))
        got = take(desc, timeout=1)
        time.sleep(0.02)
        desc.rxsync()
        counters = vale.counters(veth[0])
        assert counters.received == len(got)
        assert counters.received + counters.dropped == count
        assert counters.dropped > 0


# ---- pipes and monitors --------------------------------------------------------------------


def test_a_pipe_of_it(veth: tuple[str, str], peer: socket.socket) -> None:
    """Buffers move between the pipe and the interface: they are in one region."""
    with (
        nm_open(f"netmap:{veth[0]}") as desc,
        nm_open(f"netmap:{veth[0]}{{1") as one,
        nm_open(f"netmap:{veth[0]}}}1") as other,
    ):
        assert desc.mem_id == one.mem_id == other.mem_id
        nm_inject(one, frame(1))
        one.txsync()
        other.rxsync()
        slot, out = other.rx_rings[0].slots[0], desc.tx_rings[0].slots[0]
        slot.buf_idx, out.buf_idx = out.buf_idx, slot.buf_idx
        out.len = slot.len
        desc.tx_rings[0].head = desc.tx_rings[0].cur = 1
        desc.txsync()
        assert arrived(peer, 1) == [frame(1)]


def test_a_bridge_that_copies_nothing(network: Network, veth: tuple[str, str], peer: socket.socket) -> None:
    network.veth("wa", "wb")
    with nm_open(f"netmap:{veth[0]}") as left, nm_open("netmap:wa") as right, network.raw("wb") as far:
        buffers = {slot.buf_idx for slot in right.rx_rings[0].slots}
        for i in range(300):
            far.send(frame(i))
        moved = 0
        while moved < 300:
            assert right.wait(5) & select.POLLIN
            moved += right.rx_rings[0].forward(left.tx_rings[0])
            left.txsync()
        right.rxsync()
        assert arrived(peer, 300) == [frame(i) for i in range(300)]
        assert len(buffers & {slot.buf_idx for slot in left.tx_rings[0].slots}) == 300
        assert not any(slot.flags for slot in left.tx_rings[0].slots)  # as drivers leave them


@pytest.mark.parametrize("kind", ["rt", "r", "t", "z"])
def test_monitors_of_it(veth: tuple[str, str], peer: socket.socket, kind: str) -> None:
    name = f"netmap:{veth[0]}"
    assert error_of(nm_open, f"{name}/{kind}")[0] == errno.EINVAL  # nobody has it open
    with nm_open(name) as desc, nm_open(f"{name}/{kind}") as monitor:
        peer.send(frame(1))
        assert take(desc, 1) == [frame(1)]
        nm_inject(desc, frame(2))
        desc.txsync()
        arrived(peer, 1)
        expected = ([frame(1)] if kind != "t" else []) + ([frame(2)] if kind != "r" else [])
        assert take(monitor, len(expected)) == expected
        assert monitor.wait(0.05) == 0


# ---- several at once -----------------------------------------------------------------------


def test_exclusive_use(veth: tuple[str, str]) -> None:
    name = f"netmap:{veth[0]}"
    with nm_open(f"{name}/x"):
        assert error_of(nm_open, name)[0] == errno.EBUSY
    with nm_open(name):
        assert error_of(nm_open, f"{name}/x")[0] == errno.EBUSY
    with nm_open(f"{name}/xT"), nm_open(f"{name}/xR"):
        pass


def test_one_receives_and_another_sends(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}/R") as receiver, nm_open(f"netmap:{veth[0]}/T") as sender:
        peer.send(frame(1))
        assert take(receiver, 1) == [frame(1)]
        nm_inject(sender, frame(2))
        sender.txsync()
        assert arrived(peer, 1) == [frame(2)]
        assert receiver.wait(0.1) == 0  # what the other sends is not received


def test_two_that_share_it_have_the_same_rings(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as one, nm_open(f"netmap:{veth[0]}") as other:
        peer.send(frame(1))
        assert one.wait(5)
        assert other.wait(0)
        assert state(one.rx_rings[0]) == state(other.rx_rings[0]) == (0, 0, 1)
        assert take(other, 1) == [frame(1)]
        one.rxsync()
        assert state(one.rx_rings[0]) == (1, 1, 1)
        later = Later(0.2, lambda: (peer.send(frame(2)), one.wait(5)))
        assert other.wait(5) & select.POLLIN  # woken by who filled the ring
        later.join()
        assert take(other, 1) == [frame(2)]


def test_no_frame_twice_when_another_takes_over(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as other:
        with nm_open(f"netmap:{veth[0]}") as one:
            peer.send(frame(1))
            assert take(one, 1) == [frame(1)]
        other.rxsync()  # has seen frame 1 as well, in its own socket
        assert other.wait(0.1) == 0
        peer.send(frame(2))
        assert take(other, 1) == [frame(2)]


def test_who_has_stopped_syncing_is_replaced(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as idle, nm_open(f"netmap:{veth[0]}") as other:
        fd = idle.fileno()
        peer.send(frame(1))
        assert take(idle, 1) == [frame(1)]
        assert other.wait(4) == 0
        peer.send(frame(2))
        assert take(other, 1) == [frame(2)]
        idle.rxsync()
        assert not readable(fd)  # it is the other who waits for the interface now


# ---- processes -----------------------------------------------------------------------------


def in_child(work: Any) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_child_goes_on_with_the_binding(veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}/x") as desc:
        ready, told = os.pipe()

        def work() -> None:
            desc.rxsync()
            os.write(told, b".")
            got = take(desc, 2)
            for data in got:
                nm_inject(desc, data + b"back")
            desc.txsync()

        pid = in_child(work)
        os.read(ready, 1)
        peer.send(frame(1))
        peer.send(frame(2))
        assert arrived(peer, 2) == [frame(1) + b"back", frame(2) + b"back"]
        assert ended(pid) == 0
        os.close(ready)
        os.close(told)
        nm_inject(desc, frame(3))
        desc.txsync()
        assert arrived(peer, 1) == [frame(3)]


def test_a_killed_owner_leaves_nothing(
    veth: tuple[str, str], network: Network, peer: socket.socket, runtime_dir: Path
) -> None:
    ready, told = os.pipe()

    def work() -> None:
        with nm_open(f"netmap:{veth[0]}/x") as desc:
            os.write(told, b".")
            while True:
                desc.wait(0.01)

    pid = in_child(work)
    os.read(ready, 1)
    assert error_of(nm_open, f"netmap:{veth[0]}")[0] == errno.EBUSY
    os.kill(pid, signal.SIGKILL)
    assert ended(pid) == -signal.SIGKILL
    os.close(ready)
    os.close(told)
    assert network.show(veth[0])["promiscuity"] == 0
    with nm_open(f"netmap:{veth[0]}/x") as desc:
        peer.send(frame(1))
        assert take(desc, 1) == [frame(1)]


def test_namespaces_have_interfaces_of_their_own(network: Network, veth: tuple[str, str]) -> None:
    from ...network import new_network

    with ExitStack() as stack:
        stack.enter_context(nm_open(f"netmap:{veth[0]}/x"))
        with new_network() as elsewhere:
            a, b = elsewhere.veth()
            with nm_open(f"netmap:{a}/x") as desc, elsewhere.raw(b) as sender:
                sender.send(frame(1))
                assert take(desc, 1) == [frame(1)]


# ---- failing -------------------------------------------------------------------------------


def test_an_interface_that_is_down(network: Network, veth: tuple[str, str], peer: socket.socket) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        peer.send(frame(1))
        network.ip("link", "set", veth[0], "down")
        assert take_one_before_the_error(desc) == frame(1)
        for call in (desc.rxsync, lambda: desc.wait(None)):
            number, message = error_of(call)
            assert number in (errno.ENETDOWN, errno.EIO)
            assert "The interface went down" in message
        nm_inject(desc, frame(2))
        assert error_of(desc.txsync)[0] == errno.ENETDOWN
        assert state(desc.tx_rings[0]) == (1, 1, 1023)  # still to be sent
        network.ip("link", "set", veth[0], "up")
        network.wait_for(veth[0], "UP")
        desc.txsync()
        assert state(desc.tx_rings[0]) == (1, 1, 0)
        assert arrived(peer, 1) == [frame(2)]
        peer.send(frame(3))
        assert take(desc, 1) == [frame(3)]


def test_an_interface_that_is_down_can_be_opened(
    network: Network, veth: tuple[str, str], peer: socket.socket
) -> None:
    network.ip("link", "set", veth[0], "down")
    with nm_open(f"netmap:{veth[0]}") as desc:
        assert error_of(desc.rxsync)[0] == errno.ENETDOWN
        network.ip("link", "set", veth[0], "up")
        network.wait_for(veth[0], "UP")
        peer.send(frame(1))
        assert take(desc, 1) == [frame(1)]
        nm_inject(desc, frame(2))
        desc.txsync()
        assert arrived(peer, 1) == [frame(2)]


def take_one_before_the_error(desc: NmDesc) -> bytes:
    """What came before the interface went down is told before that."""
    desc.rxsync()
    got: list[bytes] = []
    nm_dispatch(desc, 1, lambda into, hdr, data: into.append(bytes(data)), got)
    return got[0]


def test_an_interface_going_down_ends_a_wait(network: Network, veth: tuple[str, str]) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        down = threading.Timer(0.1, lambda: network.ip("link", "set", veth[0], "down"))
        down.start()
        number, message = error_of(desc.wait, 5)
        down.join()
        assert number == errno.EIO
        assert "The interface went down" in message


def test_an_interface_going_down_makes_it_readable(network: Network, veth: tuple[str, str]) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        fd = desc.fileno()
        network.ip("link", "set", veth[0], "down")
        assert readable(fd, 1)
        assert error_of(desc.rxsync)[0] == errno.ENETDOWN


def test_an_interface_that_is_gone(network: Network, veth: tuple[str, str]) -> None:
    with nm_open(f"netmap:{veth[0]}") as desc:
        network.ip("link", "del", veth[0])
        assert "disappeared" in error_of(desc.wait, None)[1]
        assert "disappeared" in error_of(desc.rxsync)[1]
        nm_inject(desc, frame(1))
        assert "disappeared" in error_of(desc.txsync)[1]
        network.veth()
        with nm_open(f"netmap:{veth[0]}/x") as again:  # another interface of this name, another port
            assert again.wait(0) == 0


def test_reading_says_what_is_wrong_now(network: Network, veth: tuple[str, str]) -> None:
    name = f"netmap:{veth[0]}"
    with nmpcap.open(name, timeout=1) as capture:
        network.ip("link", "set", veth[0], "down")
        with pytest.raises(DeviceError, match=f"^{name}: .*The interface went down"):
            capture.next()
        with pytest.raises(DeviceError, match=f"^{name}: txsync: .*sending a frame of 60 bytes"):
            capture.inject(frame(1))
        network.ip("link", "del", veth[0])
        with pytest.raises(DeviceError, match=f"^{name}: rxsync: .*The interface disappeared"):
            capture.next()


def test_without_the_capability(veth: tuple[str, str]) -> None:
    def work() -> None:
        os.setuid(65534)
        os.environ["NMPCAP_RUNTIME_DIR"] = f"/dev/shm/nmpcap-test-{os.getpid()}"
        os.mkdir(os.environ["NMPCAP_RUNTIME_DIR"], 0o700)
        try:
            number, message = error_of(nm_open, f"netmap:{veth[0]}")
            assert number == errno.EPERM
            assert "CAP_NET_RAW" in message
            with nm_open(f"netmap:{veth[0]}{{1"):  # its pipes are shared memory, and nothing else
                pass
        finally:
            os.rmdir(os.environ["NMPCAP_RUNTIME_DIR"])

    assert ended(in_child(work)) == 0
