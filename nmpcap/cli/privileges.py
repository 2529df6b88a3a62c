"""-Z: another user for the rest of the run."""

from __future__ import annotations

import os

from nmpcap.cli.messages import fail

__all__ = ["become"]


def become(name: str) -> None:
    """Take a user's groups, group and number, for good; Exit where that is not possible.

    Does nothing unless root runs the program: nobody else has privileges to give up.
    """
    import pwd

    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise fail(f"Couldn't find user '{name}'") from None
    if os.geteuid() != 0:
        return
    try:
        os.initgroups(name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    except OSError as error:
        raise fail(
            f"Couldn't change to '{name}' uid={user.pw_uid} gid={user.pw_gid}: {error.strerror}"
        ) from error
