# What cffi generates: everything in it is reached through these two.
from typing import Any

ffi: Any
lib: Any
