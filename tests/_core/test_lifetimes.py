"""Who keeps what alive in user-space netmap: forks, and regions of many ports."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from struct import pack_into

import pytest

from nmpcap import vale
from nmpcap.errors import DeviceError
from nmpcap.netmap import NR_REG_NULL, Device, nm_open

FRAME = b"\xff" * 6 + bytes(54)


def test_a_forked_child_that_closes_leaves_the_binding_to_its_parent(port_name: Callable[[str], str]) -> None:
    with (
        nm_open(port_name("a"), netmap="user") as a,
        nm_open(port_name("b"), netmap="user") as b,
    ):
        child = os.fork()
        if not child:
            a.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert vale.find(port_name("a"), netmap="user") is not None
        a.tx_rings[0].slots[0].buf[: len(FRAME)] = FRAME
        a.tx_rings[0].slots[0].len = len(FRAME)
        a.tx_rings[0].advance(1)
        a.txsync()
        b.rxsync()
        assert b.rx_rings[0].space == 1


def test_a_port_whose_rings_do_not_fit_its_netmap_if_is_refused(port_name: Callable[[str], str]) -> None:
    """Region 1 has netmap_ifs of 1024 bytes: 8 a ring, behind 56."""
    with nm_open(port_name("a"), netmap="user", mem_id=1) as neighbour, Device.open("user") as device:
        before = neighbour.nifp
        body = bytearray(56)
        pack_into("=IIHHHHHHI", body, 16, 16, 16, 140, 40, 0, 0, 1, 0, NR_REG_NULL)
        header = bytearray(88)
        pack_into("=HHI64sQQ", header, 0, 14, 1, 0, b"wide", 0, _address(body))
        with pytest.raises(DeviceError, match="do not fit the netmap_ifs"):
            device.ioctl(0xC0586997, header)
        assert neighbour.nifp == before


def _address(buffer: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))
