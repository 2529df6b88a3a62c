"""Every recorded scenario, played on user-space netmap and, where there is one, on the kernel's."""

from __future__ import annotations

from pathlib import Path

import pytest

from .backend import Backend
from .compare import Difference, as_json, differences, told
from .deliberate import deliberate
from .player import play
from .scenarios import Scenario, scenarios

REMEDIES = {
    "params": "run as root where /sys/module/netmap/parameters can be written",
    "quiet": "let no other program use netmap and set NMPCAP_CONFORMANCE_PROVIDE=quiet",
    "netdev": "set NMPCAP_CONFORMANCE_PROVIDE=netdev where netmap refuses the interface lo",
    "memory": "have 2 GiB of memory to spare (kernel: and set NMPCAP_CONFORMANCE_PROVIDE=memory)",
    "fresh": "set NMPCAP_CONFORMANCE_PROVIDE=fresh after a reboot that only these scenarios follow",
    "dangerous": "set NMPCAP_CONFORMANCE_PROVIDE=dangerous in a virtual machine that may crash",
    "default": "load a module built without extmem and set NMPCAP_CONFORMANCE_PROVIDE=default",
    "all": "load a module built with extmem and set NMPCAP_CONFORMANCE_PROVIDE=all",
}


@pytest.mark.parametrize("scenario", [pytest.param(s, id=name) for name, s in scenarios().items()])
def test_answers_are_as_recorded(scenario: Scenario, netmap: str, runtime_dir: Path) -> None:
    backend = Backend(netmap, runtime_dir)
    for need in sorted(scenario.needs - backend.provides()):
        pytest.skip(f"{netmap} netmap: this scenario needs '{need}'; to run it: {REMEDIES[need]}")

    found = set(differences(scenario, play(scenario, backend)))

    listed = {d for d in deliberate() if d.scenario == scenario.name and netmap == "user"}
    report = [told(d, scenario) for d in sorted(found - listed, key=lambda d: (d.step, d.field))]
    report += [f"listed as deliberate but not so obtained: {d}" for d in listed - found]
    if report:
        pytest.fail("\n".join(report), pytrace=False)


def test_every_scenario_is_there() -> None:
    assert len(scenarios()) == 301


@pytest.mark.parametrize("difference", deliberate(), ids=lambda d: f"{d.scenario}-{d.step}-{d.field}")
def test_deliberate_differences_quote_the_record_and_give_a_reason(difference: Difference) -> None:
    scenario = scenarios()[difference.scenario]
    assert difference.recorded == as_json(scenario.recorded[difference.step], difference.field)
    assert difference.recorded != difference.obtained
    assert len(deliberate()[difference]) > 20, "a reason is a sentence"
