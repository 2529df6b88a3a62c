"""A platform of ptf's: its interfaces are nmpcap's ports. Its folder is for ptf to put on its path."""

from typing import Any

from nmpcap.compat.ptf import Port

__all__ = ["platform_config_update"]


def platform_config_update(config: dict[str, Any]) -> None:
    """Take ports from ``--interface DEVICE-PORT@NAME``, and have each made by nmpcap."""
    config["port_map"] = {(device, port): name for device, port, name in config["interfaces"]}
    config.setdefault("dataplane", {})["portclass"] = Port
