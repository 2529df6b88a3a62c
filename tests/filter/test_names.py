"""Names: who is asked what, and what answers mean."""

from __future__ import annotations

import pickle
import socket
from ipaddress import IPv4Address, IPv6Address

import pytest

import nmpcap
from nmpcap import FilterError
from nmpcap.filter import Resolver, SystemResolver

from .cases import Names


class Silent:
    """A resolver nobody may ask."""

    def __getattr__(self, kind: str) -> object:
        raise AssertionError(f"asked for {kind}")


SAME = {
    "host four": "ip host 10.0.0.1 or ip host 10.0.0.2 or arp host 10.0.0.1 or arp host 10.0.0.2"
    " or rarp host 10.0.0.1 or rarp host 10.0.0.2",
    "host six": "host 2001:db8::1",
    "host both": "host 10.0.0.1 or host 2001:db8::1",
    "ip host both": "ip host 10.0.0.1",
    "ip6 host both": "ip6 host 2001:db8::1",
    "src host SIX": "src host 2001:db8::1",
    "ether host router": "ether host 2:0:0:0:0:1",
    "ether src Router": "ether src 2:0:0:0:0:1",
    "net lab": "net 10.20.0.0/32",
    "port domain": "port 53",
    "port http": "tcp port 80",
    "tcp port http": "tcp port 80",
    "sctp port domain": "sctp port 53",
    "port split": "tcp port 7000",
    "portrange http-8080": "portrange 80-8080",
    "portrange domain-domain": "port 53",
    "udp portrange tftp-100": "udp portrange 69-100",
    "proto \\tcp": "proto 6",
    "ip proto TCP": "ip proto 6",
    "ip6 proto \\ipv6-icmp": "ip6 proto 58",
    "protochain \\tcp": "protochain 6",
    "gateway router": "ether host 2:0:0:0:0:1 and (ip or arp or rarp) and not host 10.0.0.1",
}


@pytest.mark.parametrize("text", SAME)
def test_a_name_means_its_number(text: str) -> None:
    import random

    from .packets import make_packet

    named = nmpcap.compile(text, resolver=Names())
    numbered = nmpcap.compile(SAME[text], resolver=Silent())  # type: ignore[arg-type]
    rng = random.Random(text)
    matched = 0
    for _ in range(800):
        packet, wirelen = make_packet(rng, 1)
        if len(packet) == wirelen:
            verdict = numbered.match(packet)
            assert named.match(packet) == verdict, packet.hex()
            matched += bool(verdict)
    assert matched or "lab" in text or "split" in text or "tftp" in text or text == "gateway router"


@pytest.mark.parametrize(
    "text",
    [
        "host 10.0.0.1",
        "net 10",
        "port 80",
        "portrange 1-2",
        "ether proto \\ip",
        "iso proto \\clnp",
        "proto 6",
        "host ::1",
    ],
)
def test_numbers_ask_nobody(text: str) -> None:
    nmpcap.compile(text, resolver=Silent())  # type: ignore[arg-type]


def test_numbers_are_compiled_once_and_names_are_asked_each_time() -> None:
    class Moving(Names):
        asked = 0

        def addresses(self, name: str) -> list[IPv4Address | IPv6Address]:
            self.asked += 1
            return [IPv4Address(self.asked)]

    assert nmpcap.compile("port 4242", snaplen=99) is nmpcap.compile("port 4242", snaplen=99)
    assert nmpcap.compile("port 4242", snaplen=99) != nmpcap.compile("port 4242", snaplen=98)
    resolver = Moving()
    first, second = (nmpcap.compile("host moving", resolver=resolver) for _ in range(2))
    assert (first == nmpcap.compile("host 0.0.0.1"), second == nmpcap.compile("host 0.0.0.2")) == (True, True)


def test_an_error_behind_a_name_is_told_alone() -> None:
    with pytest.raises(FilterError) as caught:
        nmpcap.compile("host nowhere", resolver=Names())
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_the_system_answers_by_default() -> None:
    resolver = SystemResolver()
    assert isinstance(resolver, Resolver)
    assert resolver.protocol("tcp") in (6, None)
    assert resolver.addresses("no-such-host.invalid") == []
    assert resolver.addresses("a" * 70_000) == []
    assert resolver.ether("no-such-host") is None
    assert resolver.network("no-such-network") is None
    assert resolver.port("no-such-service") == {}
    try:
        socket.getservbyname("domain")
    except OSError:
        pytest.skip("no services database; to run it: apt-get install netbase")
    assert nmpcap.compile("port domain").instructions == nmpcap.compile("port 53").instructions


def test_too_many_addresses_are_an_error() -> None:
    class Crowd(Names):
        def addresses(self, name: str) -> list[IPv4Address | IPv6Address]:
            return [IPv4Address(number) for number in range(int(name.strip("n")))]

    nmpcap.compile("host n100", resolver=Crowd())
    with pytest.raises(FilterError, match="more than 100"):
        nmpcap.compile("host n101", resolver=Crowd())


def test_an_explanation_does_not_ask_again() -> None:
    program = nmpcap.compile("host both and port domain", resolver=Names())
    again = pickle.loads(pickle.dumps(program))
    assert again == program
    assert again.explain() == program.explain()
    assert "w[26] in {0xa000001}" in again.explain()


def test_explains_with_qualifiers_made_plain() -> None:
    explanation = nmpcap.compile("tcp port 80 or 443 and host 10.0.0.1").explain()
    first, *rest = explanation.splitlines()
    assert first == "(tcp port 80 or tcp port 443) and host 10.0.0.1"
    assert "  host 10.0.0.1" in rest
    assert any("h[12] in {0x800}" in line for line in rest)
    assert "accepts everything" in nmpcap.compile("").explain()
    assert (
        "and 100 more" in nmpcap.compile("host " + " or ".join(f"10.0.0.{n}" for n in range(101))).explain()
    )
