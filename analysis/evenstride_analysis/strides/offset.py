"""An estimator whose events are corrected by the offsets of a hardware."""

from dataclasses import replace

from evenstride_analysis.calibration import HardwareOffset
from evenstride_analysis.model import Gait
from evenstride_analysis.strides.estimator import Estimator, Events, StrideWindow


class OffsetEstimator:
    """Another estimator's events less what a reference session found; named `METHOD+hw:NAME.VERSION`.

    Running only: walking has no reference. A stance that the offset would turn round stays as it was, doubted by the
    inner estimator's own limits.
    """

    def __init__(self, inner: Estimator, offset: HardwareOffset) -> None:
        self._inner, self._offset = inner, offset
        self.before_s, self.after_s = inner.before_s, inner.after_s
        self.method = offset.method_of(inner.method)

    def events(self, window: StrideWindow) -> Events | None:
        """The events of this stride, or None where there is no stride."""
        found = self._inner.events(window)
        if found is None or found.gait is not Gait.RUN:
            return found
        contact = self._offset.ic_offset_s * window.true_rate_hz
        toe_off = self._offset.tc_offset_s * window.true_rate_hz
        corrected = replace(
            found,
            contact=found.contact - contact,
            toe_off=found.toe_off - toe_off,
            next_contact=found.next_contact - contact,
        )
        return corrected if corrected.contact < corrected.toe_off < corrected.next_contact else found
