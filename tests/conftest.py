"""What every test stands on: the installed package, a runtime directory of its own, nothing left behind.

Environment
    NMPCAP_TEST_SEED            repeats a run's random choices (printed with every failure)
    NMPCAP_CONFORMANCE_PROVIDE  what the kernel's netmap may be put through, see conformance/

A skip says what to do about it: ``pytest.skip("reason; to run it: remedy")``. The end of the run
lists each reason with its count.
"""

from __future__ import annotations

import filecmp
import gc
import importlib.util
import os
import random
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from .network import Network

ROOT = Path(__file__).parents[1]
NETMAP_DEVICE = "/dev/netmap"
SHARED_MEMORY = Path("/dev/shm")
REMEDY = "to run it:"

SEED = pytest.StashKey[int]()
DESCRIPTORS = 4096
REPORT = pytest.StashKey[pytest.TestReport]()

hypothesis.settings.register_profile("nmpcap", print_blob=True, deadline=None, database=None)
hypothesis.settings.load_profile("nmpcap")


# ---- the installed package ------------------------------------------------------------


def _allow_descriptors() -> None:
    """A full switch in one process is 252 ports of four descriptors: more than the usual 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < DESCRIPTORS:
        most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _take_signals() -> None:
    """SIGINT as usual, also where it is ignored (nohup, some CI); SIGTERM ends the run in good order.

    Programs that tests start inherit what is ignored, but not what is handled.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    runner = os.getpid()

    def end(number: int, frame: object) -> None:
        if os.getpid() == runner:
            pytest.exit("ended by SIGTERM", returncode=128 + number)
        signal.signal(number, signal.SIG_DFL)  # a forked child is not the run
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)


def pytest_configure(config: pytest.Config) -> None:
    _allow_descriptors()
    _take_signals()
    config.stash[SEED] = int(os.environ.get("NMPCAP_TEST_SEED") or secrets.randbits(32))
    sys.path[:] = [entry for entry in sys.path if Path(entry or os.curdir).resolve() != ROOT]
    importlib.invalidate_caches()
    spec = importlib.util.find_spec("nmpcap")
    if spec is None or not spec.origin:
        raise pytest.UsageError(f"nmpcap is not installed in {sys.prefix}: pip install '.[test]'")
    if Path(spec.origin).resolve().is_relative_to(ROOT / "nmpcap"):
        raise pytest.UsageError(
            f"nmpcap would be imported from its source tree ({spec.origin}), but the tests are for the "
            "installed package: pip install '.[test]', and no editable install, PYTHONPATH or -p option "
            "that puts the source tree in front of it"
        )


def pytest_report_header(config: pytest.Config) -> list[str]:
    spec = importlib.util.find_spec("nmpcap")
    assert spec
    assert spec.origin
    installed = Path(spec.origin).parent
    header = [f"nmpcap: {installed}", f"NMPCAP_TEST_SEED={config.stash[SEED]}"]
    stale = [
        str(file) for file in _sources() if not _same(ROOT / file, installed / file.relative_to("nmpcap"))
    ]
    if stale:
        header.append(f"not what is installed (pip install . to test it): {', '.join(sorted(stale))}")
    return header


def _sources() -> list[Path]:
    return [file.relative_to(ROOT) for file in (ROOT / "nmpcap").rglob("*.py") if file.name != "build.py"]


def _same(source: Path, installed: Path) -> bool:
    return installed.exists() and filecmp.cmp(source, installed, shallow=False)


# ---- nothing left behind --------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call":
        item.stash[REPORT] = report
    if report.failed:
        report.sections.append(
            ("to repeat", f"NMPCAP_TEST_SEED={item.config.stash[SEED]} pytest '{item.nodeid}'")
        )
    return report


