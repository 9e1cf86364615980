"""How fast a runner goes, from the legs alone: a rough absolute speed, and a fine sense of when it changes.

Contact grows shorter and the shank swings faster as a runner speeds up. Over runners these two tell the speed only
roughly (they differ in style); within one run they follow every change. The line below was fitted to the run medians of
18 RBDS runners on a treadmill at 2.5, 3.5 and 4.5 m/s (Fukuchi, Fukuchi & Duarte 2017, CC BY 4.0, doi
10.7717/peerj.3298) by `tools/derive_speed.py`, which prints its error on runners left out.
Not validated: outside 2.5 to 4.5 m/s, slopes, soft ground, walking.
"""

import math

import numpy as np

from evenstride_analysis.model import FloatArray

# v = OFFSET + STANCE ln(stance / 1 s) + SWING ln(swing peak / 1 rad/s), as printed by tools/derive_speed.py
OFFSET_MPS, STANCE_MPS, SWING_MPS = -5.295, -3.385, 1.594
ERROR_SD_MPS = 0.41  # out-of-fold by runner, 53 runs; the worst was 1.02
TRAINED_MPS = (2.5, 4.5)
SOURCE = f"estimated from stance and swing, error SD {ERROR_SD_MPS:.2f} m/s on runners left out (RBDS)"
WALK_MPS = 1.3
_RANGE_MPS = (1.8, 6.5)


def estimate(stance_s: FloatArray, swing_peak_radps: FloatArray) -> FloatArray:
    """Running speed (n,) in m/s, kept within 1.8 to 6.5; error SD `ERROR_SD_MPS`, nearly all of it one per runner."""
    stance, swing = np.maximum(stance_s, 0.05), np.maximum(swing_peak_radps, 1.0)
    return np.clip(OFFSET_MPS + STANCE_MPS * np.log(stance) + SWING_MPS * np.log(swing), *_RANGE_MPS)


def error_sd_mps(speed_mps: float) -> float:
    """Error SD of an estimate, m/s; it grows with the distance from the trained range."""
    low, high = TRAINED_MPS
    return math.hypot(ERROR_SD_MPS, max(low - speed_mps, speed_mps - high, 0.0))
