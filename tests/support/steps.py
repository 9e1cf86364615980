"""Made-up strides and steps: only what pairing and symmetry look at."""

from collections.abc import Sequence

from evenstride_analysis.model import Doubt, Gait, Side, Step, Stride, Surface


def made_stride(
    strike_s: float,
    *,
    stance_s: float = 0.25,
    stride_s: float = 0.7,
    gait: Gait = Gait.RUN,
    doubt: Doubt = Doubt(0),  # noqa: B008  a flag without bits is a constant
    impact_mps2: float | None = 100.0,
    method: str = "rules-1",
) -> Stride:
    return Stride(
        pod_id="pod",
        boot_id=1,
        strike_index=round(strike_s * 416),
        end_index=round((strike_s + stride_s) * 416),
        strike_s=strike_s,
        toe_off_s=strike_s + stance_s,
        end_s=strike_s + stride_s,
        stance_sd_s=0.0116,
        impact_axial_mps2=None if impact_mps2 is None else 0.7 * impact_mps2,
        impact_mps2=impact_mps2,
        loading_mps3=None,
        swing_peak_radps=9.0,
        heading_rad=0.0,
        gait=gait,
        method=method,
        doubt=doubt,
    )


def made_step(side: Side, stride: Stride, *, alternates: bool = True, flight_s: float | None = 0.1) -> Step:
    return Step(
        stride=stride,
        t_s=stride.strike_s,
        side=side,
        gait=stride.gait,
        surface=Surface.UNKNOWN,
        flight_s=flight_s,
        alternates=alternates,
    )


def made_run(lefts_s: Sequence[float], rights_s: Sequence[float], *, stride_s: float = 0.7) -> list[Step]:
    """Alternating steps with these stance times, left first."""
    steps: list[Step] = []
    for k, (left_s, right_s) in enumerate(zip(lefts_s, rights_s, strict=True)):
        steps.append(made_step(Side.LEFT, made_stride(k * stride_s, stance_s=left_s, stride_s=stride_s)))
        steps.append(made_step(Side.RIGHT, made_stride((k + 0.5) * stride_s, stance_s=right_s, stride_s=stride_s)))
    return steps
