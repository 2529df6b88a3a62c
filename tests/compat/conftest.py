"""Originals and their stand-ins, one after the other."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from ..network import Network

ORIGINALS = {
    "pcapy": "pip install 'pcapy-ng>=2.1'",
    "pcap": "Python 3.11 or older, apt-get install libpcap-dev, pip install 'pypcap>=1.3'",
    "dpkt.pcap": "pip install dpkt",
    "pylibpcap": "apt-get install libpcap-dev, pip install python-libpcap",
}


def library(name: str, whose: str) -> Any:
    """The original module of that name, or the stand-in; skips where the original is not there."""
    if whose == "stand-in":
        return importlib.import_module(f"nmpcap.compat.{name.replace('dpkt.pcap', 'dpkt_pcap')}")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"{error}; to run it: {ORIGINALS[name]}")


@pytest.fixture(params=["original", "stand-in"])
def whose(request: pytest.FixtureRequest) -> str:
    """Whose library the test uses."""
    return str(request.param)


@pytest.fixture
def pcapy(whose: str) -> Any:
    """The module pcapy, the original or the stand-in."""
    return library("pcapy", whose)


@pytest.fixture
def pcap(whose: str) -> Any:
    """The module pcap, pypcap's or the stand-in."""
    return library("pcap", whose)


@pytest.fixture
def dpkt_pcap(whose: str) -> Any:
    """The module dpkt.pcap, the original or the stand-in."""
    return library("dpkt.pcap", whose)


@pytest.fixture
def pylibpcap(whose: str) -> Any:
    """The package pylibpcap, python-libpcap's or the stand-in."""
    return library("pylibpcap", whose)


@pytest.fixture
def pair(network: Network) -> Network:
    """A network with loopback and the interfaces ``va`` and ``vb``, each the other's far end."""
    network.ip("link", "set", "lo", "up")
    network.veth()
    return network
