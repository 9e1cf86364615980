"""One writer per data directory."""

import fcntl
import os
from pathlib import Path

from evenstride_gateway.errors import StoreBusyError


class WriterLock:
    """Held from construction to `release`; the kernel lets go of it when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StoreBusyError(f"evenstride PID {holder} is using this data: stop it, or use --data DIR") from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        os.close(self._file)
