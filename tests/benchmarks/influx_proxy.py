"""`python influx_proxy.py TARGET`: takes 2.x writes and hands them to a 1.x server; tells its port on the first line.

Clients of 2.x alone cannot write to Debian's 1.6. In a process of its own, so that its CPU is nobody's.
"""

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit

_LIMIT = 4 * 1024 * 1024  # a batch in one piece: the proxy must not be the slowest of the three


async def _message(reader: asyncio.StreamReader) -> tuple[list[bytes], bytes] | None:
    """Head lines and body of the next HTTP message; None at the end of the stream."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head[:-4].split(b"\r\n")
    sizes = [int(line.split(b":", 1)[1]) for line in lines if line.lower().startswith(b"content-length:")]
    return lines, await reader.readexactly(sizes[0]) if sizes else b""


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    from_server, to_server = await asyncio.open_connection(host, port, limit=_LIMIT)
    while (asked := await _message(reader)) is not None:
        lines, body = asked
        method, path, _ = lines[0].decode().split(" ")
        query = parse_qs(urlsplit(path).query)
        if urlsplit(path).path == "/api/v2/write" and method == "POST":
            path = f"/write?db={query['bucket'][0]}&precision=n"
        head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
        to_server.write(head.encode() + body)
        answer = await _message(from_server)
        if answer is None:
            break
        writer.write(b"\r\n".join(answer[0]) + b"\r\n\r\n" + answer[1])
        await writer.drain()
    writer.close()
    to_server.close()


async def _run(host: str, port: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve(reader, writer, host, port)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_LIMIT)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_run(urlsplit(sys.argv[1]).hostname or "", urlsplit(sys.argv[1]).port or 0))
