"""Once a second: what the parts know of themselves, for the page and for health."""

from collections.abc import Sequence

from evenstride_analysis.model import LossCause
from evenstride_analysis.placement.drift import drift_words
from evenstride_gateway.air import PodFlag
from evenstride_gateway.health import Health, PodHealth
from evenstride_gateway.intake import Intake
from evenstride_gateway.ledger import LedgerCounts
from evenstride_gateway.link.ble import BleSource
from evenstride_gateway.link.source import Source
from evenstride_gateway.recorder import Recorder
from evenstride_gateway.web.view import LiveView, PodReading
from evenstride_gateway.writing import StoreQueue


class Status:
    """Collects states and counters; computes nothing."""

    def __init__(
        self,
        *,
        source: Source,
        queue: StoreQueue,
        recorder: Recorder,
        intake: Intake,
        view: LiveView,
        health: Health,
    ) -> None:
        self._source, self._queue, self._recorder, self._intake = source, queue, recorder, intake
        self._view = view
        self.health = health
        self._known: set[str] = set()
        self._told: set[str] = set()
        if isinstance(source, BleSource):
            health.watch(source.inbox)

    def refresh(self, now_s: float) -> None:
        """Bring page and health up to date."""
        self.health.update_links(self._source.pods, now_s)
        for pod_id in self._known - set(self._source.pods):
            self._view.on_pod_gone(pod_id)
        self._known = set(self._source.pods)
        for pod_id in self._source.pods:
            pipeline = self._recorder.pipelines.get(pod_id)
            counts = [ledger.snapshot() for ledger in pipeline.ledgers.values()] if pipeline is not None else []
            reading = self._reading(pod_id, counts)
            self._view.on_pod(reading)
            self._fill(self.health.pod(pod_id), reading, counts)
        self.health.recording = self._recorder.recording is not None
        self.health.store.last_commit_s = self._queue.last_commit_s
        self.health.store.trouble = "" if self._queue.trouble is None else self._queue.trouble.text
        self.health.store.refusals, self.health.store.last_refusal = self._queue.refusals, self._queue.last_refusal
        self.health.store.strides = self._recorder.complete
        self.health.review(now_s, adapters=self._source.problems)
        self._tell_coach()

    def _tell_coach(self) -> None:
        """What is wrong beyond the pods, which speak for themselves on the page, stands there too."""
        texts = {key: warning.text for key, warning in self.health.warnings.items() if not key.startswith("pod ")}
        if self.health.store.cut_at_start:
            texts["cut at start"] = f"The last run was cut off: {self.health.store.cut_at_start}."
        for pod_id, pipeline in self._recorder.pipelines.items():
            side = self._recorder.sides.get(pod_id)
            if side is not None and (drift := drift_words(side.value, pipeline.drift)):
                texts[f"drift of {pod_id}"] = drift
        for key in self._told - texts.keys():
            self._view.on_warning(key, "")
        for key, text in texts.items():
            self._view.on_warning(key, text)
        self._told = set(texts)

    def _fill(self, row: PodHealth, reading: PodReading, counts: Sequence[LedgerCounts]) -> None:
        row.side = "" if reading.side is None else reading.side.value
        row.backfilled = reading.backfilled
        row.clock_bound_s = reading.clock_bound_s
        row.clock_skew_ppm = self._skew_ppm(reading.pod_id)
        arrivals = self._intake.pods.get(reading.pod_id)
        if arrivals is not None:
            row.frames, row.unknown = arrivals.frames, arrivals.unknown
            row.malformed, row.last_error = arrivals.malformed + arrivals.unreadable, arrivals.last_error
            if arrivals.status is not None:
                row.pod_dropped = arrivals.status.dropped
                row.battery_fraction = arrivals.status.battery_fraction
                row.charging = PodFlag.CHARGING in arrivals.status.flags
        if counts:
            row.duplicates = sum(c.duplicates for c in counts)
            row.reordered = sum(c.reordered for c in counts)
            row.missing = {
                LossCause.POD.value: sum(c.missing_pod for c in counts),
                LossCause.HOST.value: sum(c.missing_host for c in counts),
            }

    def _skew_ppm(self, pod_id: str) -> float | None:
        pipeline = self._recorder.pipelines.get(pod_id)
        boot_id = None if pipeline is None else pipeline.live_boot
        fit = None if boot_id is None else self._intake.fit_of(pod_id, boot_id)
        return None if fit is None or fit.version == 0 else fit.skew_ppm

    def _reading(self, pod_id: str, counts: Sequence[LedgerCounts]) -> PodReading:
        link = self._source.pods[pod_id]
        arrivals = self._intake.pods.get(pod_id)
        status = None if arrivals is None else arrivals.status
        pipeline = self._recorder.pipelines.get(pod_id)
        boot_id = None if pipeline is None else pipeline.live_boot
        fit = None if boot_id is None else self._intake.fit_of(pod_id, boot_id)
        return PodReading(
            pod_id=pod_id,
            state=link.state,
            side=self._recorder.sides.get(pod_id),
            rssi_dbm=link.rssi_dbm,
            battery_percent=None if status is None else 100 * status.battery_fraction,
            last_arrival_s=link.last_arrival_s,
            received=sum(c.received for c in counts),
            missing=sum(c.missing_pod + c.missing_host for c in counts),
            backfilled=sum(c.backfilled for c in counts),
            clock_bound_s=None if fit is None or fit.version == 0 else fit.bound_s,  # 0: a guess by arrival
            refused=link.refused,
        )
