"""A process with a number of open pages: `viewer.py URL N LOG`. Standard library only, so that it starts at once.

Writes a line `monotonic seconds, viewer, id` for each event whose strips carry a stride. time.monotonic() is one clock
for all processes of a Linux machine. Ends when the server closes the streams or at SIGTERM.
"""

import selectors
import signal
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit


def main(url: str, n: int, log: Path) -> None:
    parts = urlsplit(url)
    address = (parts.hostname or "127.0.0.1", parts.port or 80)
    selector = selectors.DefaultSelector()
    held = [b""] * n
    sockets = [socket.create_connection(address) for _ in range(n)]
    for viewer, sock in enumerate(sockets):
        sock.sendall(f"GET /api/live HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n\r\n".encode())
        sock.setblocking(False)
        selector.register(sock, selectors.EVENT_READ, viewer)
    lines: list[str] = []

    def finish(*_: object) -> None:
        log.write_text("".join(lines), encoding="utf-8")
        sys.exit(0)

    signal.signal(signal.SIGTERM, finish)
    left = n
    while left:
        for key, _ in selector.select():
            data = sockets[int(key.data)].recv(1 << 20)
            arrived_s = time.monotonic()
            if not data:
                selector.unregister(key.fileobj)
                left -= 1
                continue
            viewer = int(key.data)
            *events, held[viewer] = (held[viewer] + data).split(b"\n\n")
            lines += [f"{arrived_s!r},{viewer},{name}\n" for name in map(_stride_event, events) if name]
    finish()


def _stride_event(event: bytes) -> str:
    """The id of a board event that carries a stride, else nothing."""
    if b"event: board" not in event or not _has_stride(event):
        return ""
    at = event.index(b"id: ") + 4
    return event[at : event.index(b"\n", at)].decode()


def _has_stride(event: bytes) -> bool:
    return event.count(b'"n":[]') < 2


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
