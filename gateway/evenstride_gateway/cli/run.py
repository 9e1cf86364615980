"""`evenstride run`: the gateway with real pods."""

import asyncio
from pathlib import Path

from evenstride_analysis.model import Side
from evenstride_gateway.cli.common import data_dir, err, open_page, out, print_json, software_version
from evenstride_gateway.config import Config, load_config


def run(
    *, runner: str | None, port: int | None, adapters: list[str] | None, browser: bool, data: Path | None, as_json: bool
) -> None:
    """The gateway until somebody interrupts it."""
    folder = data_dir(data)
    config = load_config(folder, page={"port": port}, radio={"adapters": adapters or None})
    asyncio.run(_run(folder, config, runner, browser=browser, as_json=as_json))


async def _run(folder: Path, config: Config, runner: str | None, *, browser: bool, as_json: bool) -> None:
    from evenstride_gateway.hosting import hosted, open_store, until_interrupted
    from evenstride_gateway.link.backend import LinkConfig
    from evenstride_gateway.link.ble import BleSource

    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        err.print(f"evenstride: {sentence}")

    link = LinkConfig(
        slots_per_adapter=config.radio.pods_per_adapter,
        use_acquire_notify=config.radio.use_acquire_notify,
        pair=config.radio.pair,
    )
    async with until_interrupted() as stop, open_store(folder, config, tell) as store:
        sides = {placement.pod_id: placement.side for placement in store.placements()}
        wanted = set(sides) if set(sides.values()) == set(Side) else None  # both legs known: no stranger's pod
        async with (
            BleSource(adapters=config.radio.adapters, wanted=wanted, config=link) as source,
            hosted(
                store=store,
                source=source,
                config=config,
                sides=sides,
                version=software_version(),
                cut_at_start="; ".join(told),
            ) as host,
        ):
            if wanted is not None:
                host.gateway.legs.welcome = wanted.add
            if as_json:
                print_json({"page": host.url, "coach": host.coach_url})
            else:
                out.print(f"live page: {host.coach_url}")
                out.print("Ctrl-C stops and stores.")
            if browser:
                open_page(host.coach_url)
            if runner is not None:
                await host.gateway.sessions.start_when_streaming(runner, pods=1, stop=stop)
            await stop.wait()
