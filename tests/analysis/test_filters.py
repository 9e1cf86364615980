import math

import numpy as np
import pytest

from evenstride_analysis.filters import half_length, low_pass, low_pass_kernel
from evenstride_analysis.model import FloatArray


def gain(kernel: FloatArray, frequency_hz: float, rate_hz: float) -> float:
    lags = np.arange(len(kernel)) - half_length(kernel)
    return float((kernel * np.cos(2.0 * np.pi * frequency_hz / rate_hz * lags)).sum())


@pytest.mark.parametrize("rate_hz", [150.0, 208.0, 416.0, 1000.0])
@pytest.mark.parametrize(("cutoff_hz", "order"), [(5.0, 2), (10.0, 2), (15.0, 2), (15.0, 1), (60.0, 2)])
def test_the_kernel_is_a_butterworth_run_both_ways(cutoff_hz: float, order: int, rate_hz: float) -> None:
    kernel = low_pass_kernel(cutoff_hz, rate_hz, order)
    if cutoff_hz >= 0.4 * rate_hz:
        assert kernel.tolist() == [1.0]
        return
    assert kernel.tolist() == kernel.tolist()[::-1]
    assert math.fsum(kernel.tolist()) == pytest.approx(1.0, abs=1e-12)
    for frequency_hz in (0.3 * cutoff_hz, cutoff_hz, 1.5 * cutoff_hz):
        warped = math.tan(math.pi * frequency_hz / rate_hz) / math.tan(math.pi * cutoff_hz / rate_hz)
        assert gain(kernel, frequency_hz, rate_hz) == pytest.approx(1.0 / (1.0 + warped ** (2 * order)), abs=0.02)


def test_an_output_has_the_same_bits_wherever_it_is_computed() -> None:
    signal = np.random.default_rng(5).normal(size=700)
    kernel = low_pass_kernel(5.0, 416.0)
    whole = low_pass(signal, kernel)
    for start in range(0, 300, 37):
        for n in (1, 2, 33):
            part = low_pass(signal[start : start + len(kernel) - 1 + n].copy(), kernel)
            assert part.tobytes() == whole[start : start + n].tobytes()


def test_too_short_a_signal_and_a_wrong_cutoff_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter than the kernel"):
        low_pass(np.zeros(10), low_pass_kernel(5.0, 416.0))
    with pytest.raises(ValueError, match="positive"):
        low_pass_kernel(0.0, 416.0)
    with pytest.raises(ValueError, match="order 3"):
        low_pass_kernel(5.0, 416.0, 3)
