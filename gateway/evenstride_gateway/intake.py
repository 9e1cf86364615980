"""Everything that arrives, in order: decoded, counted, and handed to whom it concerns."""

from collections.abc import Callable
from dataclasses import dataclass, field

from evenstride_analysis.model import ClockFit
from evenstride_gateway.air import BackfillDone, CommandReply, PodStatus, RawFrame, StrideRecords, TimePong
from evenstride_gateway.backfill import Backfiller
from evenstride_gateway.clock import ClockEstimator, PingBook
from evenstride_gateway.decode import Message, decode, decode_info
from evenstride_gateway.errors import InputError, ProtocolError
from evenstride_gateway.link.source import Chunk, LinkChange, LinkState
from evenstride_gateway.recorder import Recorder

ARRIVAL_BOUND_S = 1.0  # a frame may have waited in the pod's queue
UNHEARD_BOUND_S = 600.0  # for a boot that nobody heard: somewhere between its neighbours


@dataclass(slots=True)
class PodArrivals:
    """What arrived from one pod and what it said of itself. Counters run since the gateway started."""

    frames: int = 0
    malformed: int = 0
    unreadable: int = 0  # frames before the pod said what it is, or of another shape than it said
    unknown: int = 0  # messages of a newer minor version
    records: int = 0
    last_error: str = ""
    streaming_since_s: float | None = None
    turned_away: LinkChange | None = None  # its link is up, but the running session has no place for it
    status: PodStatus | None = None
    pings: PingBook = field(default_factory=PingBook)
    rejected_pongs: int = 0


