"""Help, manual page and completions come from one table, and are where man and the shells look."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nmpcap.cli.options import NMDUMP

from .programs import NMDUMP as PROGRAM
from .programs import nmdump

SHARE = Path(sys.executable).parents[1] / "share"
OFFERED = [option for option in NMDUMP if not option.refused]
COMPLETIONS = {
    "bash": SHARE / "bash-completion" / "completions" / "nmdump",
    "zsh": SHARE / "zsh" / "site-functions" / "_nmdump",
    "fish": SHARE / "fish" / "vendor_completions.d" / "nmdump.fish",
}


def test_every_option_is_in_help_and_manual():
    helped = nmdump("--help").out.decode()
    page = (SHARE / "man" / "man1" / "nmdump.1").read_text().replace("\\-", "-")
    for option in OFFERED:
        words = [word for word in (f"-{option.letter}", f"--{option.long}") if word.strip("-")]
        for word in words:
            assert re.search(rf"^ +(-., )?{re.escape(word)}\b|^ +{re.escape(word)}", helped, re.MULTILINE), (
                word
            )
            assert rf"\fB{word}\fR" in page, word


def test_letters_and_names_are_each_one_option():
    for names in ([option.letter for option in NMDUMP], [option.long for option in NMDUMP]):
        given = [name for name in names if name]
        assert len(given) == len(set(given))


@pytest.mark.skipif(not shutil.which("groff"), reason="to run it: apt-get install groff")
def test_the_manual_page_is_formatted_without_a_warning():
    page = SHARE / "man" / "man1" / "nmdump.1"
    done = subprocess.run(
        ["groff", "-ww", "-man", "-Tutf8", str(page)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    assert "in the lines of tcpdump" in " ".join(done.stdout.split())


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_a_completion_has_every_option(shell):
    text = COMPLETIONS[shell].read_text()
    for option in OFFERED:
        for word in (option.letter, option.long):
            assert word in text


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("--snap", ["--snapshot-length"]), ("--time-stamp-precision n", ["nano"]), ("-Q o", ["out"])],
)
def test_bash_completes(typed, offered):
    words = typed.split()
    script = (
        f"source {COMPLETIONS['bash']}; COMP_WORDS=(nmdump {typed}); COMP_CWORD={len(words)}; _nmdump; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == offered
    assert PROGRAM.exists()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_theirs(shell):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"NOT TESTED with {shell}; to run it: apt-get install {shell}")
    subprocess.run([program, "-n", str(COMPLETIONS[shell])], timeout=60, check=True)
