"""``python -m nmpcap.compat``: a program that nobody may edit, and its children."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from nmpcap.compat._device_map import VARIABLE

from .captures import FRAMES, PLAIN

SHOW = "import sys, pcapy\nprint(pcapy.__name__, sys.argv[1:], __name__)\n"


def run(
    *arguments: str, before: tuple[str, ...] = (), cwd: Path | None = None, **environment: str
) -> tuple[int, str, str]:
    """Status, output and errors of ``python -m nmpcap.compat`` with arguments."""
    done = subprocess.run(
        [sys.executable, *before, "-m", "nmpcap.compat", *arguments],
        env={**os.environ, **environment},
        cwd=cwd or tempfile.gettempdir(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "sniffer.py"
    path.write_text(SHOW)
    return path


def test_a_script_gets_its_arguments_and_the_stand_ins(script):
    shown = "nmpcap.compat.pcapy ['-m', '--as', 'x'] __main__\n"
    assert run(str(script), "-m", "--as", "x") == (0, shown, "")
    assert run("--as", "pcapy", script.name, "-m", "--as", "x", cwd=script.parent) == (0, shown, "")


def test_a_module_and_a_package(script):
    package = script.parent / "tool"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(SHOW)
    for module in ("sniffer", "tool"):
        shown = "nmpcap.compat.pcapy ['--map', 'x'] __main__\n"
        assert run("-m", module, "--map", "x", cwd=script.parent) == (0, shown, "")
    assert run(str(package)) == (0, "nmpcap.compat.pcapy [] __main__\n", "")


@pytest.mark.parametrize(
    "first", [f"#!{sys.executable}\n", "#!/bin/sh\n'''exec' python \"$0\" \"$@\"\n' '''\n"]
)
def test_a_console_script_is_found_on_the_path(script, first):
    console = script.parent / "nmpcap-test-sniffer"
    console.write_text(first + SHOW)
    console.chmod(0o755)
    path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    assert run(console.name, "-v", PATH=path) == (0, "nmpcap.compat.pcapy ['-v'] __main__\n", "")


def test_options_of_the_interpreter_and_its_path_are_kept(script):
    script.write_text(
        "import sys\nf = sys.flags\nprint(f.dont_write_bytecode, f.utf8_mode, '/else' in sys.path)"
    )
    assert run(str(script), before=("-B", "-Xutf8"), PYTHONPATH="/else") == (0, "1 1 True\n", "")


def test_status_and_signals_are_the_programs(script):
    script.write_text("import sys; sys.exit(7)")
    assert run(str(script))[0] == 7
    script.write_text("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")
    assert run(str(script))[0] == -15


def test_children_have_the_stand_ins_however_they_are_started(script):
    script.write_text(
        "import multiprocessing, subprocess, sys\n"
        "def show(method):\n import pcapy\n print(method, pcapy.__name__, flush=True)\n"
        "if __name__ == '__main__':\n"
        " for method in ('spawn', 'fork', 'forkserver'):\n"
        "  child = multiprocessing.get_context(method).Process(target=show, args=(method,))\n"
        "  child.start(); child.join()\n"
        " subprocess.run([sys.executable, '-c', 'import pcapy; print(pcapy.__name__)'], check=True)\n"
    )
    methods = ("spawn ", "fork ", "forkserver ", "")
    assert run(str(script)) == (0, "".join(f"{method}nmpcap.compat.pcapy\n" for method in methods), "")


def test_devices_are_mapped_and_the_command_wins_over_the_environment(script):
    capture = script.parent / "a.pcap"
    capture.write_bytes(PLAIN)
    script.write_text(
        "import os, pcapy\nreader = pcapy.open_live('eth7', 65535, 1, 100)\n"
        "print(sum(1 for _ in iter(reader.next, (None, b''))))\nprint(os.environ['NMPCAP_DEVICE_MAP'])\n"
    )
    status, output, error = run(
        "--map",
        f"eth7=file:{capture}",
        "--map=lo=vale0:b",
        str(script),
        **{VARIABLE: "eth7=vale0:a,eth8=vale0:c"},
    )
    assert (status, error) == (0, "")
    assert output.splitlines() == [str(len(FRAMES)), f"eth7=file:{capture},eth8=vale0:c,lo=vale0:b"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            (),
            "no program is given: a script, -m MODULE or a console script; see ",
        ),
        (("nosuch.py",), "nosuch.py: no such script, and no console script"),
        (("./nosuch",), "./nosuch: no such script, and no console script"),
        (("folder",), "folder: a folder without __main__.py"),
        (("sh.sh",), "sh.sh: no Python script: its first line is #!/bin/sh"),
        (("binary",), "binary: no Python script: it is binary"),
        (("-m", "nosuch.thing"), "-m nosuch.thing: there is no module 'nosuch'"),
        (("--as", "pcapy,cypcap", "x.py"), "cypcap: there is no stand-in for that; there are "),
        (
            ("--map", "eth0=nosuch0", "x.py"),
            "device map: eth0=nosuch0: there is no device nosuch0; there are ",
        ),
        (("--map", "eth0", "x.py"), "device map: 'eth0' is not NAME=PORT, as in eth0=vale0:a"),
    ],
)
def test_what_cannot_be_run_is_one_line(tmp_path, arguments, line):
    (tmp_path / "folder").mkdir()
    (tmp_path / "sh.sh").write_text("#!/bin/sh\necho no\n")
    (tmp_path / "binary").write_bytes(b"\x7fELF\0\0\0")
    status, output, error = run(*arguments, cwd=tmp_path)
    assert (status, output) == (2, "")
    assert error.startswith(f"nmpcap.compat: {line}")
    assert error.count("\n") == 1


def test_an_interpreter_that_ignores_its_environment_is_told(script):
    status, output, error = run(str(script), before=("-E",))
    assert (status, output) == (2, "")
    assert error.startswith("nmpcap.compat: Python's -E and -I")
