"""Where Wireshark looks for extcap programs, and the program that is put there: it has no dot in its name.

A folder for all of a user's Wiresharks came with 4.2; older ones look in the system's only, or in what
WIRESHARK_EXTCAP_DIR names, which they do not heed when started by root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from nmpcap.errors import UsageError

__all__ = ["install", "uninstall"]

_NAME = "nmpcap"
_OURS = "# nmpcap extcap install made this; nmpcap extcap uninstall removes it."
_PROGRAM = """\
#!/bin/sh
'''exec' {python} "$0" "$@"
' '''
{ours}
import sys

sys.path.pop(0)  # the folder of all extcap programs
from nmpcap.cli.extcap.command import main

raise SystemExit(main())
"""
_PATIENCE = 30  # seconds for Wireshark to tell its folders


def install(folder: Path | None = None, *, system: bool = False) -> tuple[Path, bool]:
    """Put the program in a folder, the user's or the system's unless one is named.

    Returns its path, and whether the Wireshark that is installed is known to look there. Raises
    UsageError where something else has that name, or the system's folder is asked for and there is no
    Wireshark; OSError.
    """
    personal, shared = _folders()
    if folder is None:
        folder = shared if system else personal or _writable(shared) or _usual()
        if folder is None:
            raise UsageError("there is no Wireshark or tshark to tell its folder: name one with --dir")
    path = folder / _NAME
    if path.exists() and not _is_ours(path):
        raise UsageError(
            f"{path} is something else, and is left alone: remove it, or name a folder with --dir"
        )
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{_NAME}.{os.getpid()}"
    try:
        draft.write_text(_PROGRAM.format(python=_quoted(sys.executable), ours=_OURS))
        draft.chmod(0o755)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    named = os.environ.get("WIRESHARK_EXTCAP_DIR")
    return path, folder in (personal, shared) or bool(named and folder == Path(named))


def uninstall(folder: Path | None = None) -> list[Path]:
    """Remove the program from a folder, or from wherever it may be; return where it was.

    Raises UsageError where it is nowhere, OSError where it cannot be removed.
    """
    folders = [folder] if folder else [place for place in (*_folders(), _usual()) if place]
    found = [path for path in dict.fromkeys(place / _NAME for place in folders) if _is_ours(path)]
    if not found:
        raise UsageError(f"nothing is installed in {', '.join(map(str, dict.fromkeys(folders)))}")
    for path in found:
        path.unlink()
    return found


def _usual() -> Path:
    """Where a user's Wireshark looks, since 4.2."""
    return Path.home() / ".local" / "lib" / "wireshark" / "extcap"


def _writable(folder: Path | None) -> Path | None:
    return folder if folder and os.access(folder, os.W_OK) else None


def _folders() -> tuple[Path | None, Path | None]:
    """The user's folder and the system's, as the Wireshark that is there tells them; None: it has none."""
    personal = shared = None
    for program in ("tshark", "wireshark"):
        if shutil.which(program):
            told = subprocess.run(
                [program, "-G", "folders"], capture_output=True, text=True, timeout=_PATIENCE, check=False
            )
            for line in told.stdout.splitlines():
                what, _, where = line.partition(":")
                if what.endswith(("xtcap path", "xtcap Path")) and where.strip():
                    if what.startswith("Personal"):
                        personal = Path(where.strip())
                    else:
                        shared = Path(where.strip())
            break
    return personal, shared


def _is_ours(path: Path) -> bool:
    return path.is_file() and _OURS.encode() in path.read_bytes()[:4096]


def _quoted(path: str) -> str:
    """A path in double quotes, which a shell and Python read alike."""
    for letter in '\\"$`':
        path = path.replace(letter, f"\\{letter}")
    return f'"{path}"'
