"""Interfaces: what is received of a flood, and how fast frames are sent, on a veth pair."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from typing import Any

from far_end import Other, frame, wire
from measure import Case, Missing, Took, benchmark
from peers import peer

import nmpcap

FRAMES = int(os.environ.get("NMPCAP_BENCH_PACKETS", "300000"))
SNAPLEN = 65535
QUIET = 0.05  # seconds without a packet after the flood's end: no more will come


# ---- receiving -----------------------------------------------------------------------


Receive = Callable[[], int]


class Receiver:
    """An open handle of some library: ``receive`` calls back for what is there, after waiting for it.

    It waits up to QUIET, and says how many packets there were: more than 0 where it does not know.
    """

    def __init__(self, handle: Any, receive: Receive, count: Receive | None = None) -> None:
        self.handle = handle
        self.receive = receive
        self.count = count  # how many in all, for a library whose dispatch does not tell

    def during(self, flooder: Other) -> Took:
        """Receive until the flood has ended and nothing more comes: processor time a packet.

        The flood's own pace is the sender's; what a receiver could keep up with is told by its work.
        """
        got = 0
        flooder.ask(FRAMES)
        start = last = time.perf_counter()
        cpu = used = time.process_time()
        while True:
            more = self.receive()
            if more:
                got += more
                last, used = time.perf_counter(), time.process_time()
            elif flooder.answered:
                break
        sent = flooder.answer()
        if self.count:
            got = self.count()
        if not got:
            raise RuntimeError("nothing was received")
        beside = {"dropped %": 100 * (sent - got) / sent, "arrived, Mpps": got / (last - start) / 1e6}
        return Took(used - cpu, got, beside)


def waiting(fd: int, dispatch: Callable[[], int | None]) -> Callable[[], int]:
    """For libraries whose dispatch does not come back from an idle link."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)

    def receive() -> int:
        count = dispatch() if poll.poll(QUIET * 1000) else 0
        return 1 if count is None else count

    return receive


def open_nmpcap(interface: str) -> Receiver:
    capture = nmpcap.open(interface, snaplen=SNAPLEN, timeout=QUIET)
    return Receiver(capture, lambda: capture.dispatch(-1, lambda packet: None))


def open_pcapy(module: Any, interface: str) -> Receiver:
    reader = module.open_live(interface, SNAPLEN, 1, 10)
    reader.setnonblock(1)
    dispatch = waiting(reader.getfd(), lambda: reader.dispatch(-1, lambda header, data: None))
    return Receiver(reader, dispatch)


def open_cypcap(module: Any, interface: str) -> Receiver:
    reader = module.open_live(interface, SNAPLEN, True, 0.01)
    reader.setnonblock(True)
    dispatch = waiting(reader.get_selectable_fd(), lambda: reader.dispatch(-1, lambda header, data: None))
    return Receiver(reader, dispatch, lambda: reader.stats().recv - reader.stats().drop)


def open_pypcap(module: Any, interface: str) -> Receiver:
    reader = module.pcap(interface, SNAPLEN, True, 10)
    reader.setnonblock(True)
    return Receiver(reader, waiting(reader.fileno(), lambda: reader.dispatch(-1, lambda ts, data: None)))


@benchmark(reach=1.0)
def live_capture() -> Iterator[Case | Missing]:
    """``dispatch`` with an empty callback while a second process floods: processor time a packet."""
    peers = {"pcapy-ng": open_pcapy, "cypcap": open_cypcap, "pypcap": open_pypcap}

    def receive(receiver: Receiver) -> Took:
        try:
            return receiver.during(flooder)
        finally:
            receiver.handle.close()

    with wire() as (near, far), Other("flood", far, "60") as flooder:
        for name, open_peer in peers.items():
            module = peer(name)
            if isinstance(module, Missing):
                yield module
                continue
            yield Case(
                f"60 bytes, {name}",
                FRAMES,
                lambda: receive(open_nmpcap(near)),
                lambda open_peer=open_peer, module=module: receive(open_peer(module, near)),  # type: ignore[misc]
                name,
            )


# ---- sending -------------------------------------------------------------------------

AT_ONCE = 256  # frames of one call, where a library takes several


def send_pcapy(module: Any, interface: str, data: bytes) -> None:
    reader = module.open_live(interface, SNAPLEN, 0, 10)
    send = reader.sendpacket
    for _ in range(FRAMES):
        send(data)
    reader.close()


def send_cypcap(module: Any, interface: str, data: bytes) -> None:
    with module.open_live(interface, SNAPLEN, False, 0.01) as reader:
        send = reader.sendpacket
        for _ in range(FRAMES):
            send(data)


def send_pypcap(module: Any, interface: str, data: bytes) -> None:
    reader = module.pcap(interface, SNAPLEN, False, 10)
    send = reader.sendpacket
    for _ in range(FRAMES):
        send(data)
    reader.close()


def send_socket(module: Any, interface: str, data: bytes) -> None:
    with module.socket(module.AF_PACKET, module.SOCK_RAW, 0) as sender:
        sender.bind((interface, 0))
        send = sender.send
        for _ in range(FRAMES):
            send(data)


def send_nmpcap(interface: str, data: bytes) -> None:
    frames = [data] * AT_ONCE
    with nmpcap.open(interface, promisc=False, qdisc_bypass=True) as capture:
        left = FRAMES
        while left:
            left -= capture.inject_many(frames[:left], timeout=1)


def arrived(drainer: Other) -> int:
    """How many frames the other process has received, once no more come."""
    count = -1
    while count != (count := drainer.do(0)):
        time.sleep(QUIET)
    return count


@benchmark(reach=1.0)
def live_send() -> Iterator[Case | Missing]:
    """Frames sent one after the other, or as many a call as a library takes, to a process that receives."""
    peers = {"pcapy-ng": send_pcapy, "cypcap": send_cypcap, "pypcap": send_pypcap, "socket": send_socket}
    data = frame(60)

    def timed(send: Callable[[], None]) -> Took:
        before = arrived(drainer)
        start, cpu = time.perf_counter(), time.process_time()
        send()
        seconds, used = time.perf_counter() - start, time.process_time() - cpu
        lost = FRAMES - (arrived(drainer) - before)
        return Took(
            seconds, FRAMES, {"dropped %": 100 * lost / FRAMES, "CPU ns a frame": used / FRAMES * 1e9}
        )

    with wire() as (near, far), Other("drain", far) as drainer:
        for name, send in peers.items():
            module = peer(name)
            if isinstance(module, Missing):
                yield module
                continue
            yield Case(
                f"60 bytes, {name}",
                FRAMES,
                lambda: timed(lambda: send_nmpcap(near, data)),
                lambda send=send, module=module: timed(  # type: ignore[misc]
                    lambda: send(module, near, data)
                ),
                name,
            )
