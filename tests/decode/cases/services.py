"""Text protocols, BOOTP, syslog, TFTP and NTP."""

from __future__ import annotations

import struct

from .. import judge
from ..frames import over_tcp, over_udp
from . import Case

CASES: dict[str, Case] = {}

texts = [
    b"GET / HTTP/1.1\r\nHost: a.b\r\nX: 1\r\n\r\nbody\x80\x01more\r\n",
    b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
    b"HTTP/1.1",
    b"hello there\r\nxx\r\n",
    b"GET\r\n",
    b"GET /x",
    b"get / HTTP/1.0\r\n",
    b"220 mail.example ESMTP\r\n",
    b"EHLO x\r\nMAIL\n\nDATA\r\n",
    b"\x01\x02abc\r\n",
    b"abc\x80def\r\n",
    b"USER anon\r\n",
    b"\r\n",
    b"\n",
    b"a",
    b"INVITE sip:a@b SIP/2.0\r\nVia: x\r\n\r\nv=0\r\n",
    b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n",
    b"DESCRIBE rtsp://a RTSP/1.0\r\nCSeq: 1\r\n\r\n",
    b"RTSP/1.0 200 OK\r\n\r\n",
    b"SSH-2.0-OpenSSH_9\r\n\x00\x01",
    b"SSH-2.0-x\n",
    b"SSH-2.0-x",
    b"SSH-\x80\r\n",
    b"xSSH-2\r\n",
    b"tab\there\r\n",
    b"cr\ronly\r\n",
    b"POST  /x y\r\nfoo: bar",
    b"OPTIONS * HTTP/1.1\r\n\r\n",
    b"GETX / \r\n",
    b"HTTP/ 999 x\r\n",
    b"FOO/1.0 200 OK\r\n",
    b"\xff\xfd\x18\xff\xfb\x20",
    b"PROPFIND /a\r\nb\x7fc\r\n",
    b"REGISTER sip:x SIP/2.0\r\n\r\n",
    b"NOTIFY * HTTP/1.1\r\n\r\n",
    b"250-a\r\n250 b\r\n",
    b"404\r\n",
    b"HTTP/1.1 200\r\n",
    b"HTTP/1.1 2000 OK\r\n",
    b"HTTP 200 OK\r\n",
    b"abc 200 ok\r\n",
]
frames = [over_tcp(40000, p, t) for p in (21, 22, 25, 43, 80, 8080, 554, 8554) for t in texts] + [
    over_udp(40000, 5060, t) for t in texts
]
CASES["text"] = Case(frames + [c for b in frames[::6] for c in judge.cut(b, 40)], ("-n", "-n -v"))


def bootp(
    op=1,
    ht=1,
    hl=6,
    hops=0,
    xid=0x12345678,
    secs=0,
    fl=0,
    ips=(0, 0, 0, 0),
    sname=b"",
    file=b"",
    vend=b"\x63\x82\x53\x63\xff",
):
    return (
        struct.pack("!BBBBIHH4I", op, ht, hl, hops, xid, secs, fl, *ips)
        + bytes.fromhex("020000000001")
        + bytes(10)
        + sname.ljust(64, b"\0")
        + file.ljust(128, b"\0")
        + vend
    )


bootp_messages = [
    bootp(),
    bootp(op=2),
    bootp(op=3),
    bootp(ht=6),
    bootp(hl=16),
    bootp(hops=1, secs=3, fl=0x8000, xid=0),
    bootp(ips=(1, 2, 3, 4)),
    bootp(sname=b"srv", file=b"boot.img"),
    bootp(sname=b"s" * 64, file=b"f" * 128),
    bootp(vend=bytes(64)),
    bootp(vend=b"abcd" + bytes(60)),
    bootp(vend=b"CMU\0" + bytes(60)),
    bootp(fl=0xFFFF),
    bootp(fl=1),
    bootp(vend=b""),
]
frames = [over_udp(68, 67, x) for x in bootp_messages]
CASES["bootp"] = Case(frames + [c for b in frames[::3] for c in judge.cut(b, 40)], ("-n", "-n -v", "-n -vv"))
syslog_messages = [b"<%d>hello world" % v for v in range(0, 260, 3)] + [
    b"<34>x\n\x80\r",
    b"hello",
    b"<>",
    b"<1234>x",
    b"<12x",
    b"<999>",
    b"<1",
    b"<1>",
    b"<007>a",
    b"",
]
frames = [over_udp(5000, 514, s) for s in syslog_messages]
CASES["syslog"] = Case(frames + [c for b in frames[::20] for c in judge.cut(b, 40)], ("-n", "-n -v"))
tftp_messages = [
    b"\0\1name\0octet\0",
    b"\0\2name\0netascii\0blksize\x001408\0tsize\0000\0",
    b"\0\3\0\1data",
    b"\0\4\0\1",
    b"\0\5\0\1nofile\0",
    *[b"\0\5\0" + bytes([e]) + b"x\0" for e in range(10)],
    b"\0\6blksize\x001408\0",
    b"\0\7abc",
    b"\0\1nam",
    b"\0\1name\0",
    b"\0\1name\0oct",
    b"\0",
    b"",
    b"\0\1",
    b"\0\1\0\0",
    b"\0\5",
    b"\0\6\0\0",
    b"\0\5\0\1",
]
frames = [over_udp(5000, 69, s) for s in tftp_messages]
CASES["tftp"] = Case([c for b in frames for c in judge.cut(b, 40)], ("-n", "-n -v"))


def ntp(
    first=0x23,
    st=2,
    poll=6,
    prec=0xEC,
    rd=0x12345,
    rdisp=0x23456,
    ref=b"\xc0\0\2\1",
    ts=((3900000000, 1 << 30), (3900000001, 0), (3900000001, 1 << 30), (3900000002, 1 << 31)),
    extra=b"",
):
    return (
        bytes([first, st, poll, prec])
        + struct.pack("!II", rd, rdisp)
        + ref
        + b"".join(struct.pack("!II", *t) for t in ts)
        + extra
    )


ntp_messages = (
    [ntp(first=f) for f in range(256)]
    + [ntp(st=s, ref=r) for s in (0, 1, 2, 15, 16, 255) for r in (b"GPS\0", bytes(4), b"\1\2\3\4")]
    + [ntp(poll=x) for x in (0, 1, 10, 17, 31, 32, 64, 127, 128, 200, 255)]
    + [ntp(prec=x) for x in (0, 127, 128, 255)]
    + [
        ntp(ts=((0, 0),) * 4),
        ntp(ts=((1, 0), (5, 5), (1, 2), (0xFFFFFFFF, 0xFFFFFFFF))),
        ntp(ts=((0, 5), (5, 5), (0, 7), (0, 0))),
    ]
    + [ntp(extra=bytes(range(n))) for n in (1, 4, 8, 20, 24, 28)]
    + [b"", b"\x23", b"\x23\1\2", b"\x23\1\2\3", b"\x23\1\2\3\4"]
    + [bytes([0x16, c]) + bytes(range(10)) + b"var=1, b=2" for c in (1, 2, 0x81, 0xC2, 0xE3)]
    + [bytes([0x17, c]) + bytes(range(10)) + b"var=1, b=2" for c in (1, 2, 0x81, 0xC2, 0xE3)]
)
frames = [over_udp(123, 123, s) for s in ntp_messages]
CASES["ntp"] = Case(
    frames + [c for b in [frames[0], *frames[256::7]] for c in judge.cut(b, 40)], ("-n", "-n -v")
)
