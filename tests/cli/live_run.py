"""Runs a capture in this network namespace, sends datagrams and signals, and tells as JSON what it did.

    live_run.py '{"command": [...], "steps": [["send", 5], ["signal", "USR1"]], "port": 9, "own": true}'

``own``: the namespace is new, and lo has to be switched on. Datagrams go to the port of
127.0.0.1, and a moment passes behind them; ``["wait", 0.2]`` does nothing but that.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

SETTLED = 0.4  # seconds for packets to get through a program in immediate mode
GRACE = 20.0


def until_listening(program: subprocess.Popen[bytes]) -> bytes:
    """Wait for the line that says so, or for the end."""
    assert program.stderr is not None
    said = b""
    deadline = time.monotonic() + GRACE
    while b"listening on" not in said and time.monotonic() < deadline:
        if select.select([program.stderr], [], [], 0.1)[0]:
            piece = os.read(program.stderr.fileno(), 65536)
            if not piece:
                break
            said += piece
    time.sleep(0.1)  # what is said before the first packet is awaited
    return said


def main() -> None:
    """Carry the plan out."""
    plan = json.loads(sys.argv[1])
    if plan.get("own"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    program = subprocess.Popen(plan["command"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = until_listening(program)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for what, value in plan["steps"]:
            if what == "send":
                for _ in range(value):
                    sender.sendto(b"nmdump", ("127.0.0.1", plan["port"]))
                time.sleep(SETTLED)
            elif what == "signal":
                program.send_signal(getattr(signal, f"SIG{value}"))
                time.sleep(0.2)
            else:
                time.sleep(value)
    try:
        out, err = program.communicate(timeout=GRACE)
    except subprocess.TimeoutExpired:
        program.kill()
        out, err = program.communicate()
    result = {"out": out.decode("latin-1"), "err": (said + err).decode(), "status": program.returncode}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
