"""Tokens: the longest match wins, and of equal ones the earlier kind."""

from __future__ import annotations

import itertools

import pytest

from nmpcap import FilterError
from nmpcap.filter.syntax.lex import tokenize

ONE_TOKEN = {
    "host": ("type", "host"),
    "ether": ("proto", "link"),
    "address4": ("dir", "addr4"),
    "length": ("len", "len"),
    "on": ("pf", "ifname"),
    "es-is": ("proto", "esis"),
    "Host": ("id", "Host"),
    "a-b": ("id", "a-b"),
    "len-1": ("id", "len-1"),
    "1-65535": ("id", "1-65535"),
    "tcp-syn": ("num", 2),
    "tcp-syn-ack": ("id", "tcp-syn-ack"),
    "icmp6-echo": ("num", 128),
    "10": ("num", 10),
    "010": ("num", 8),
    "0x1F": ("num", 31),
    "0XfF": ("num", 255),
    "4294967295": ("num", 4294967295),
    "10ms": ("id", "10ms"),
    "0xzz": ("id", "0xzz"),
    "abcdefabcdef": ("eid", bytes.fromhex("abcdefabcdef")),
    "012345678901": ("eid", bytes.fromhex("012345678901")),
    "0012345": ("num", 5349),
    "1.2": ("hid", (0x0102, 2)),
    "1.2.3": ("hid", (0x010203, 3)),
    "010.1.1.1": ("hid", (0x0A010101, 4)),
    "1.2.3.4.5": ("id", "1.2.3.4.5"),
    "1.2.3.4.5.6": ("eid", bytes((1, 2, 3, 4, 5, 6))),
    "1-2-3-4-5-6": ("eid", bytes((1, 2, 3, 4, 5, 6))),
    "1:2:3:4:5:6": ("eid", bytes((1, 2, 3, 4, 5, 6))),
    "0011.2233.4455": ("eid", bytes.fromhex("001122334455")),
    "ABcd.EF01.2345": ("eid", bytes.fromhex("abcdef012345")),
    "ab:cd:ef:0:0:1": ("eid", bytes.fromhex("abcdef000001")),
    "ab.CD.ef.0.0.1": ("eid", bytes.fromhex("abcdef000001")),
    "0-1-ab-cd-ef-2": ("eid", bytes.fromhex("0001abcdef02")),
    "00.11.22.33.44.55": ("eid", bytes.fromhex("001122334455")),
    "1:2:3:4:5:6:7:8": ("hid6", bytes.fromhex("00010002000300040005000600070008")),
    "::": ("hid6", bytes(16)),
    "::1": ("hid6", bytes(15) + b"\1"),
    "fe80::": ("hid6", b"\xfe\x80" + bytes(14)),
    "1::2:3": ("hid6", bytes.fromhex("00010000000000000000000000020003")),
    "::1.2.3.4": ("hid6", bytes(12) + bytes((1, 2, 3, 4))),
    "$f": ("aid", 15),
    "$05": ("aid", 5),
    "\\tcp": ("id", "tcp"),
    "\\a;b": ("id", "a;b"),
    "www.example.com.": ("id", "www.example.com."),
    "a_b": ("id", "a_b"),
    "==": ("rel", "="),
    "&&": ("and", "and"),
    "||": ("or", "or"),
    "!": ("not", "not"),
    "<<": ("op", "<<"),
}


