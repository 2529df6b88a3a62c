"""Async iteration."""

from __future__ import annotations

import asyncio

import pytest

from nmpcap.packet import Packet

from .fake_source import fake_capture, packets
from .later import Later


def test_async_iteration_waits_without_blocking_others() -> None:
    async def main() -> tuple[list[Packet], int]:
        capture, port = fake_capture(available=3, end_at=9)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                if ticks % 5 == 0 and ticks <= 10:
                    port.push(3)
                await asyncio.sleep(0.01)

        ticker = asyncio.ensure_future(tick())
        got = [packet async for packet in capture]
        ticker.cancel()
        return got, ticks

    got, ticks = asyncio.run(main())
    assert got == packets(9)
    assert ticks >= 10


def test_async_iteration_lets_others_run_while_packets_keep_coming() -> None:
    async def main() -> bool:
        capture, _ = fake_capture(available=10**6, end_at=10**6)
        others = asyncio.Event()
        asyncio.get_running_loop().call_soon(others.set)
        count = 0
        async for _ in capture:
            count += 1
            if others.is_set():
                break
        return count < 1000

    assert asyncio.run(main())


@pytest.mark.parametrize("apart", [0, 1])
@pytest.mark.parametrize("how", ["breakloop", "close"])
def test_async_iteration_ends_by_break_and_close(how: str, apart: int) -> None:
    async def main() -> int:
        capture, _ = fake_capture(available=3, apart=apart)
        later = Later(0.1, getattr(capture, how))
        got = [packet async for packet in capture]
        later.join()
        return len(got)

    assert asyncio.run(asyncio.wait_for(main(), 5)) == 3


def test_cancelled_async_iteration_loses_nothing() -> None:
    async def main() -> list[Packet]:
        capture, port = fake_capture(available=2)
        got = []

        async def read() -> None:
            async for packet in capture:
                got.append(packet)

        for _ in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(read(), 0.05)
            port.push(2)
        port.control.end_at = 8
        await asyncio.wait_for(read(), 5)
        return got

    assert asyncio.run(main()) == packets(8)
