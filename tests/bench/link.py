"""The link emulator: packets a second that it carries from one port to another."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from measure import Case, Took, benchmark

import nmpcap
from nmpcap import Packet
from nmpcap.tools.link import Direction, Impairments, Link

PACKETS = int(os.environ.get("NMPCAP_BENCH_PACKETS", "2000000"))
LENGTH = 60
SETTINGS = {
    "nothing": Impairments(),
    "delay and loss": Impairments(delay="1ms", loss="1%"),
    "all": Impairments(rate="100G", queue="20ms", delay="1ms", jitter="100us", loss="1%", burst=(0.001, 0.3)),
}


def drain(port: nmpcap.Capture, over: threading.Event) -> None:
    while not over.is_set():
        port.next_batch(4096, timeout=0.1)


def carry(path: Path, setting: Impairments) -> Took:
    """From a savefile that lies in memory to a pipe that is read from all the time."""
    over = threading.Event()
    with (
        nmpcap.open_offline(path) as source,
        nmpcap.open("netmap:bench{1", rx_slots=4096, tx_slots=4096) as sink,
        nmpcap.open("netmap:bench}1") as far_end,
    ):
        reader = threading.Thread(target=drain, args=(far_end, over))
        reader.start()
        start = time.perf_counter()
        with Link(source, sink, setting, Impairments()) as link:
            while True:
                report = link.report(Direction.THERE)
                if report.received == PACKETS and not report.waiting:
                    break
                time.sleep(0.001)
        seconds = time.perf_counter() - start
        over.set()
        reader.join()
    return Took(seconds, PACKETS, {"unsent %": 100 * report.unsent / PACKETS})


@benchmark(reach=1.0, figure="mpps")
def link_rate() -> Iterator[Case]:
    """Packets through the emulator, one direction, as fast as it goes."""
    os.environ["NMPCAP_NETMAP"] = "user"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "packets.pcap")
        with nmpcap.open_writer(path) as writer:
            writer.write_many([Packet(bytes(LENGTH))] * PACKETS)
        for name, setting in SETTINGS.items():
            yield Case(name, items=PACKETS, ours=lambda setting=setting: carry(path, setting))  # type: ignore[misc]
