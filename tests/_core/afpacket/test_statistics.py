"""Accounts: what was sent was received, dropped by the ring, or dropped by the interface."""

from __future__ import annotations

import os
import threading
import time

import pytest

import nmpcap

from ...later import Later
from ...network import MODES, Burst, Network, frame, resident


def counted(network: Network, name: str) -> dict[str, int]:
    """The interface's counters, as ip(8) has them."""
    found: dict[str, int] = network.show(name)["stats64"]["rx"]
    return found


@MODES
@pytest.mark.parametrize("pause", [0, 0.02], ids=["fast", "slow"])
def test_every_packet_of_a_burst_is_accounted_for(network: Network, immediate: bool, pause: float) -> None:
    """sent = received + dropped + if_dropped, with a reader that keeps up and with one that cannot."""
    a, b = network.veth()
    total = 200_000
    burst = Burst(network, a, frame(1))
    with nmpcap.open(b, immediate=immediate, buffer_size=1 << 18 if pause else None) as capture:
        later = Later(0, lambda: burst.send(total))
        seen = 0
        while batch := capture.next_batch(4096, 0.5):
            seen += len(batch)
            time.sleep(pause)
        later.join()
        stats = capture.stats()
        came = counted(network, b)["packets"]
        assert came == total, "the pair of interfaces lost some: not what is tested"
        assert seen == stats.received == stats.delivered
        assert stats.received + stats.dropped + stats.if_dropped == total
        assert (stats.dropped > 0) >= bool(pause)
        assert capture.stats() == stats, "reading them does not change them"
    burst.close()
    assert capture.stats() == stats


def test_what_a_reader_never_took_is_dropped_or_waits(network: Network) -> None:
    a, b = network.veth()
    burst = Burst(network, a, frame(1))
    with nmpcap.open(b, buffer_size=1 << 16) as capture:
        burst.send(50_000)
        dropped = capture.stats().dropped
        assert dropped > 0
        rest = 0
        while batch := capture.next_batch(4096, 0.2):
            rest += len(batch)
        assert rest + capture.stats().dropped == 50_000
    burst.close()


def test_counters_are_read_from_any_thread(network: Network) -> None:
    a, b = network.veth()
    burst = Burst(network, a, frame(1))
    stop = threading.Event()
    last = [0]
    with nmpcap.open(b, buffer_size=1 << 16) as capture:

        def watch() -> None:
            while not stop.is_set():
                now = capture.stats().dropped
                assert now >= last[0]
                last[0] = now

        watcher = Later(0, watch)
        sender = Later(0, lambda: burst.send(100_000))
        seen = 0
        while batch := capture.next_batch(4096, 0.5):
            seen += len(batch)
        sender.join()
        stop.set()
        watcher.join()
        assert seen + capture.stats().dropped == 100_000
    burst.close()


def test_soak(network: Network) -> None:
    """Flat memory and exact accounts under load, for NMPCAP_SOAK_SECONDS: 600 for the record."""
    seconds = float(os.environ.get("NMPCAP_SOAK_SECONDS", "2"))
    a, b = network.veth()
    burst = Burst(network, a, frame(1, 200))
    until = time.monotonic() + seconds
    sent = seen = 0
    stop = threading.Event()

    def send() -> None:
        nonlocal sent
        while not stop.is_set():
            burst.send(5000)
            sent += 5000
            time.sleep(0.002)

    with nmpcap.open(b) as capture:
        sender = Later(0, send)
        memory = 0
        while time.monotonic() < until:
            batch = capture.next_batch(1024, 1)
            assert batch
            seen += len(batch)
            if not memory and time.monotonic() > until - seconds / 2:
                memory = resident()
        assert resident() - memory < 4 << 20
        stop.set()
        sender.join()
        while batch := capture.next_batch(4096, 0.3):
            seen += len(batch)
        stats = capture.stats()
        assert counted(network, b)["packets"] == sent
        assert seen + stats.dropped + stats.if_dropped == sent
    burst.close()
