"""How the stand-ins of HTTP servers are served: on loopback, a thread each, ended with the test."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def served(handler: type[BaseHTTPRequestHandler], stand_in: object, name: str) -> Generator[str]:
    """The address at which `handler` answers; it finds `stand_in` as an attribute of that name."""
    bound = type("Handler", (handler,), {"stand_in": stand_in})
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name=name)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
