"""Opening, binding, mapping and closing."""

from __future__ import annotations

from ..backend import NIOCREGIF, errno_of
from ..layout import (
    LEGACY,
    LEGACY_FIELDS,
    REGISTER,
    REGISTER_FIELDS,
    SIZES,
    Interface,
    c_string,
    pack,
    unpack,
)
from ..options import PAGE
from ..runs import ranges
from ..scenarios import Answer, Step
from ..stage import Opened, Stage
from ..vocabulary import API, MODES, REGISTER_FLAGS, REQUESTS, errno_word, number
from .registry import MissingDescriptorError, on_descriptor, step


def register_body(stage: Stage, step: Step) -> bytes:
    """The step's REGISTER, all of the NIC's rings unless it says otherwise."""
    if "mem_of" in step and step["mem_of"] not in stage.opened:
        raise MissingDescriptorError(step["mem_of"])
    return pack(
        REGISTER,
        REGISTER_FIELDS,
        **{size: step.get(size, 0) for size in SIZES},
        mem_id=stage.mem_id(step),
        ringid=step.get("ring", 0),
        mode=number(step.get("mode", "ALL_NIC"), MODES),
        extra_bufs=step.get("extra_bufs", 0),
        flags=number(step.get("flags"), REGISTER_FLAGS),
    )


def legacy_request(stage: Stage, step: Step) -> bytearray:
    """The step's nmreq."""
    if "mem_of" in step and step["mem_of"] not in stage.opened:
        raise MissingDescriptorError(step["mem_of"])
    plain = ("tx_slots", "rx_slots", "tx_rings", "rx_rings", "ringid", "cmd", "arg1", "arg3")
    nmreq = pack(
        LEGACY,
        LEGACY_FIELDS,
        name=stage.ports.real(step.get("name", ""))[:16],
        version=step.get("version", API),
        arg2=stage.mem_id(step) if "mem_of" in step else step.get("arg2", 0),
        flags=number(step.get("flags"), REGISTER_FLAGS) | number(step.get("mode"), MODES),
        **{field: step.get(field, 0) for field in plain},
    )
    return bytearray(nmreq)


def _register(stage: Stage, step: Step, opened: Opened) -> Answer:
    error, _, body, answer = stage.control(
        step, REQUESTS["REGISTER"], register_body(stage, step), opened.device
    )
    if error:
        return answer
    got = unpack(REGISTER, REGISTER_FIELDS, body)
    stage.bind(opened, offset=got["offset"], memsize=got["memsize"], mem_id=got["mem_id"])
    answer.update({field: got[field] for field in (*SIZES, "extra_bufs")})
    return answer | _mapped(stage, step, opened) | {"mem": stage.regions.name(opened.mem_id)}


def _mapped(stage: Stage, step: Step, opened: Opened) -> Answer:
    answer = stage.map(opened) if step.get("mmap", True) else {}
    others = [other.id for other in stage.users(opened.mem_id) if other is not opened]
    return answer | {"shares": others, "memsize": opened.memsize}


def _open(stage: Stage, step: Step) -> Answer:
    opened = Opened(step["id"], stage.backend.open())
    try:
        return _register(stage, step, opened)
    finally:
        if stage.opened.get(step["id"]) is not opened:
            stage.close(opened)


@step
def open(stage: Stage, step: Step) -> Answer:
    return _open(stage, step)


@step
def device(stage: Stage, step: Step) -> Answer:
    stage.opened[step["id"]] = Opened(step["id"], stage.backend.open())
    return {"r": "ok"}


@step
@on_descriptor
def register(stage: Stage, step: Step) -> Answer:
    return _register(stage, step, stage.opened[step["id"]])


@step
def open_many(stage: Stage, step: Step) -> Answer:
    first = step.get("from", 0)
    answer: Answer = {"r": "ok"}
    for count in range(step["n"]):
        nth = str(first + count)
        one = {**step, "id": step["id"] + nth, "name": step["name"].replace("#", nth)}
        answer = _open(stage, one)
        if answer["r"] != "ok":
            return {"opened": count, "r": answer["r"]}
    return {"opened": step["n"], "r": answer["r"]}


@step
def close_many(stage: Stage, step: Step) -> Answer:
    for opened in list(stage.opened.values()):
        if opened.id.startswith(step["id"]) and opened.id.removeprefix(step["id"]).isdigit():
            stage.close(opened)
    stage.forget()
    return {"r": "ok"}


@step
def legacy_open(stage: Stage, step: Step) -> Answer:
    opened = stage.opened.get(step["id"]) or Opened(step["id"], stage.backend.open())
    nmreq = legacy_request(stage, step)
    error = stage.backend.legacy(opened.device, NIOCREGIF, nmreq)
    if error:
        if opened.id not in stage.opened:
            stage.close(opened)
        return {"r": errno_word(error)}
    got = unpack(LEGACY, LEGACY_FIELDS, bytes(nmreq))
    stage.bind(opened, offset=got["offset"], memsize=got["memsize"], mem_id=got["arg2"])
    told = ("version", *SIZES[:4], "ringid", "cmd", "arg1", "arg3", "flags")
    answer = {"r": "ok", "name": stage.ports.canonical(c_string(got["name"]))}
    answer.update({field: got[field] for field in told})
    return answer | _mapped(stage, step, opened) | {"arg2": stage.regions.name(opened.mem_id)}


@step
@on_descriptor
def close(stage: Stage, step: Step) -> Answer:
    stage.close(stage.opened[step["id"]])
    stage.forget()
    return {"r": "ok"}


@step
@on_descriptor
def close_fd(stage: Stage, step: Step) -> Answer:
    stage.close(stage.opened[step["id"]], region=False)
    return {"r": "ok"}


@step
@on_descriptor
def unmap(stage: Stage, step: Step) -> Answer:
    stage.close(stage.opened[step["id"]], device=False)
    stage.forget()
    return {"r": "ok"}


@step
@on_descriptor
def mmap(stage: Stage, step: Step) -> Answer:
    """One more mapping, of the region and some pages, dropped at once unless it is to be kept."""
    opened = stage.opened[step["id"]]
    length = (opened.memsize if step.get("region", True) else 0) + PAGE * step.get("pages", 0)
    offset = (opened.memsize if step.get("at_end") else 0) + PAGE * step.get("offset_pages", 0)
    regions = []
    error = errno_of(lambda: regions.append(opened.device.mmap(length, offset)))
    if error:
        return {"r": errno_word(error)}
    if step.get("keep") and opened.region is None:
        return {"r": "ok"} | stage.look(opened, regions[0])
    regions[0].close()
    return {"r": "ok"}


@step
@on_descriptor
def ifinfo(stage: Stage, step: Step) -> Answer:
    opened = stage.opened[step["id"]]
    interface = opened.interface
    assert isinstance(interface, Interface), f"{opened.id} is not mapped"
    return {
        "r": "ok",
        "ni_name": stage.ports.canonical(interface.name),
        "ni_flags": interface.flags,
        "ni_tx_rings": interface.tx_rings,
        "ni_rx_rings": interface.rx_rings,
        "ni_host_tx_rings": interface.host_tx_rings,
        "ni_host_rx_rings": interface.host_rx_rings,
        "ni_bufs_head": stage.buffer_name(opened, interface.bufs_head),
        "tx": ranges(interface.tx),
        "rx": ranges(interface.rx),
    }
