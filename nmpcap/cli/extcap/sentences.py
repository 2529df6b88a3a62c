"""What an extcap program says of itself: one sentence a line, a word and ``{name=value}`` behind it."""

from __future__ import annotations

from nmpcap._snaplen import MAXIMUM_SNAPLEN
from nmpcap.cli.extcap.ports import ANY_PORT, HOW, is_switch, listed
from nmpcap.version import VERSION

__all__ = ["config", "dlts", "interfaces", "reloaded", "sentence", "version_line"]

_HOW = {
    "auto": "A copy where somebody has the port open, else the port",
    "monitor": "A copy of what passes at the port",
    "port": "The port itself: its packets come here only",
}


def sentence(word: str, **values: object) -> str:
    """Write a sentence; line ends in values become spaces."""
    return f"{word} " + "".join(
        f"{{{name}={' '.join(str(value).split())}}}" for name, value in values.items()
    )


def version_line() -> str:
    """Return the sentence that says what this is."""
    return sentence("extcap", version=VERSION, display="nmpcap: netmap's ports, pipes and switches")


def interfaces() -> list[str]:
    """Return what can be captured from, after what this is."""
    return [version_line(), *(sentence("interface", value=name, display=text) for name, text in listed())]


def dlts() -> list[str]:
    """Return the link types of an interface: the usual one; a file of another kind says so."""
    return [sentence("dlt", number=1, name="EN10MB", display="Ethernet")]


def config(interface: str) -> list[str]:
    """Return the options that an interface takes."""
    lines = [
        sentence(
            "arg",
            number=0,
            call="--snaplen",
            display="Snapshot length",
            tooltip="Bytes kept of each packet",
            type="unsigned",
            range=f"1,{MAXIMUM_SNAPLEN}",
            default=MAXIMUM_SNAPLEN,
        ),
        sentence(
            "arg",
            number=1,
            call="--runtime-dir",
            display="Runtime directory",
            tooltip="Where switches are, if not where NMPCAP_RUNTIME_DIR says",
            type="string",
        ),
    ]
    if not is_switch(interface):
        lines.append(
            sentence("arg", number=2, call="--how", display="Capture", type="selector", default=HOW[0])
        )
        lines += reloaded("how")
    if interface == ANY_PORT:
        lines.append(
            sentence(
                "arg",
                number=3,
                call="--port",
                display="Port",
                tooltip="vale0:a, netmap:x}1, netmap:eth0, file:trace.pcap",
                type="string",
                required="true",
            )
        )
    return lines


def reloaded(option: str) -> list[str]:
    """Return the values that an option may have now; none where anything may be written."""
    if option.lstrip("-") != "how":
        return []
    return [
        sentence("value", arg=2, value=how, display=_HOW[how], default=str(how == HOW[0]).lower())
        for how in HOW
    ]
