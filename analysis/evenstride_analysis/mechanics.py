"""What follows from stance, flight and mass: duty factor, vertical stiffness; and the sum of the steps' shocks.

Flight is the time from a foot's toe-off to the other foot's contact. Over both legs the mean flight is the mean step
time less the mean stance, so an error of the events takes from flight what it gives to stance, and a constant error
between the pods' clocks cancels: `flight_sd` is the stance's own error, and only one leg's flight needs the clocks.

Duty factor = tc / (2 (tc + tf)). Vertical stiffness: force is taken as half a sine over stance,
Fmax = m g (pi/2)(tf/tc + 1), dy = Fmax tc^2 / (m pi^2) - g tc^2 / 8, kvert = Fmax / dy.
Source: Morin, Dalleau, Kyrolainen, Jeannin & Belli 2005, doi 10.1123/jab.21.2.167.
Differences: (1) means over both legs of a session instead of single steps; (2) the errors are carried through.
The model reads 0.7-6.9 % below a force platform (the same source); that is not in the error given.
Not valid on slopes (Meyer 2023). Not validated: pods on real legs.

Cumulative impact is the sum of the steps' peaks. It counts shocks; it is no load of a bone: peaks at the shin and the
force in the tibia go together with r = 0.04 +- 0.14 (Zandbergen 2023).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evenstride_analysis.model import Doubt, Gait, Side, Step

MIN_FLIGHTS = 20
MASS_SD_KG = 1.5  # a bathroom scale, clothes and a day: where no error was entered


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A figure with its error (SD), both in the unit of its name."""

    value: float
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanics:
    """Of one session. What is withheld is None, and `withheld` says why; stiffness needs the mass."""

    stance_s: Value | None
    flight_s: Value | None
    duty_factor: Value | None
    stiffness_npm: Value | None
    n_steps: int
    withheld: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeImpact:
    """Sum of the peaks of one leg's running steps. `at_least`: some were clipped, so that more was there."""

    side: Side
    axial_mps2: float
    resultant_mps2: float
    n_steps: int
    n_unmeasured: int
    n_clipped: int

    @property
    def at_least(self) -> bool:
        return self.n_clipped + self.n_unmeasured > 0


def duty_factor(stance_s: float, flight_s: float) -> float:
    """Share of a stride for which one foot is on the ground."""
    return stance_s / (2.0 * (stance_s + flight_s))


def vertical_stiffness(stance_s: float, flight_s: float, mass_kg: float) -> float:
    """Morin's vertical stiffness, N/m. Raises ValueError for times that are not positive."""
    if not (stance_s > 0.0 and flight_s > 0.0 and mass_kg > 0.0):
        raise ValueError(f"stance {stance_s} s, flight {flight_s} s, mass {mass_kg} kg: all must be positive")
    rise = flight_s / stance_s + 1.0
    return mass_kg * math.pi / 2.0 * rise / (stance_s**2 * (rise / (2.0 * math.pi) - 0.125))


