"""The server in the gateway's loop: a taken port, the real stream over TCP, a quick stop."""

import asyncio
import contextlib
import json
import socket
from typing import Any

import pytest
from fakes.fake_gateway import FakeGateway

from evenstride_gateway.errors import ConfigError
from evenstride_gateway.web.app import create_app
from evenstride_gateway.web.server import Address, serve


async def open_stream(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    request = f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{address.port}\r\nAccept-Encoding: gzip\r\n\r\n"
    writer.write(request.encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    return reader, writer, head


async def next_event(reader: asyncio.StreamReader, kind: str) -> dict[str, Any]:
    while True:
        if (await reader.readline()) == f"event: {kind}\n".encode():
            return json.loads((await reader.readline()).removeprefix(b"data: "))


def test_the_stream_over_tcp() -> None:
    async def main() -> None:
        gateway = FakeGateway()
        async with (
            asyncio.timeout(20),
            asyncio.TaskGroup() as tasks,
            serve(create_app(gateway, token="t"), tasks=tasks) as address,
        ):
            assert address.port > 0
            reader, writer, head = await open_stream(address)
            assert head.startswith("http/1.1 200")
            assert "content-type: text/event-stream" in head
            assert "cache-control: no-store" in head
            assert "content-encoding" not in head
            first = await next_event(reader, "snapshot")
            gateway.run(5)
            second = await next_event(reader, "board")
            assert second["t_s"] >= first["t_s"]
            assert len(second["strips"]["left"]["n"]) == 7
            third = await next_event(reader, "board")  # nothing happened: this is the heartbeat
            assert third["strips"]["left"]["n"] == []
            assert gateway.hub.viewers == 1
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            while gateway.hub.viewers:  # noqa: ASYNC110  a condition with a deadline
                await asyncio.sleep(0)

    asyncio.run(main())


def test_open_streams_do_not_delay_the_stop() -> None:
    async def main() -> None:
        gateway = FakeGateway()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            async with serve(create_app(gateway, token="t"), tasks=tasks) as address:
                reader, writer, _ = await open_stream(address)
                await next_event(reader, "snapshot")
                before_s = loop.time()
            rest = await reader.read()
            assert rest.endswith(b"0\r\n\r\n")  # ended in order, not cut
            assert loop.time() - before_s < 5
            writer.close()

    asyncio.run(main())


def test_a_taken_port_is_one_clear_error() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
                with pytest.raises(ConfigError) as error:
                    async with serve(create_app(FakeGateway(), token="t"), tasks=tasks, port=port):
                        pytest.fail("served on a taken port")
            assert f"port {port} on 127.0.0.1 is in use" in str(error.value)
            assert "--port" in str(error.value)

    asyncio.run(main())


def test_an_unknown_host_is_one_clear_error() -> None:
    async def main() -> None:
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            with pytest.raises(ConfigError, match=r"cannot listen on '203\.0\.113\.9\.invalid'|cannot listen on 203"):
                async with serve(create_app(FakeGateway(), token="t"), tasks=tasks, host="203.0.113.9", port=0):
                    pytest.fail("served on a foreign address")

    asyncio.run(main())


def test_too_many_pages() -> None:
    async def main() -> None:
        gateway = FakeGateway()
        async with (
            asyncio.timeout(20),
            asyncio.TaskGroup() as tasks,
            serve(create_app(gateway, token="t"), tasks=tasks) as address,
        ):
            with contextlib.ExitStack() as pages:
                while not gateway.hub.full:
                    pages.enter_context(gateway.hub.join())
                _, writer, head = await open_stream(address)
                assert head.startswith("http/1.1 503")
                writer.close()

    asyncio.run(main())


def test_the_address_to_open() -> None:
    assert Address(host="127.0.0.1", port=80).url == "http://127.0.0.1:80/"
    assert Address(host="0.0.0.0", port=80).url == "http://127.0.0.1:80/"
    assert Address(host="::", port=80).url == "http://[::1]:80/"
