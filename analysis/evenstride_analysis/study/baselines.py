"""Does a baseline's band hold what it promises, and how large a change does it see? By simulation, through `judge`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from evenstride_analysis.baseline import LEVELS, PRIMARY, ChangeVerdict, Pace, Run, RunValue, judge, prior_of
from evenstride_analysis.model import FloatArray, Side
from evenstride_analysis.symmetry import SystematicError

CHANGES = (0.04, 0.08, 0.12)
_PODS = MappingProxyType({Side.LEFT: "a", Side.RIGHT: "b"})
_PACE = Pace(label="same")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRow:
    """Shares of simulated runners whose next run is called not changed (`kept`), by true change of the index."""

    runs: int
    world: str
    runners: int
    kept: float  # no change: the band's coverage
    seen: tuple[float, ...]  # share called "changed" at CHANGES


def between_sds(world: str, runners: int, system: SystematicError, rng: np.random.Generator) -> FloatArray:
    """(runners,) true SDs between runs. "as the prior says": drawn from it; "N times": every runner N times its SD."""
    prior = prior_of(PRIMARY, system)
    if world == "as the prior says":
        return prior.sd * np.sqrt(prior.degrees / rng.chisquare(prior.degrees, runners))
    return np.full(runners, float(world.removesuffix(" times")) * prior.sd)


def simulate_baselines(
    *,
    system: SystematicError,
    runs: Sequence[int] = (1, 2, 3, 4, 5, 6, 8, 10),
    worlds: Sequence[str] = ("as the prior says", "0.5 times", "1.5 times"),
    runners: int = 2000,
    seed: int = 0,
) -> list[BaselineRow]:
    """Each runner has `runs` earlier runs and one more, its mean index moved by each of CHANGES; normal values."""
    rows: list[BaselineRow] = []
    for world in worlds:
        for k in runs:
            rng = np.random.default_rng((seed, k, len(world)))
            sds = between_sds(world, runners, system, rng)
            own = rng.normal(0.0, 0.02, runners)
            values = own[:, np.newaxis] + sds[:, np.newaxis] * rng.normal(size=(runners, k + 1))
            changed = np.array(
                [[_changed(row[:-1], float(row[-1]) + change, system) for change in (0.0, *CHANGES)] for row in values]
            )
            shares = changed.mean(axis=0).tolist()
            rows.append(BaselineRow(runs=k, world=world, runners=runners, kept=1.0 - shares[0], seen=tuple(shares[1:])))
    return rows


def _changed(past: FloatArray, value: float, system: SystematicError) -> bool:
    others = [_run(str(n), float(x)) for n, x in enumerate(past)]
    return judge(_run("new", value), others, PRIMARY, system=system).verdict is ChangeVerdict.CHANGED


def _run(name: str, index: float) -> Run:
    return Run(run_id=name, values={PRIMARY: RunValue(value=index)}, pods=_PODS, method="m", pace=_PACE)


def baselines_markdown(rows: Sequence[BaselineRow], system: SystematicError) -> str:
    """The section of docs/accuracy.md."""
    level = LEVELS[PRIMARY]
    error = math.sqrt(level * (1.0 - level) / rows[0].runners)
    head = "| earlier runs | runners' SD between runs | called not changed, no change |"
    head += "".join(f" changed by {100 * change:.0f} % SI |" for change in CHANGES)
    lines = [head, "|---|---|---|" + "---|" * len(CHANGES)]
    for row in rows:
        seen = "".join(f" {100 * share:.0f} % |" for share in row.seen)
        lines.append(f"| {row.runs} | {row.world} | {100 * row.kept:.1f} % |{seen}")
    prior = prior_of(PRIMARY, system)
    return (
        f"{rows[0].runners} simulated runners a row, through the product's `judge`; the band promises "
        f"{100 * level:.0f} % (simulation error ±{196 * error:.1f} points).\n"
        f"Prior below 5 runs: SD {100 * prior.sd:.1f} % SI ({prior.source}).\n"
        "From 5 runs on the prior plays no part; below, a runner steadier or less steady than it says is shown too.\n\n"
        + "\n".join(lines)
        + "\n"
    )
