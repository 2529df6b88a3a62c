"""Waiting in an event loop: iteration by one task and by several, deadlines, room to send."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

import nmpcap
from nmpcap import Capture, UsageError
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


# ---- several tasks, deadlines, room ---------------------------------------------------------------

FRAME = b"\xff" * 6 + b"\x02\0\0\0\0\x01" + bytes(48)


@pytest.fixture
def ends(port_name: Callable[[str], str]) -> Iterator[tuple[Capture, Capture]]:
    with (
        nmpcap.open(port_name("a"), netmap="user") as a,
        nmpcap.open(port_name("b"), netmap="user", rx_slots=16) as b,
    ):
        yield a, b


def test_several_tasks_share_the_packets(ends: tuple[Capture, Capture]) -> None:
    async def main() -> list[int]:
        a, b = ends
        counts = [0, 0, 0]

        async def read(which: int, most: int) -> None:
            async for _ in b:
                counts[which] += 1
                if counts[which] == most:
                    return

        tasks = [asyncio.ensure_future(read(i, most)) for i, most in enumerate([1, 2, 100])]
        for _ in range(20):
            await asyncio.sleep(0.005)
            a.inject(FRAME)
        await asyncio.sleep(0.1)
        assert [task.done() for task in tasks] == [True, True, False]
        b.close()
        await asyncio.gather(*tasks)
        return counts

    assert asyncio.run(asyncio.wait_for(main(), 10)) == [1, 2, 17]


def test_the_end_of_one_task_leaves_the_others_awake(ends: tuple[Capture, Capture]) -> None:
    async def main() -> Packet:
        a, b = ends
        first = asyncio.ensure_future(anext(aiter(b)))
        second = asyncio.ensure_future(anext(aiter(b)))
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.sleep(0.05)
        a.inject(FRAME)
        return await asyncio.wait_for(first, 5)

    assert asyncio.run(main()).data == FRAME


def test_the_end_of_a_source_is_everybodys() -> None:
    async def main() -> int:
        capture, port = fake_capture(available=3)

        async def read() -> int:
            return len([packet async for packet in capture])

        tasks = [asyncio.ensure_future(read()) for _ in range(3)]
        await asyncio.sleep(0.05)
        port.control.end_at = 4
        port.push(1)
        return sum(await asyncio.wait_for(asyncio.gather(*tasks), 5))

    assert asyncio.run(main()) == 4


def test_a_deadline_for_one_packet_does_not_end_the_iteration(ends: tuple[Capture, Capture]) -> None:
    async def main() -> list[bytes]:
        a, b = ends
        arriving = aiter(b)
        got = []
        for i in range(3):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(arriving), 0.03)
            a.inject(FRAME + bytes([i]))
            got.append((await asyncio.wait_for(anext(arriving), 5)).data[-1])
        return got

    assert asyncio.run(main()) == [0, 1, 2]


def test_cancelling_at_any_moment_loses_nothing() -> None:
    async def main() -> list[Packet]:
        capture, _ = fake_capture(available=400, end_at=400)
        got = []

        async def read() -> None:
            async for packet in capture:
                got.append(packet)

        while len(got) < 400:
            task = asyncio.ensure_future(read())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        return got

    assert asyncio.run(main()) == packets(400)


def test_async_with_closes(port_name: Callable[[str], str]) -> None:
    async def main() -> Capture:
        async with nmpcap.open(port_name("a"), netmap="user") as capture:
            assert not capture.closed
        return capture

    assert asyncio.run(main()).closed


def test_waiting_for_room(pipe_name: Callable[[str], tuple[str, str]]) -> None:
    async def main(a: Capture, b: Capture) -> int:
        assert await a.wait_for_room(0)
        sent = a.inject_many([FRAME] * 100)
        assert not await a.wait_for_room(0)
        assert not await a.wait_for_room(0.05)
        waiting = asyncio.ensure_future(a.wait_for_room(5))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        while b.next(0):
            pass
        assert await waiting
        a.inject(FRAME)
        return sent

    master, slave = pipe_name("1")
    with (
        nmpcap.open(master, netmap="user", tx_slots=16, rx_slots=16) as a,
        nmpcap.open(slave, netmap="user") as b,
    ):
        assert 0 < asyncio.run(main(a, b)) < 100
    with pytest.raises(UsageError, match="has been closed"):
        asyncio.run(a.wait_for_room(1))


def test_another_event_loop_is_told_what_to_do(ends: tuple[Capture, Capture]) -> None:
    step = anext(aiter(ends[1]))
    with pytest.raises(UsageError, match=r"no event loop of asyncio.*fileno\(\) is readable.*wait_readable"):
        step.send(None)


def test_trio_waits_on_the_descriptor(ends: tuple[Capture, Capture]) -> None:
    trio = pytest.importorskip("trio", reason="no trio; to run it: pip install trio")
    a, b = ends

    async def main() -> list[Packet]:
        got = []

        async def read() -> None:
            while len(got) < 5:
                await trio.lowlevel.wait_readable(b.fileno())
                while packet := b.next(0):
                    got.append(packet)

        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                for _ in range(5):
                    await trio.sleep(0.01)
                    a.inject(FRAME)
        return got

    assert len(trio.run(main)) == 5
