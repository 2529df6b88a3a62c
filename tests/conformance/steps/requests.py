"""Requests that bind nothing: queries, switches and persistent ports, odd requests, parameters."""

from __future__ import annotations

import struct
from typing import Any

from ..backend import NIOCGINFO, NIOCREGIF
from ..layout import (
    LEGACY,
    LEGACY_FIELDS,
    POOLS_INFO,
    PORT_HDR,
    PORT_INFO,
    PORT_INFO_FIELDS,
    SIZES,
    VALE_LIST,
    VALE_NEWIF,
    VALE_NEWIF_FIELDS,
    c_string,
    pack,
    unpack,
)
from ..scenarios import Answer, Step
from ..stage import Stage
from ..vocabulary import BODY_SIZES, REQUESTS, errno_word, number
from .descriptors import legacy_request, register_body
from .registry import step

# Legacy commands whose nr_arg2 is no region: VALE attach, detach, list and header length.
NO_REGION_IN_ARG2 = (1, 2, 4, 5)


@step
def info(stage: Stage, step: Step) -> Answer:
    sizes = {size: step.get(size, 0) for size in SIZES}
    asked = pack(PORT_INFO, PORT_INFO_FIELDS, **sizes, mem_id=stage.mem_id(step))
    error, _, body, answer = stage.control(step, REQUESTS["PORT_INFO_GET"], asked)
    if not error:
        got = unpack(PORT_INFO, PORT_INFO_FIELDS, body)
        answer.update({size: got[size] for size in SIZES})
        answer.update(mem=stage.regions.name(got["mem_id"]), memsize=got["memsize"])
    return answer


@step
def pools_info(stage: Stage, step: Step) -> Answer:
    asked = POOLS_INFO.pack(0, stage.mem_id(step), *[0] * 9)
    error, _, body, answer = stage.control(step, REQUESTS["POOLS_INFO_GET"], asked)
    if not error:
        memsize, mem_id, *pools = POOLS_INFO.unpack(body)
        told = {name: pools[3 * i : 3 * i + 3] for i, name in enumerate(("if", "ring", "buf"))}
        answer.update(mem=stage.regions.name(mem_id), memsize=memsize, pools=told)
    return answer


@step
def vale_list(stage: Stage, step: Step) -> Answer:
    """One request, or with ``iterate`` all ports, asking for the index after each one answered."""
    listed: list[dict[str, Any]] = []
    bridge, port = step.get("bridge", 0), step.get("port", 0)
    while True:
        asked = VALE_LIST.pack(bridge, 0, port)
        error, name, body, answer = stage.control(step, REQUESTS["VALE_LIST"], asked)
        if error:
            told: Answer = {"r": answer["r"]}
            return told | {"list": listed} if step.get("iterate") else told
        bridge, _, port = VALE_LIST.unpack(body)
        found = {"name": stage.ports.canonical(name), "bridge": bridge, "port": port}
        if not step.get("iterate"):
            return {"r": "ok"} | found
        listed.append(found)
        port += 1


@step
def newif(stage: Stage, step: Step) -> Answer:
    sizes = SIZES[:4]
    asked = pack(
        VALE_NEWIF,
        VALE_NEWIF_FIELDS,
        **{size: step.get(size, 0) for size in sizes},
        mem_id=stage.mem_id(step),
    )
    error, _, body, answer = stage.control(step, REQUESTS["VALE_NEWIF"], asked)
    if not error:
        got = unpack(VALE_NEWIF, VALE_NEWIF_FIELDS, body)
        answer.update({size: got[size] for size in sizes})
        answer["mem"] = stage.regions.name(got["mem_id"])
    return answer


@step
def delif(stage: Stage, step: Step) -> Answer:
    return stage.control(step, REQUESTS["VALE_DELIF"], None)[3]


@step
def attach(stage: Stage, step: Step) -> Answer:
    asked = register_body(stage, step) + bytes(8)
    error, _, body, answer = stage.control(step, REQUESTS["VALE_ATTACH"], asked)
    if not error:
        (answer["port"],) = struct.unpack_from("=I", body, len(asked) - 8)
    return answer


@step
def detach(stage: Stage, step: Step) -> Answer:
    error, _, body, answer = stage.control(step, REQUESTS["VALE_DETACH"], bytes(8))
    if not error:
        (answer["port"],) = struct.unpack_from("=I", body)
    return answer


@step
def hdr_set(stage: Stage, step: Step) -> Answer:
    return stage.control(step, REQUESTS["PORT_HDR_SET"], PORT_HDR.pack(step["len"], 0))[3]


@step
def hdr_get(stage: Stage, step: Step) -> Answer:
    error, _, body, answer = stage.control(step, REQUESTS["PORT_HDR_GET"], bytes(8))
    if not error:
        answer["len"], _ = PORT_HDR.unpack(body)
    return answer


@step
def raw(stage: Stage, step: Step) -> Answer:
    """Any request, its body a size of zeros, ``reg``, ``hex:...``, null or ``bad``."""
    reqtype = number(step["type"], REQUESTS)
    body = step.get("body", BODY_SIZES.get(reqtype))
    if body == "reg":
        body = register_body(stage, step)
    elif isinstance(body, int):
        body = bytes(body)
    elif isinstance(body, str) and body.startswith("hex:"):
        body = bytes.fromhex(body.removeprefix("hex:"))
    return stage.control(step, reqtype, body)[3]


@step
def legacy(stage: Stage, step: Step) -> Answer:
    """NIOCGINFO, or NIOCREGIF where it opens nothing."""
    opened = stage.opened.get(step.get("id", ""))
    device = opened.device if opened else stage.backend.open()
    nmreq = legacy_request(stage, step)
    try:
        error = stage.backend.legacy(device, NIOCGINFO if step["ioctl"] == "info" else NIOCREGIF, nmreq)
    finally:
        if not opened:
            device.close()
    if error:
        return {"r": errno_word(error)}
    got = unpack(LEGACY, LEGACY_FIELDS, bytes(nmreq))
    answer = {"r": "ok", "name": stage.ports.canonical(c_string(got["name"]))}
    answer.update({field: got[field] for field in (*SIZES[:4], "ringid", "arg1", "arg3", "memsize")})
    plain = step.get("cmd", 0) in NO_REGION_IN_ARG2
    answer["arg2"] = got["arg2"] if plain else stage.regions.name(got["arg2"])
    return answer


@step
def param(stage: Stage, step: Step) -> Answer:
    stage.backend.parameters.set(step["name"], step["value"])
    return {"r": "ok"}
