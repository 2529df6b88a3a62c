"""``python -m nmpcap.compat``: run a program that nobody may edit, and its children, on nmpcap's stand-ins.

    python -m nmpcap.compat [--as pcapy,scapy] [--map eth0=vale0:a] (SCRIPT | -m MODULE | CONSOLE SCRIPT) ...

The program gets a new interpreter in this process's place: everything about it is as if Python had been
started with it, but for PYTHONPATH, with a folder for each original in front, and NMPCAP_DEVICE_MAP.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from nmpcap.errors import UsageError

from ._device_map import VARIABLE, check_map, device_map, format_map, parse_map
from ._stand_ins import ORIGINALS, check_known, path_folders

__all__ = ["main"]

_PROG = "python -m nmpcap.compat"
_ZIP = b"PK\x03\x04"
_LONG_SHEBANG = b"'''exec'"  # how pip begins a script whose interpreter's path is too long for a first line


def main(argv: Sequence[str] | None = None) -> int:
    """Become the program. Returns 2, with one line on stderr, where there is none to become."""
    arguments = _parser().parse_args(argv)
    try:
        command, environment = _command(arguments)
    except (UsageError, OSError) as error:
        print(f"nmpcap.compat: {error}", file=sys.stderr)
        return 2
    sys.stdout.flush()
    os.execve(command[0], command, environment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROG,
        description="Run a Python program on nmpcap's stand-ins for the pcap libraries that it imports.",
        usage=f"{_PROG} [--as NAMES] [--map NAME=PORT] (SCRIPT | -m MODULE | CONSOLE SCRIPT) ...",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--as",
        dest="originals",
        metavar="NAMES",
        default=",".join(ORIGINALS),
        help=f"which ones, with commas between them; all unless said: {', '.join(ORIGINALS)}",
    )
    parser.add_argument(
        "--map",
        dest="maps",
        metavar="NAME=PORT",
        action="append",
        default=[],
        help=f"which port a device of the program is, as in eth0=vale0:a; added to {VARIABLE}",
    )
    parser.add_argument("-m", dest="module", nargs=argparse.REMAINDER, help="a module, and its arguments")
    parser.add_argument(
        "program", nargs=argparse.REMAINDER, help="a script or console script, and its arguments"
    )
    return parser


def _command(arguments: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    """The new interpreter's command and environment."""
    if sys.flags.ignore_environment:
        raise UsageError("Python's -E and -I have it ignore PYTHONPATH, which this goes by: leave them out")
    originals = [name.strip() for name in arguments.originals.split(",") if name.strip()]
    check_known(originals)
    ports = dict(device_map())
    for text in arguments.maps:
        ports.update(parse_map(text))
    check_map(ports)
    if arguments.module:
        program = ["-m", _module(arguments.module[0]), *arguments.module[1:]]
    elif arguments.program:
        program = [_script(arguments.program[0]), *arguments.program[1:]]
    else:
        raise UsageError(f"no program is given: a script, -m MODULE or a console script; see {_PROG} --help")

    environment = dict(os.environ)
    path = [*path_folders(originals), *environment.get("PYTHONPATH", "").split(os.pathsep)]
    environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(entry for entry in path if entry))
    if ports:
        environment[VARIABLE] = format_map(ports)
    return [sys.executable, *_interpreter_options(), *program], environment


def _interpreter_options() -> list[str]:
    """What this interpreter was started with between its own name and ours: ``-X dev``, ``-u`` ..."""
    before = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    if before[-1:] != [__package__] or not before[-2:-1] or before[-2][-1] != "m":
        return []  # started in another way: by a debugger, runpy ...
    letters = before[-2][:-1]  # -um: -u and -m
    return before[:-2] + ([letters] if letters != "-" else [])


def _module(name: str) -> str:
    """Check that a module, or the package it is in, is there; Python says the rest."""
    package = name.partition(".")[0]
    if not package or importlib.util.find_spec(package) is None:
        raise UsageError(f"-m {name}: there is no module {package!r}")
    return name


def _script(name: str) -> str:
    """The path of a script, or of a console script of that name."""
    path = Path(name)
    if not path.is_file() and not (path / "__main__.py").is_file():
        found = None if os.sep in name else _console_script(name)
        if found is None:
            what = (
                "a folder without __main__.py" if path.is_dir() else "no such script, and no console script"
            )
            raise UsageError(f"{name}: {what}")
        name, path = str(found), found
    wrong = _why_not_python(path)
    if wrong:
        raise UsageError(f"{path}: no Python script: {wrong}")
    return name


def _console_script(name: str) -> Path | None:
    beside = Path(sys.executable).parent / name
    found = beside if beside.is_file() else shutil.which(name)
    return Path(found) if found else None


def _why_not_python(path: Path) -> str | None:
    if path.is_dir() or path.suffix == ".pyc":
        return None
    with path.open("rb") as file:
        start = file.read(512)
    first, _, rest = start.partition(b"\n")
    if start.startswith(_ZIP):
        return None
    if b"\0" in start:
        return "it is binary"
    if first.startswith(b"#!") and b"python" not in first and not rest.startswith(_LONG_SHEBANG):
        return f"its first line is {first.decode(errors='replace')}"
    return None


if __name__ == "__main__":
    raise SystemExit(main())
