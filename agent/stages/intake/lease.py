"""Ask the kernel whether a file is still open for writing, by asking for a read lease on it.

Only the file's owner or root may ask, and network file systems refuse for other reasons, so this is a bonus
on top of stillness: a yes is believed where a trial showed that a no is possible.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal

_TRIAL = ".lease"  # in a folder where only we write; one left over by a crash is used again
_SAFELY = os.O_NOFOLLOW | os.O_CLOEXEC


def is_written(fd: int) -> bool:
    """Whether a process of this host has the file open for writing; False when that cannot be known."""
    try:
        # Should someone open it for writing in the moment the lease lasts, we are sent a signal we ignore.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def told_here(folder: int) -> bool:
    """Whether leases tell anything on this file system: one on a file nobody writes must be granted."""
    try:
        os.close(os.open(_TRIAL, os.O_WRONLY | os.O_CREAT | _SAFELY, 0o600, dir_fd=folder))
        fd = os.open(_TRIAL, os.O_RDONLY | _SAFELY, dir_fd=folder)
        try:
            return not is_written(fd)
        finally:
            os.close(fd)
            os.unlink(_TRIAL, dir_fd=folder)
    except OSError:
        return False
