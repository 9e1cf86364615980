"""A pod's records -> runs: cut where nobody ran for five minutes (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from evenstride_analysis.alternation import Strikes
from evenstride_analysis.model import Doubt, Gait, LossCause, Stride
from evenstride_gateway.air.records import pod_method
from evenstride_gateway.air.uuids import TICK_HZ
from evenstride_gateway.ledger import Loss
from evenstride_gateway.store import KeptRecord

PAUSE_S = 300.0  # no running for so long ends a session (design, section 2)
WALK_S = 60.0  # walking so near to a run belongs to it
LEAST_STRIDES = 10  # running strides of a leg: less is no run
_LONGEST_S = 10.0  # no stride lasts so long: such a record is damaged

Settled = Mapping[tuple[str, int], Sequence[tuple[int, int]]]  # (pod, boot) -> half-open ranges of numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRun:
    """What one pod recorded of one run, in order of strike."""

    records: tuple[KeptRecord, ...]

    @property
    def pod_id(self) -> str:
        return self.records[0].pod_id

    @property
    def boot_id(self) -> int:
        return self.records[0].boot_id

    @property
    def start_s(self) -> float:
        """First strike, pod seconds."""
        return strike_s(self.records[0])

    @property
    def end_s(self) -> float:
        last = self.records[-1]
        return strike_s(last) + last.record.stride_ticks / TICK_HZ

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2.0

    @property
    def indices(self) -> tuple[int, int]:
        """The half-open range of samples that its strides span."""
        return self.records[0].record.strike_index, self.records[-1].record.end_index

    @property
    def running_s(self) -> float:
        """From the first running stride to the last."""
        running = [strike_s(r) for r in self.records if r.record.gait is Gait.RUN]
        return running[-1] - running[0]

    def strikes(self) -> Strikes:
        """Its running strides, those that the pod found in axes of its own where there are enough."""
        running = [r for r in self.records if r.record.gait is Gait.RUN]
        aligned = [r for r in running if r.rotation_version]
        chosen = aligned if 2 * len(aligned) >= len(running) else running
        return Strikes(
            strike_s=np.array([strike_s(r) for r in chosen]),
            stride_s=np.array([r.record.stride_ticks / TICK_HZ for r in chosen]),
        )

    def strides(self) -> list[Stride]:
        return [stride_of(record) for record in self.records]

    def losses(self) -> list[Loss]:
        """Where record numbers jump: the samples between the strides on either side."""
        found: list[Loss] = []
        for a, b in zip(self.records, self.records[1:], strict=False):
            missing = b.record.strike_index - a.record.end_index
            if b.number > a.number + 1 and missing > 0:
                found.append(
                    Loss(
                        pod_id=self.pod_id,
                        boot_id=self.boot_id,
                        first_index=a.record.end_index,
                        missing=missing,
                        cause=LossCause.POD,
                    )
                )
        return found

    @property
    def lost(self) -> int:
        """Records whose numbers are missing between the first and the last."""
        return self.records[-1].number - self.records[0].number + 1 - len(self.records)


def strike_s(record: KeptRecord) -> float:
    """Initial contact, pod seconds."""
    return record.record.strike_tick / TICK_HZ


def stride_of(record: KeptRecord) -> Stride:
    """The stride of a record that no raw samples follow: it is final, so that the pod found it is no doubt.

    Before the pod knew its axes (rotation 0) only times and the resultant mean anything: the stride stays doubted, and
    what belongs to an axis is not measurable.
    """
    method = pod_method(record.rules, record.coefficients_version)
    stride = record.record.stride(pod_id=record.pod_id, boot_id=record.boot_id, method=method)
    if record.rotation_version:
        return replace(stride, doubt=stride.doubt & ~Doubt.ON_POD)
    return replace(stride, impact_axial_mps2=None, loading_mps3=None, heading_rad=None)


def is_possible(record: KeptRecord) -> bool:
    """Whether a record can be of a stride at all; damaged ones are kept and never used."""
    said = record.record
    return (
        0 < said.toe_off_ticks < said.stride_ticks < _LONGEST_S * TICK_HZ
        and said.strike_index < said.end_index
        and said.strike_tick < 1 << 62
    )


def runs_of(records: Iterable[KeptRecord], settled: Settled | None = None) -> list[PodRun]:
    """The runs in the records of any pods and boots; walking that is near none of them belongs to none.

    `settled`: the records that stand in sessions. No run goes over one: what a gateway recorded in the middle of a run
    parts it.
    """
    usable = sorted((r for r in records if is_possible(r)), key=lambda r: (r.pod_id, r.boot_id, r.record.strike_tick))
    found: list[PodRun] = []
    for _, group in groupby(usable, key=lambda r: (r.pod_id, r.boot_id)):
        for stretch in _stretches(_rising(list(group)), settled or {}):
            found += _runs_of_boot(stretch)
    return found


def _stretches(records: Sequence[KeptRecord], settled: Settled) -> list[list[KeptRecord]]:
    """The records of one boot, parted where settled ones lie between."""
    found: list[list[KeptRecord]] = []
    for record in records:
        between = (found[-1][-1].number, record.number) if found else (0, 0)
        taken = settled.get((record.pod_id, record.boot_id), ())
        if not found or any(between[0] < end and start < between[1] for start, end in taken):
            found.append([])
        found[-1].append(record)
    return found


def _rising(records: Sequence[KeptRecord]) -> list[KeptRecord]:
    """Without records of the same instant."""
    return [r for k, r in enumerate(records) if k == 0 or r.record.strike_tick > records[k - 1].record.strike_tick]


def _runs_of_boot(records: Sequence[KeptRecord]) -> list[PodRun]:
    spans: list[list[float]] = []
    counts: list[int] = []
    for record in records:
        if record.record.gait is not Gait.RUN:
            continue
        start_s = strike_s(record)
        if not spans or start_s - spans[-1][1] > PAUSE_S:
            spans.append([start_s, start_s])
            counts.append(0)
        spans[-1][1] = start_s + record.record.stride_ticks / TICK_HZ
        counts[-1] += 1
    found: list[PodRun] = []
    for (start_s, end_s), count in zip(spans, counts, strict=True):
        mine = tuple(r for r in records if start_s - WALK_S <= strike_s(r) <= end_s + WALK_S)
        if count >= LEAST_STRIDES:
            found.append(PodRun(records=mine))
    return found
