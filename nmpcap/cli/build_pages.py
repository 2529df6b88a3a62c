"""Run by the build, in this folder's source: writes the manual page and the completions.

    build_pages.py manual|bash|zsh|fish OUTPUT

nmpcap itself cannot be imported there yet: it holds no compiled core.
"""

import sys
from pathlib import Path
from types import ModuleType


def main(what: str, output: str) -> None:
    """Write one of them."""
    package = ModuleType("nmpcap")
    package.__path__ = [str(Path(__file__).parents[1])]
    sys.modules["nmpcap"] = package
    from nmpcap.cli import manual

    text: str = getattr(manual, what)()
    Path(output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