def mechanics(steps: Sequence[Step], *, mass_kg: float | None = None, mass_sd_kg: float = MASS_SD_KG) -> Mechanics:
    """Of the clean, alternating running steps whose flight is known, both legs with equal weight."""
    used = [s for s in steps if _is_whole(s)]
    flying = [s for s in used if s.flight_s is not None]
    per_leg = {side: [s for s in flying if s.side is side] for side in Side}
    fewest = min(len(own) for own in per_leg.values())
    if fewest < MIN_FLIGHTS:
        why = f"too few flights: {fewest} of one leg, {MIN_FLIGHTS} are needed"
        if min(sum(s.side is side for s in used) for side in Side) >= MIN_FLIGHTS:
            why = "flight withheld: the two pods' clocks are not known to agree within 10 ms"
        return Mechanics(
            stance_s=None, flight_s=None, duty_factor=None, stiffness_npm=None, n_steps=len(flying), withheld=why
        )
    stances = {side: np.array([s.stride.stance_s for s in own]) for side, own in per_leg.items()}
    flights = {side: np.array([s.flight_s for s in own], dtype=np.float64) for side, own in per_leg.items()}
    stance_s = 0.5 * math.fsum(float(x.mean()) for x in stances.values())
    flight_s = 0.5 * math.fsum(float(x.mean()) for x in flights.values())
    sampling = 0.5 * math.hypot(*(float(x.std(ddof=1)) / math.sqrt(len(x)) for x in flights.values()))
    # The legs' own errors are taken as one: those of one runner go together, and half of nothing would be claimed.
    system = 0.5 * math.fsum(_system_sd(own) for own in per_leg.values())
    sd = math.hypot(sampling, system)
    if flight_s <= 2.0 * sd:
        why = f"flight of {1e3 * flight_s:.0f} ms is not clear of its error of {1e3 * sd:.0f} ms"
        return Mechanics(
            stance_s=Value(value=stance_s, sd=sd),
            flight_s=Value(value=flight_s, sd=sd),
            duty_factor=None,
            stiffness_npm=None,
            n_steps=len(flying),
            withheld=why,
        )
    stiffness, why = None, "the runner's mass is not known"
    if mass_kg is not None:
        stiffness, why = stiffness_with_error(stance_s, flight_s, mass_kg, event_sd_s=sd, mass_sd_kg=mass_sd_kg), ""
    return Mechanics(
        stance_s=Value(value=stance_s, sd=sd),
        flight_s=Value(value=flight_s, sd=sd),
        duty_factor=Value(value=duty_factor(stance_s, flight_s), sd=sd / (2.0 * (stance_s + flight_s))),
        stiffness_npm=stiffness,
        n_steps=len(flying),
        withheld=why,
    )


def stiffness_with_error(
    stance_s: float, flight_s: float, mass_kg: float, *, event_sd_s: float, mass_sd_kg: float, other_sd_s: float = 0.0
) -> Value:
    """Stiffness with the errors of first order: events (stance longer, flight as much shorter) and mass; `other_sd_s`
    is an error of flight alone (the clocks, for one leg's flight).
    """
    value = vertical_stiffness(stance_s, flight_s, mass_kg)
    rise = flight_s / stance_s + 1.0
    dip = rise / (2.0 * math.pi) - 0.125
    by_rise = value * (1.0 / rise - 1.0 / (2.0 * math.pi * dip))
    by_flight = by_rise / stance_s
    by_stance = -2.0 * value / stance_s - by_rise * flight_s / stance_s**2
    parts = (
        (by_stance - by_flight) * event_sd_s,
        by_flight * other_sd_s,
        value * mass_sd_kg / mass_kg,
    )
    return Value(value=value, sd=math.hypot(*parts))


def cumulative_impact(steps: Sequence[Step], side: Side) -> CumulativeImpact:
    """Sum over all running steps of a leg, clipped ones included as far as the sensor went."""
    own = [s for s in steps if s.side is side and s.gait is Gait.RUN]
    measured = [s.stride for s in own if s.stride.impact_mps2 is not None]
    return CumulativeImpact(
        side=side,
        axial_mps2=math.fsum(stride.impact_axial_mps2 or 0.0 for stride in measured),
        resultant_mps2=math.fsum(stride.impact_mps2 or 0.0 for stride in measured),
        n_steps=len(own),
        n_unmeasured=len(own) - len(measured),
        n_clipped=sum(Doubt.CLIPPED in stride.doubt for stride in measured),
    )


def _is_whole(step: Step) -> bool:
    return step.gait is Gait.RUN and step.alternates and not step.stride.doubt & ~Doubt.CLIPPED


def _system_sd(own: Sequence[Step]) -> float:
    """What averaging does not take from a leg's stance; a method that does not know it gives its whole stride SD."""
    errors = [s.stride.stance_sd_s if s.stride.stance_system_sd_s is None else s.stride.stance_system_sd_s for s in own]
    return float(np.median(errors))
