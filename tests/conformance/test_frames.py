from __future__ import annotations

import zlib

from .frames import frame, mac, payload


def test_payload_follows_its_rule_at_every_byte() -> None:
    key = zlib.crc32(b"p0").to_bytes(4, "little")
    data = payload("p0", 2100)
    for j in (0, 1, 255, 256, 257, 2048, 2099):
        assert data[j] == key[j % 4] ^ (37 * j + 11 * (j // 256)) % 256


def test_a_shorter_payload_is_the_start_of_a_longer_one() -> None:
    assert payload("q", 100)[:60] == payload("q", 60)


def test_addresses() -> None:
    assert mac(0x102) == bytes([2, 0, 0, 0, 1, 2])
    assert mac("bcast") == b"\xff" * 6
    assert mac("00:11:22:33:44:55") == bytes.fromhex("001122334455")


def test_one_address_makes_a_header_and_a_short_frame_is_cut() -> None:
    assert frame("p0", 60, dst="bcast")[:14] == b"\xff" * 6 + mac(1) + b"\x88\xb5"
    assert frame("p0", 60, dst="bcast")[14:] == payload("p0", 60)[14:]
    assert frame("p0", 9, dst=2) == (mac(2) + mac(1))[:9]
    assert frame("p0", 60) == payload("p0", 60)
