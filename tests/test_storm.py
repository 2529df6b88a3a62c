"""Eight processes at once on one switch, with 64 ports between them, and death at random among them.

What must hold, and is checked packet by packet (storm.c): what arrives is unaltered, whole, once, and in
order for each sender and receiver; what does not arrive was dropped by a full ring, and counted; the counters
of every port add up; afterwards each port still reaches every other; and shared memory is left empty.

Environment
    NMPCAP_STORM_SECONDS  how long it lasts, by default 5
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nmpcap import vale

SECONDS = float(os.environ.get("NMPCAP_STORM_SECONDS", "5"))
STATIONS, PROCESSES = 64, 8
PORTS = STATIONS // PROCESSES
SURVIVORS = 3  # the others are killed now and then
MEAN_LIFE = 0.15  # seconds between two deaths
CHURN = 300  # one time in so many a port that is no survivor's is closed and opened again
PATIENCE = 90  # seconds for a step that takes far less than one
STORM, STOP, DRAIN, END, TURN = 1, 2, 3, 4, 100
TESTS = Path(__file__).parent


class Ledger(ctypes.Structure):
    """storm.c's."""

    _fields_ = (
        ("phase", ctypes.c_uint32),
        ("births", ctypes.c_uint32),
        ("acked", ctypes.c_uint32 * PROCESSES),
        ("station", ctypes.c_uint64 * STATIONS),
        ("sent_to", ctypes.c_uint64 * STATIONS * STATIONS),
        ("sent", ctypes.c_uint32 * (STATIONS + 1) * STATIONS),
        *((name, ctypes.c_uint64) for name in ("packets", "bytes", "taken", "missing", "reopened")),
    )


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("cc"):
        pytest.skip("no C compiler; to run it: apt-get install gcc libc6-dev")
    built = tmp_path_factory.mktemp("storm") / "storm"
    subprocess.run([TESTS / "c" / "run.sh", "build", TESTS / "storm.c", built], check=True)
    return built


class Storm:
    """The processes, and the ledger they share with the test."""

    def __init__(self, program: Path, folder: Path, rng: random.Random) -> None:
        self._program, self._rng = program, rng
        self._file = folder / "ledger"
        self._file.write_bytes(bytes(ctypes.sizeof(Ledger)))
        with self._file.open("r+b") as file:
            self.ledger = Ledger.from_buffer(mmap.mmap(file.fileno(), 0))
        self._errors = folder / "errors"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, number: int) -> subprocess.Popen[bytes]:
        self.ledger.acked[number] = 0
        seed = self._rng.getrandbits(63)
        churn = CHURN if number >= SURVIVORS else 0
        with self._errors.open("ab") as errors:
            return subprocess.Popen(
                [self._program, self._file, *map(str, (number, PORTS, seed, churn))], stderr=errors
            )

    def start_all(self) -> None:
        self.ledger.phase = STORM
        self.processes = [self.start(number) for number in range(PROCESSES)]

    def kill_one(self) -> None:
        number = self._rng.randrange(SURVIVORS, PROCESSES)
        self.check()
        self.processes[number].kill()
        assert self.processes[number].wait() == -signal.SIGKILL, self.report()
        self.processes[number] = self.start(number)

    def check(self) -> None:
        for process in self.processes:
            assert process.poll() is None, self.report()

    def report(self) -> str:
        return self._errors.read_text() or "a process of the storm ended, and did not say why"

    def phase(self, phase: int) -> None:
        """Lets every process do a step to its end."""
        self.ledger.phase = phase
        self.wait_for(lambda: all(acked == phase for acked in self.ledger.acked))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.check()
            assert time.monotonic() < deadline, f"phase {self.ledger.phase}: acked {list(self.ledger.acked)}"
            time.sleep(0.001)

    def end(self) -> None:
        self.ledger.phase = END
        for process in self.processes:
            assert process.wait(PATIENCE) == 0, self.report()

    def abandon(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def storm(program: Path, tmp_path: Path, rng: random.Random) -> Iterator[Storm]:
    storm = Storm(program, tmp_path, rng)
    yield storm
    storm.abandon()


def test_nothing_is_lost_altered_doubled_or_disordered(storm, rng, runtime_dir, capsys) -> None:
    started = time.monotonic()
    kills = 0
    storm.start_all()
    while time.monotonic() - started < SECONDS:
        time.sleep(rng.expovariate(1 / MEAN_LIFE))
        storm.kill_one()
        kills += 1
    storm.wait_for(lambda: all(acked == STORM for acked in storm.ledger.acked))
    lasted = time.monotonic() - started
    ledger = storm.ledger
    figures = (
        f"{lasted:.1f} s, {kills} killed, {ledger.reopened} ports reopened, {ledger.packets} packets sent "
        f"({ledger.bytes / lasted / 1e6:.0f} MB/s), {ledger.taken} taken, {ledger.missing} dropped"
    )

    storm.phase(STOP)
    storm.phase(DRAIN)
    for process in range(PROCESSES):
        storm.phase(TURN + 2 * process)
        storm.phase(TURN + 2 * process + 1)
    assert {port.name for port in vale.list_ports("vale0", netmap="user")} == {
        f"vale0:p{number}" for number in range(STATIONS)
    }
    storm.end()

    assert ledger.taken > ledger.packets / 4, figures
    assert list(runtime_dir.iterdir()) == []
    with capsys.disabled():
        print(f"\nstorm: {figures}", file=sys.stderr)
