"""A small pod in a process of its own: python remote_small_pod.py HOST PORT NUMBER. Streams 25 frames a second."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bumble.host import Host
from bumble.transport import open_transport

from evenstride_gateway.virtual.device import device_on, static_address
from fakes.small_pod import SmallPod
from fakes.small_world import until


async def main(host: str, port: int, number: int) -> None:
    async with await open_transport(f"tcp-client:{host}:{port}") as transport:
        name = f"pod-{number}"
        device = device_on(Host(transport.source, transport.sink), name=name, address=static_address(number))
        pod = SmallPod(device, name)
        await pod.start()
        await until(lambda: pod.connection and device.gatt_server.subscribers.get(pod.connection), within_s=3600)
        await pod.stream(25, 25 * 3600)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
