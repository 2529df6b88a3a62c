"""The suite's own safeguards, each seen to catch what it is for."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")


@pytest.fixture
def run_suite(tmp_path, run_python):
    """Runs a test module under this suite's conftest and returns what was printed."""

    def run(module: str, ignore: signal.Signals | None = None, **env: str) -> str:
        tests = tmp_path / "tests"
        tests.mkdir(exist_ok=True)
        shutil.copy(CONFTEST, tests)
        (tests / "test_it.py").write_text(module)
        options = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib")
        before = signal.signal(ignore, signal.SIG_IGN) if ignore else None
        try:
            done = run_python("-m", "pytest", *options, check=False, env=env)
        finally:
            if ignore:
                signal.signal(ignore, before)
        return done.stdout + done.stderr

    return run


def test_the_source_tree_is_refused(tmp_path, run_suite) -> None:
    (tmp_path / "nmpcap").mkdir()
    (tmp_path / "nmpcap/__init__.py").touch()
    (tmp_path / "by_another_way").mkdir()
    (tmp_path / "by_another_way/nmpcap").symlink_to(tmp_path / "nmpcap")
    out = run_suite("def test_it(): pass", PYTHONPATH=str(tmp_path / "by_another_way"))
    assert "passed" not in out
    assert "would be imported from its source tree" in out


def test_a_source_tree_in_front_is_stepped_over(tmp_path, run_suite) -> None:
    (tmp_path / "nmpcap").mkdir()
    (tmp_path / "nmpcap/__init__.py").write_text("raise RuntimeError('the source tree')")
    assert "1 passed" in run_suite("import nmpcap\ndef test_it(): pass", PYTHONPATH=str(tmp_path))


def test_an_interrupt_comes_through_where_it_is_ignored(run_suite) -> None:
    out = run_suite(
        "import os, pytest, signal, subprocess, sys\n"
        "def test_it():\n"
        "    with pytest.raises(KeyboardInterrupt):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    child = 'import os, signal; os.kill(os.getpid(), signal.SIGINT)'\n"
        "    assert subprocess.run([sys.executable, '-c', child], capture_output=True).returncode\n",
        ignore=signal.SIGINT,
    )
    assert "1 passed" in out


def test_a_run_that_is_ended_leaves_nothing(run_suite, tmp_path) -> None:
    out = run_suite(
        "import os, signal, pathlib\n"
        "def test_it(runtime_dir):\n"
        f"    pathlib.Path({str(tmp_path / 'where')!r}).write_text(str(runtime_dir))\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    signal.pause()\n"
    )
    assert "ended by SIGTERM" in out
    assert not Path((tmp_path / "where").read_text()).exists()


def test_files_left_in_the_runtime_directory_fail_the_test(run_suite) -> None:
    out = run_suite("def test_it(runtime_dir): (runtime_dir / 'region-1').touch()")
    assert "left in the runtime directory: region-1" in out


def test_a_process_left_fails_the_test(run_suite) -> None:
    out = run_suite("import subprocess\ndef test_it(): subprocess.Popen(['sleep', '60'])")
    assert "child processes left, now killed" in out


def test_processes_that_were_waited_for_are_fine(run_suite) -> None:
    out = run_suite(
        "import multiprocessing, subprocess\n"
        "def test_it():\n"
        "    subprocess.run(['true'])\n"
        "    multiprocessing.get_context('forkserver').Process(target=print).start()\n"
        "    for child in multiprocessing.active_children(): child.join()\n"
    )
    assert "1 passed" in out


def test_a_failure_says_how_to_repeat_its_random_choices(run_suite) -> None:
    module = "def test_it(rng): assert rng.random() < 0, f'drew {rng.random()}'"
    out = run_suite(module, NMPCAP_TEST_SEED="7")
    assert "NMPCAP_TEST_SEED=7 pytest 'tests/test_it.py::test_it'" in out


def test_equal_seeds_make_equal_choices_and_tests_choose_apart(run_suite) -> None:
    module = (
        "import pytest\n@pytest.mark.parametrize('i', [1, 2])\ndef test_it(rng, i): assert 0, rng.random()"
    )
    drawn = [re.findall(r"AssertionError: (0\.\d+)", run_suite(module, NMPCAP_TEST_SEED="7")) for _ in "12"]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 2


def test_skips_are_counted_with_their_remedies(run_suite) -> None:
    out = run_suite(
        "import pytest\n"
        "@pytest.mark.parametrize('i', [1, 2])\n"
        "def test_it(i): pytest.skip('no tcpdump; to run it: apt-get install tcpdump')\n"
        "def test_other(): pytest.skip('hm')\n"
    )
    assert "not tested: 3" in out
    assert "2  no tcpdump\n       to run it: apt-get install tcpdump" in out
    assert "1  hm\n       to run it: (the test does not say)" in out


def test_names_differ_from_test_to_test_and_fit_netmap(switch, port_name, pipe_name) -> None:
    assert port_name("a") == f"{switch}:a"
    assert len(port_name("abc")) < 16
    master, slave = pipe_name("3")
    assert master.replace("{", "}") == slave
