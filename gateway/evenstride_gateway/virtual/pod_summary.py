"""The rolling summary that a virtual pod advertises (PROTOCOL.md section 3)."""

from collections.abc import Sequence
from statistics import fmean

from evenstride_analysis.model import Doubt, Gait
from evenstride_gateway.air import AdvertFlag, Advertisement, PodStatus, StrideRecord
from evenstride_gateway.air.uuids import TICK_HZ

_RUNNING_TICKS = 5 * TICK_HZ  # so long after its last running stride a pod still says that it runs


def summary_of(
    recent: Sequence[StrideRecord], *, strides: int, status: PodStatus, log_waiting: bool, bonded_only: bool
) -> Advertisement:
    """Means over the clean running strides among `recent`; RUNNING by when the last running one ended."""
    ran = [record.strike_tick + record.stride_ticks for record in recent if record.gait is Gait.RUN]
    clean = [record for record in recent if record.gait is Gait.RUN and record.doubt == Doubt(0)]
    impacts = [record.impact_axial_mps2 for record in clean if record.impact_axial_mps2 is not None]
    flags = AdvertFlag.RUNNING if ran and status.tick - max(ran) <= _RUNNING_TICKS else AdvertFlag(0)
    flags |= AdvertFlag.BATTERY_LOW if status.battery_fraction < 0.15 else AdvertFlag(0)
    flags |= AdvertFlag.LOG_WAITING if log_waiting else AdvertFlag(0)
    flags |= AdvertFlag.BONDED_ONLY if bonded_only else AdvertFlag(0)
    return Advertisement(
        flags=flags,
        strides=strides % 256,
        battery_fraction=status.battery_fraction,
        stance_s=fmean(record.toe_off_ticks for record in clean) / TICK_HZ if clean else None,
        impact_mps2=fmean(impacts) if impacts else None,
        strides_per_min=round(60 * TICK_HZ / fmean(record.stride_ticks for record in clean)) if clean else None,
    )