@pytest.mark.parametrize("text", ONE_TOKEN)
def test_one_token(text: str) -> None:
    for spaced in (text, f" \t{text}\n\r "):
        tokens = tokenize(spaced)
        assert list(zip(tokens.kinds, tokens.values, strict=True)) == [ONE_TOKEN[text], ("end", None)]
        assert spaced[tokens.starts[0] : tokens.ends[0]] == text


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("ip[0:2]", "proto [ num : num ]"),
        ("ip[ 0 : 2 ]", "proto [ num : num ]"),
        ("23-", "num op"),
        ("-512", "op num"),
        ("1:2", "num : num"),
        ("host::1", "type hid6"),
        ("a=b", "id rel id"),
        ("!(tcp)", "not ( proto )"),
        ("10.0.0.0/8", "hid op num"),
        ("\\a(b", "id ( id"),
        ("!=!", "rel not"),
        ("1<<2", "num op num"),
        ("<=>=", "rel rel"),
        ("===", "rel rel"),
        ("1::2::", "hid6 hid6"),
    ],
)
def test_several_tokens(text: str, kinds: str) -> None:
    if text == "1::2::":
        with pytest.raises(FilterError, match="ethernet address"):
            tokenize(text)
        return
    assert tokenize(text).kinds == [*kinds.split(), "end"]


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("tcp ; udp", 4, "syntax error"),
        ("tcp \v", 4, "syntax error"),
        ("é", 0, "syntax error"),
        ("tcp \0", 4, "syntax error"),
        ("tcp \\", 4, "syntax error"),
        ("$", 0, "syntax error"),
        ("$xyz", 0, "syntax error"),
        ("port 4294967296", 5, "overflows 32 bits"),
        ("port 089", 5, "non-octal"),
        ("ether host 1:2:3:4:5:6:7", 11, "ethernet address"),
        ("ether host 1:2:3:", 11, "ethernet address"),
        ("host ::1.2.3.400", 5, "IPv6"),
        ("_a", 0, "syntax error"),
        (".a", 0, "syntax error"),
    ],
)
def test_what_is_no_token(text: str, position: int, message: str) -> None:
    with pytest.raises(FilterError, match=message) as caught:
        tokenize(text)
    assert caught.value.position == position


def test_every_spelling_of_a_mac_is_one() -> None:
    address = bytes.fromhex("0a0b0c0d0e0f")
    for widths in itertools.product((1, 2), repeat=6):
        groups = [f"{byte:0{width}x}" for byte, width in zip(address, widths, strict=True)]
        for separator in ":-.":
            for text in (separator.join(groups), separator.join(groups).upper()):
                tokens = tokenize(f"ether host {text}")
                assert (tokens.kinds[2], tokens.values[2]) == ("eid", address), text
    for text in ("0a0b0c0d0e0f", "0A0B.0C0D.0E0F"):
        assert tokenize(text).values[0] == address


def test_runs_say_what_the_tokens_would() -> None:
    from nmpcap.filter.syntax.parse import parse

    for joint, head in ((" or ", "host "), (" or ", "src net "), (" || ", ""), (" and not ", "host ")):
        members = [f"{head}10.0.{number}.0" for number in range(40)]
        text = ("host " if not head else "") + joint.join(members)
        tokens = tokenize(text)
        assert "run" in tokens.kinds
        scanned = tokenize(text.replace("10.0.39.0", "010.0.39.0"))  # not as regular: no run
        assert "run" not in scanned.kinds
        assert str(parse(tokens)).replace("(", "").replace(")", "").count("10.0.") == 40
    with pytest.raises(FilterError):
        parse(tokenize("host 1.2.3.4" + " or 5.6.7.8" * 20 + " = 5"))
    assert str(parse(tokenize("port 5" + " or 6" * 20 + " = 6"))).endswith("port 6 or 6 = 6")
    assert str(parse(tokenize("port 5" + " or 6" * 20 + " or 5 = 5"))).endswith("5 = 5")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("net 10.0.0.0/8" + " or net 10.0.0.0/8" * 30 + " or net 10.0.0.1/8", "non-network bits"),
        ("net 10.0.0.0/8" + " or 10.0.0.0/33" * 30, "mask length"),
        ("host 10.0.0.0" + " or 10.0.0.256" * 30, "invalid IPv4 address"),
        ("port 5" + " or 65536" * 30, "illegal port number"),
        ("tcp" + " or 65536" * 30, "syntax error in filter expression"),
        ("host 10.0.0.0" + " or tcp host 10.0.0.1" * 30, "'tcp' modifier applied to host"),
        ("host 10.0.0.0" + " or host 10.0.0.0/8" * 30, "Mask syntax for networks only"),
    ],
)
def test_faults_in_runs_are_found(text: str, message: str) -> None:
    from nmpcap import compile

    with pytest.raises(FilterError, match=message):
        compile(text)


def test_tokens_print() -> None:
    shown = str(tokenize("host 1.2 and ::1 or ether host 1:2:3:4:5:6 or port 5"))
    assert "hid    1.2" in shown
    assert "hid6   ::1" in shown
    assert "eid    01:02:03:04:05:06" in shown
