"""Syncs and polls."""

from __future__ import annotations

import time

from ..backend import errno_of
from ..scenarios import Answer, Step
from ..stage import Stage, Waiting
from ..vocabulary import errno_word
from .registry import MissingDescriptorError, on_descriptor, step

# How long a poll in a thread may take to fall asleep, or to wake up.
SETTLE_S = 0.05
PATIENCE_MS = 3000


@step
@on_descriptor
def txsync(stage: Stage, step: Step) -> Answer:
    return {"r": errno_word(errno_of(stage.opened[step["id"]].device.txsync))}


@step
@on_descriptor
def rxsync(stage: Stage, step: Step) -> Answer:
    return {"r": errno_word(errno_of(stage.opened[step["id"]].device.rxsync))}


@step
@on_descriptor
def poll(stage: Stage, step: Step) -> Answer:
    device = stage.opened[step["id"]].device
    return {"revents": stage.backend.poll(device, step.get("events", []), step.get("timeout_ms", 0))}


@step
@on_descriptor
def poll_start(stage: Stage, step: Step) -> Answer:
    device = stage.opened[step["id"]].device
    events, timeout_ms = step.get("events", []), step.get("timeout_ms", PATIENCE_MS)
    stage.waiting[step["id"]] = Waiting(stage.backend, device, events, timeout_ms)
    time.sleep(SETTLE_S)
    return {"r": "ok"}


@step
def poll_pending(stage: Stage, step: Step) -> Answer:
    waiting = _waiting(stage, step)
    time.sleep(SETTLE_S)
    return {"waiting": waiting.is_waiting}


@step
def poll_join(stage: Stage, step: Step) -> Answer:
    waiting = _waiting(stage, step)
    del stage.waiting[step["id"]]
    return {"revents": waiting.join()}


def _waiting(stage: Stage, step: Step) -> Waiting:
    if step["id"] not in stage.waiting:
        raise MissingDescriptorError(step["id"])
    return stage.waiting[step["id"]]
