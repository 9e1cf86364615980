"""A virtual pod in a process of its own: `python -m evenstride_gateway.virtual.remote_pod HOST PORT --side left`.

It joins a virtual air (air_server.py) over TCP. Ending the process is pulling the battery.
"""

import argparse
import asyncio
from pathlib import Path

from bumble.device import Device
from bumble.host import Host
from bumble.transport import open_transport
from bumble.transport.common import Transport

from evenstride_analysis.model import Side
from evenstride_analysis.simulate.presets import even
from evenstride_gateway.tables.reading import read_recording
from evenstride_gateway.virtual.device import device_on, static_address
from evenstride_gateway.virtual.pod import VirtualPod
from evenstride_gateway.virtual.pod_core import PodCore
from evenstride_gateway.virtual.pod_plan import PodPlan
from evenstride_gateway.virtual.pod_signal import RecordingSource, RunnerSource, SignalSource

RUN_S = 900.0  # then the virtual runner stands


class TcpRadio:
    """A pod's radio at the other end of a TCP connection; it has one life, since the process is the battery."""

    def __init__(self, transport: Transport, *, name: str, address: str) -> None:
        self._transport = transport
        self._name, self._address = name, address

    def switch_on(self) -> Device:
        return device_on(Host(self._transport.source, self._transport.sink), name=self._name, address=self._address)

    def cut(self, device: Device) -> None:
        device.host.on_transport_lost()


def signal_of(side: Side, recording: Path | None) -> SignalSource:
    """One leg of a recording, from the start again at its end, or of the virtual runner."""
    if recording is None:
        return RunnerSource(even(duration_s=RUN_S).runner(), side)
    leg = read_recording(recording).legs[side]
    return RecordingSource(leg.accel_mps2, leg.gyro_radps, leg.rate_hz, repeat=True)


async def run(host: str, port: int, *, side: Side, pod_id: str, recording: Path | None) -> None:
    """Be a pod until the air is gone. OSError: nobody listens there."""
    signal = signal_of(side, recording)
    async with await open_transport(f"tcp-client:{host}:{port}") as transport:
        address = static_address(int.from_bytes(bytes.fromhex(pod_id)[-3:]))
        radio = TcpRadio(transport, name=f"pod-{side.value}", address=address)
        async with VirtualPod(PodCore(PodPlan(pod_id=pod_id), signal), radio):
            await transport.source.terminated


def main() -> None:
    parser = argparse.ArgumentParser(prog="remote_pod", description="a virtual pod in a process of its own")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--side", type=Side, choices=list(Side), default=Side.LEFT)
    parser.add_argument("--pod-id", default="e5e50000000000a1", help="16 hexadecimal digits")
    parser.add_argument("--recording", type=Path, help="a recording table; else the virtual runner")
    given = parser.parse_args()
    asyncio.run(run(given.host, given.port, side=given.side, pod_id=given.pod_id, recording=given.recording))


if __name__ == "__main__":
    main()
