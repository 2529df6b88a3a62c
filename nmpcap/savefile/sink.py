"""The C writer as Python calls it: one thread at a time, every status answered or raised."""

from __future__ import annotations

import contextlib
import errno
import os
import weakref
from typing import Any

from nmpcap._core import ffi, lib
from nmpcap._core.cstring import cstring
from nmpcap._core.delivery import Recorder
from nmpcap.errors import DeviceError, PcapError, UsageError
from nmpcap.savefile.output import Output

__all__ = ["LimitReached", "Sink"]


class LimitReached(PcapError):
    """The file is as long, or holds as many packets, as it was meant to; this packet was not taken."""


class Sink(Recorder):
    """An open ``struct nm_writer *`` and, where it has no descriptor, the output for its bytes.

    In the child of a fork it is the parent's until the child writes to it: closed before that, it is let
    go without a byte written, since the parent has them too.
    """

    name: str
    closed = True
    """Whether close() has been called."""

    def _open(self, name: str, fd: int, output: Output | None, config: Any, direct: bool) -> None:
        """Take fd and output over; raises PcapError, and closes both, where the config is refused.

        direct: Packets may be appended without a call of Python's.
        """
        self.name = name
        self._output = output
        handle = ffi.new("struct nm_writer **")
        msg = ffi.new("char[]", lib.NM_MSG_SIZE)
        if lib.nm_writer_open(fd, config, handle, msg):
            if output is not None:
                output.close()
            raise PcapError(f"{name}: {cstring(msg)}", name=name)
        self._handle: Any = handle[0]
        self.closed = False
        self._direct_linktype = config.linktype if direct else None
        self._inherited = False
        self._lend_handle()
        _open.add(self)

    def _lend_handle(self) -> None:
        if self._direct_linktype is not None:
            self._lend(int(ffi.cast("uintptr_t", self._handle)), self._direct_linktype)

    def _inherit(self) -> None:
        """In a child: see the class."""
        if not self.closed:
            self._inherited = True
            self._lend(0, 0)

    def _call(self, function: Any, *arguments: Any) -> int:
        """Call a function of the C writer until it succeeds, and return its result.

        Raises LimitReached, UsageError for arguments that the format cannot hold, on a closed file and
        from a second thread, and DeviceError (ENOSPC, EPIPE ...) where bytes cannot be written:
        they are kept, and the call may be repeated.
        """
        if not self._enter():
            raise self._in_use()
        try:
            if self.closed:
                raise UsageError(f"{self.name}: the writer is closed")
            if self._inherited and function not in _ASKING:
                self._inherited = False
                self._lend_handle()
            while (result := function(self._handle, *arguments)) < 0:
                self._answer(result)
            return int(result)
        except OverflowError as error:
            raise UsageError(f"{self.name}: a number that no savefile holds: {error}") from error
        finally:
            self._leave()

    def _in_use(self) -> UsageError:
        return UsageError(f"{self.name}: another thread is writing this savefile")

    def _answer(self, status: int) -> None:
        """Do what a negative status asks for before the call is repeated, or raise it."""
        if status == -errno.EAGAIN:
            self._hand_on_pending()
        elif status == -errno.EOVERFLOW:
            raise LimitReached(f"{self.name}: {self._msg()}")
        elif status in {-errno.ERANGE, -errno.EINVAL}:
            raise UsageError(f"{self.name}: {self._msg()}")
        elif status != -errno.EINTR:  # which is there to let Python look after signals
            raise DeviceError(-status, f"{self.name}: {self._msg()}", self.name)

    def _hand_on_pending(self) -> None:
        assert self._output is not None
        start = ffi.new("const uint8_t **")
        size = lib.nm_writer_pending(self._handle, start)
        with self._writing():
            self._output.push()
            self._output.put(ffi.unpack(ffi.cast("char *", start[0]), size))
            lib.nm_writer_taken(self._handle, size)
            self._output.push()

    @contextlib.contextmanager
    def _writing(self) -> Any:
        try:
            yield
        except OSError as error:
            if self._output is not None and not self._output.owned and not isinstance(error, DeviceError):
                raise  # of the caller's own file object: as it is
            text = f"{self.name}: error writing dump file: {error.strerror or error}"
            raise DeviceError(error.errno or errno.EIO, text, self.name) from error

    def _flush_all(self) -> None:
        """Hand everything taken so far to the file; a compressor still keeps what it needs."""
        self._call(lib.nm_writer_flush)
        if self._output is not None:
            with self._writing():
                self._output.flush()

    def close(self) -> None:
        """Flush and close; may be repeated.

        Raises DeviceError where the flush fails. The file is closed all the same, without a
        packet cut in the middle at its end where it is a plain file.
        """
        if not self._enter():
            raise self._in_use()
        try:
            if not self.closed:
                self._close()
        finally:
            self._leave()

    def _close(self) -> None:
        try:
            if self._inherited:
                self._let_go()
            elif self._output is None:
                with contextlib.suppress(DeviceError):  # closing says it again, and what is missing
                    self._flush_pending()
            else:
                self._close_output(self._output)
        finally:
            self.closed = True
            self._lend()
            msg = ffi.new("char[]", lib.NM_MSG_SIZE)
            status = lib.nm_writer_close(self._handle, msg)
        if status:
            raise DeviceError(-status, f"{self.name}: {cstring(msg)}", self.name)

    def _let_go(self) -> None:
        """Forget what is pending, as written by the parent."""
        lib.nm_writer_taken(self._handle, lib.nm_writer_pending(self._handle, ffi.new("const uint8_t **")))
        if self._output is not None:
            self._output.abandon()

    def _flush_pending(self) -> None:
        while status := lib.nm_writer_flush(self._handle):
            self._answer(status)

    def _close_output(self, output: Output) -> None:
        try:
            self._flush_pending()
        finally:
            with self._writing():
                output.close()

    def _msg(self) -> str:
        return cstring(lib.nm_writer_msg(self._handle))


_ASKING = {lib.nm_writer_position, lib.nm_writer_packets, lib.nm_writer_snaplen, lib.nm_writer_swapped}

_open: weakref.WeakSet[Sink] = weakref.WeakSet()


def _inherit_all() -> None:
    for sink in list(_open):
        sink._inherit()


os.register_at_fork(after_in_child=_inherit_all)
