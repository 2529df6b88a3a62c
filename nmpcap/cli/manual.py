"""The manual page and the completions of bash, zsh and fish, from the table of options.

Made when the package is built (build_pages.py), so that a wheel brings them where man and the shells look.
"""

from __future__ import annotations

from nmpcap.cli.options import NMDUMP, Option

__all__ = ["bash", "fish", "manual", "zsh"]

_OFFERED = tuple(option for option in NMDUMP if not option.refused)

_HEAD = """.TH NMDUMP 1 "" "nmpcap" "User Commands"
.SH NAME
nmdump \\- capture, print, write and count packets: tcpdump's command line on all that nmpcap opens
.SH SYNOPSIS
.B nmdump
[ \\fIoption\\fR ... ] [ \\fIexpression\\fR ]
.SH DESCRIPTION
Prints what passes the filter \\fIexpression\\fR, of pcap\\-filter(7), on an interface, a VALE port,
a netmap pipe or monitor, or in a savefile, in the lines of tcpdump 4.99.3. Where packets are written or only
counted, no line is made. Nothing needs root that the port does not need it for.
.SH OPTIONS
"""
_TAIL = """.SH SIGNALS
INT, TERM and HUP end a capture, and the counters are printed. USR1 prints them in between, USR2 brings what
has been captured into the file of \\-w.
.SH EXIT STATUS
0: all went well. 1: something went wrong; a line on standard error says what. 14: whoever read the
output has gone.
.SH DIFFERENCES FROM TCPDUMP
No file gets larger than \\-C says. Periods of \\-G follow each other without drift, and end while no packets
come. A full disk is an error, and what is in the file is whole. Several \\-i and several \\-r are one
capture. \\-E, \\-H and \\-m are refused; nobody becomes another user without \\-Z.
.SH SEE ALSO
tcpdump(1), pcap\\-filter(7)
"""


def manual() -> str:
    """Return nmdump(1) in man's macros."""
    return (
        _HEAD + "".join(f".TP\n{_spelled(option)}\n{_escaped(option.help)}\n" for option in _OFFERED) + _TAIL
    )


def _spelled(option: Option) -> str:
    words = []
    value = f"\\fI{_escaped(option.value)}\\fR" if option.value else ""
    if option.letter:
        words.append(f"\\fB\\-{option.letter}\\fR" + (f" {value}" if value and not option.long else ""))
    if option.long:
        equals = f"[={value}]" if option.optional else f"={value}" if value else ""
        words.append(f"\\fB\\-\\-{_escaped(option.long)}\\fR{equals}")
    return ", ".join(words)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")


def _words(option: Option) -> list[str]:
    return [*([f"-{option.letter}"] if option.letter else []), *([f"--{option.long}"] if option.long else [])]


def bash() -> str:
    """Return the completion for bash."""
    cases = []
    for option in _OFFERED:
        if option.value and option.kind:
            cases.append(f"    {'|'.join(_words(option))}) {_bash_answer(option)};;")
    words = " ".join(word for option in _OFFERED for word in _words(option))
    listing = "nmdump -D 2>/dev/null | sed 's/^[0-9]*\\.//; s/ .*//'"
    return "\n".join(
        [
            "# bash completion for nmdump",
            "_nmdump() {",
            "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
            f"  _nmdump_interfaces() {{ {listing}; }}",
            "  case $before in",
            *cases,
            f"    *) COMPREPLY=($(compgen -W '{words}' -- \"$word\"));;",
            "  esac",
            "}",
            "complete -o default -F _nmdump nmdump",
            "",
        ]
    )


def _bash_answer(option: Option) -> str:
    actions = {"file": "-f", "user": "-u", "command": "-c", "interface": '-W "$(_nmdump_interfaces)"'}
    action = actions[option.kind] if isinstance(option.kind, str) else f"-W '{' '.join(option.kind)}'"
    return f'COMPREPLY=($(compgen {action} -- "$word"))'


def zsh() -> str:
    """Return the completion for zsh."""
    actions = {
        **{"file": "_files", "user": "_users", "command": "_command_names"},
        "interface": '{compadd ${${(f)"$(nmdump -D 2>/dev/null)"}#*.}}',
    }
    lines = []
    for option in _OFFERED:
        text = option.help.replace("'", "").replace("[", "(").replace("]", ")").replace(":", " -")
        action = (
            actions.get(option.kind, "") if isinstance(option.kind, str) else f"({' '.join(option.kind)})"
        )
        value = f":{option.value}:{action}" if option.value else ""
        for word in _words(option):
            equals = "=" if value and word.startswith("--") else ""
            lines.append(f"  '*{word}{equals}[{text}]{value}' \\")
    return "\n".join(["#compdef nmdump", "_arguments -s \\", *lines, "  '*:expression:'", ""])


def fish() -> str:
    """Return the completion for fish."""
    listing = "(nmdump -D 2>/dev/null | string replace -r '^[0-9]+\\.(\\S+).*' '$1')"
    lines = ["# fish completion for nmdump"]
    for option in _OFFERED:
        letter = f" -s '{option.letter}'" if option.letter else ""
        long = f" -l {option.long}" if option.long else ""
        lines.append(
            f"complete -c nmdump{letter}{long}{_fish_value(option, listing)} -d '{_fish(option.help)}'"
        )
    return "\n".join([*lines, ""])


def _fish(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _fish_value(option: Option, listing: str) -> str:
    if not option.value:
        return ""
    if option.kind == "file":
        return " -r -F"
    if option.kind == "interface":
        return f' -x -a "{listing}"'
    if isinstance(option.kind, tuple):
        return f" -x -a '{' '.join(option.kind)}'"
    return " -x"
