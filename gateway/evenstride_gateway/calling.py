"""Where the gateway of a data directory answers, so that other processes of the same user can ask it to write."""

import contextlib
import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from evenstride_gateway.errors import StoreBusyError, StoreError
from evenstride_gateway.store.store import LOCK

ADDRESS_FILE = "gateway.json"
TOKEN_FILE = "coach-token"
PATIENCE_S = 90.0  # a session that ends meanwhile waits for what the pods still hold


@contextmanager
def announced(folder: Path, url: str) -> Generator[None, None, None]:
    """While the context lasts, `gateway.json` says where this process answers."""
    path, new = folder / ADDRESS_FILE, folder / f"{ADDRESS_FILE}.new"
    try:
        new.write_text(json.dumps({"url": url, "pid": os.getpid()}) + "\n", encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def ask_gateway(
    folder: Path, busy: StoreBusyError, method: str, path: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The answer of the gateway that keeps the store of `folder` busy.

    Raises `busy` when none answers there, StoreError with the gateway's own words when it refuses.
    """
    try:
        known = json.loads((folder / ADDRESS_FILE).read_text(encoding="utf-8"))
        holder = int((folder / LOCK).read_text(encoding="ascii"))
        token = (folder / TOKEN_FILE).read_text(encoding="utf-8").strip()
        address, pid = urlsplit(str(known["url"])), int(known["pid"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise busy from error
    if pid != holder or address.hostname is None:
        raise busy  # left behind by a crash: the port may be another program's now, and the token is not for it
    connection = HTTPConnection(address.hostname, address.port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        try:
            content = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={"Authorization": f"Bearer {token}", **content},
            )
            answer = connection.getresponse()
            said: Any = json.loads(answer.read())
        except TimeoutError as error:
            raise StoreError(
                f"{busy}; its gateway took the request and did not answer in {PATIENCE_S:.0f} s"
            ) from error
        except (OSError, HTTPException, ValueError) as error:
            raise busy from error
    if not isinstance(said, dict):
        raise busy
    values = cast("dict[str, Any]", said)
    if answer.status != 200:
        raise StoreError(str(values.get("detail") or f"the gateway answered {answer.status}"))
    return values