@pytest.fixture(autouse=True)
def runtime_dir(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory of user-space netmap for this test alone, which must be left empty."""
    folder = Path(tempfile.mkdtemp(prefix="nmpcap-test-", dir=_memory()))
    monkeypatch.setenv("NMPCAP_RUNTIME_DIR", str(folder))
    try:
        yield folder
        if _passed(request.node):
            left = _left_in(folder)
            if left:
                gc.collect()
                left = _left_in(folder)
            assert not left, f"left in the runtime directory: {', '.join(left)}"
    finally:
        shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def no_process_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Processes that a test starts must have ended, and have been waited for."""
    yield
    left = _children()
    for pid in left:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    if _passed(request.node):
        assert not left, f"child processes left, now killed: {left}"


def _memory() -> str | None:
    return str(SHARED_MEMORY) if os.access(SHARED_MEMORY, os.W_OK) else None


def _passed(node: pytest.Item) -> bool:
    report = node.stash.get(REPORT, None)
    return report is not None and report.passed


def _left_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


def _children() -> list[int]:
    """This process's children, zombies included, but for what multiprocessing keeps for itself."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return []
    listing = subprocess.Popen(["ps", "-A", "-o", "pid=,ppid="], stdout=subprocess.PIPE, text=True)
    rows = [tuple(map(int, line.split())) for line in listing.communicate()[0].splitlines()]
    own = {listing.pid, *_multiprocessing_servers()}
    return [pid for pid, parent in rows if parent == os.getpid() and pid not in own]


def _multiprocessing_servers() -> set[int | None]:
    """The resource tracker and the fork server live until the interpreter ends."""
    servers: set[int | None] = set()
    for module, server, pid in (
        ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
        ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
    ):
        servers.add(getattr(getattr(sys.modules.get(module), server, None), pid, None))
    return servers


# ---- which netmap, which names --------------------------------------------------------


@pytest.fixture(params=["user", "kernel"])
def netmap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Which netmap to test; also what ``NMPCAP_NETMAP`` says while the test runs."""
    which: str = request.param
    if which == "kernel":
        try:
            os.close(os.open(NETMAP_DEVICE, os.O_RDWR))
        except OSError as error:
            pytest.skip(
                f"kernel netmap: {NETMAP_DEVICE}: {error.strerror}; {REMEDY} load the netmap module "
                "(insmod netmap.ko; on FreeBSD it is there) and run as root"
            )
    monkeypatch.setenv("NMPCAP_NETMAP", which)
    return which


@pytest.fixture
def switch() -> str:
    """A VALE switch that nobody else has: ``valeXXXXX``."""
    return f"vale{_token()}"


@pytest.fixture
def port_name(switch: str) -> Callable[[str], str]:
    """``port_name("a")`` is port a of this test's switch."""
    return lambda port: f"{switch}:{port}"


@pytest.fixture
def pipe_name() -> Callable[[str], tuple[str, str]]:
    """``pipe_name("1")`` are the master and slave ends of a pipe that nobody else has."""
    parent = f"netmap:p{_token()}"
    return lambda pipe: (f"{parent}{{{pipe}", f"{parent}}}{pipe}")


def _token() -> str:
    # Not from the seed: two runs of one seed may be under way at once, on one kernel.
    return "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(5))


@pytest.fixture
def network() -> Iterator[Network]:
    """A network namespace of this test's own, in which it runs, and whose interfaces it makes."""
    from .network import new_network

    with new_network() as network:
        yield network


# ---- random choices, files, other processes -------------------------------------------


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Random choices that NMPCAP_TEST_SEED repeats, each test's independent of the others'."""
    return random.Random(f"{request.config.stash[SEED]} {request.node.nodeid}")


@pytest.fixture
def save(tmp_path: Path) -> Callable[[bytes], Path]:
    """``save(contents)`` is a file that holds them."""

    def save(contents: bytes) -> Path:
        path = tmp_path / "trace.pcap"
        path.write_bytes(contents)
        return path

    return save


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs this interpreter on ``*arguments``, in an empty folder, with the source tree out of sight.

    Keywords are those of ``subprocess.run``. Output is captured as text, 60 s are allowed, and a
    failing program fails the test with what it printed, unless ``check=False``.
    """

    def run(*arguments: str | Path, check: bool = True, **keywords: Any) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        env.update(keywords.pop("env", {}))
        options: dict[str, Any] = {
            "cwd": tmp_path,
            "capture_output": True,
            "text": True,
            "timeout": 60,
        } | keywords
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [sys.executable, *map(str, arguments)], env=env, check=False, **options
        )
        if check and done.returncode:
            pytest.fail(
                f"{done.args} ended with {done.returncode}\n{done.stdout}\n{done.stderr}", pytrace=False
            )
        return done

    return run


# ---- the end of the run ---------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Each reason for which something was not tested, how often, and what to do about it."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    if not reasons:
        return
    terminalreporter.section(f"not tested: {reasons.total()}")
    for text, count in reasons.most_common():
        reason, _, remedy = text.partition(REMEDY)
        terminalreporter.line(f"{count:5}  {reason.rstrip('; ')}")
        terminalreporter.line(f"       {REMEDY} {remedy.strip() or '(the test does not say)'}")