class Intake:
    """Decodes and dispatches. One pod's broken message never stops another's."""

    def __init__(self, *, recorder: Recorder, backfiller: Backfiller, on_event: Callable[[str], None]) -> None:
        self.pods: dict[str, PodArrivals] = {}
        self.clocks: dict[str, ClockEstimator] = {}
        self.fits: dict[tuple[str, int], ClockFit] = {}  # the latest of every boot
        self._tick_hz: dict[str, float] = {}
        self._boot: dict[str, int] = {}  # of the present link
        self._first: dict[tuple[str, int], tuple[int, int]] = {}  # of every boot that was heard: an index and its tick
        self._recorder, self._backfiller, self._on_event = recorder, backfiller, on_event

    def fit_of(self, pod_id: str, boot_id: int) -> ClockFit | None:
        """The latest fit of that boot, in host monotonic seconds; None before its first frame or answered ping."""
        return self.fits.get((pod_id, boot_id))

    def is_streaming(self, pod_id: str) -> bool:
        pod = self.pods.get(pod_id)
        return pod is not None and pod.streaming_since_s is not None

    async def try_again(self) -> None:
        """Legs changed, or a session ended: there may be a place now for pods that were turned away."""
        for pod in list(self.pods.values()):
            if pod.turned_away is not None:
                await self._on_link(pod, pod.turned_away)

    async def take(self, item: Chunk | LinkChange) -> None:
        """One arrival."""
        pod = self.pods.setdefault(item.pod_id, PodArrivals())
        if isinstance(item, LinkChange):
            await self._on_link(pod, item)
            return
        try:
            message = decode(item.data)
        except ProtocolError as error:
            pod.malformed += 1
            pod.last_error = str(error)
            return
        await self._dispatch(pod, item, message)

    async def _on_link(self, pod: PodArrivals, change: LinkChange) -> None:
        pod.turned_away = None
        if change.state is not LinkState.STREAMING:
            if pod.streaming_since_s is not None:
                self._on_event(f"pod {change.pod_id} lost: {change.reason or change.state}")
                self._backfiller.on_lost(change.pod_id)
            pod.streaming_since_s = None
            return
        try:
            info, said = decode_info(change.info)
            await self._recorder.on_pod(info)
        except (ProtocolError, InputError) as error:
            pod.malformed += 1
            pod.last_error = str(error)
            pod.turned_away = change
            self._on_event(f"pod {change.pod_id} cannot be used: {error}")
            return
        self._tick_hz[info.pod_id] = info.tick_hz
        self._boot[info.pod_id] = said.boot_id
        pod.streaming_since_s = change.arrival_s
        self._on_event(f"pod {change.pod_id} streams")

    async def _dispatch(self, pod: PodArrivals, chunk: Chunk, message: Message) -> None:
        match message:
            case RawFrame():
                pod.frames += 1
                if not message.backfill and message.boot_id != self._boot.get(chunk.pod_id, message.boot_id):
                    pod.unreadable += 1  # one such frame would make every true one look old
                    pod.last_error = f"pod {chunk.pod_id}: a live frame of boot {message.boot_id}, which is not running"
                    return
                self._fit_by_arrival(chunk, message)
                try:
                    await self._recorder.on_frame(chunk.pod_id, message)
                except InputError as error:
                    pod.unreadable += 1
                    pod.last_error = str(error)
            case TimePong():
                self._on_pong(pod, chunk, message)
            case PodStatus():
                pod.status = message
            case BackfillDone():
                self._backfiller.on_done(chunk.pod_id, message)
            case StrideRecords():
                pod.records += len(message.records)
                try:
                    await self._recorder.on_records(chunk.pod_id, message, arrival_s=chunk.arrival_s)
                except InputError as error:
                    pod.unreadable += 1
                    pod.last_error = str(error)
            case CommandReply():
                pass  # the link has already given it to whoever asked
            case _:
                pod.unknown += 1

    def _on_pong(self, pod: PodArrivals, chunk: Chunk, pong: TimePong) -> None:
        sent_s = pod.pings.taken(pong.ping_id)
        tick_hz = self._tick_hz.get(chunk.pod_id)
        if sent_s is None or tick_hz is None:
            pod.rejected_pongs += 1
            return
        clock = self.clocks.setdefault(chunk.pod_id, ClockEstimator(chunk.pod_id))
        clock.add_pong(
            boot_id=pong.boot_id,
            sent_s=sent_s,
            tick_s=pong.tick / tick_hz,
            arrival_s=chunk.arrival_s,
            interval_s=pong.interval_s,
        )
        fit = clock.fit()
        if fit is not None:
            self.fits[chunk.pod_id, fit.boot_id] = fit

    def _fit_by_arrival(self, chunk: Chunk, frame: RawFrame) -> None:
        """Until the first pong of a boot: a live frame cannot have been taken after it arrived. Flight is withheld."""
        key = (chunk.pod_id, frame.boot_id)
        tick_hz = self._tick_hz.get(chunk.pod_id)
        if tick_hz is None or key in self.fits:
            return
        if frame.backfill:
            self._fit_by_next_boot(chunk, frame, tick_hz)
            return
        self._first[key] = frame.first_index, frame.tick
        self.fits[key] = ClockFit(
            pod_id=chunk.pod_id,
            boot_id=frame.boot_id,
            offset_s=chunk.arrival_s - frame.tick / tick_hz,
            skew_ppm=0.0,
            bound_s=ARRIVAL_BOUND_S,
            version=0,
        )

    def _fit_by_next_boot(self, chunk: Chunk, frame: RawFrame, tick_hz: float) -> None:
        """A boot that was never heard ended before the next one began, or before now; how long, nobody knows."""
        pod_id, boot_id = chunk.pod_id, frame.boot_id
        pipeline = self._recorder.pipelines.get(pod_id)
        if pipeline is None or boot_id not in pipeline.ledgers:
            return
        rate_hz = pipeline.info.rate_hz
        over_s = chunk.arrival_s
        later = min((boot for pod, boot in self._first if pod == pod_id and boot > boot_id), default=None)
        if later is not None:
            index, tick = self._first[pod_id, later]
            over_s = self.fits[pod_id, later].session_s(tick / tick_hz) - index / rate_hz
        end_s = frame.tick / tick_hz + (pipeline.ledgers[boot_id].end_index - frame.first_index) / rate_hz
        self.fits[pod_id, boot_id] = ClockFit(
            pod_id=pod_id,
            boot_id=boot_id,
            offset_s=over_s - end_s,
            skew_ppm=0.0,
            bound_s=UNHEARD_BOUND_S,
            version=0,
        )
