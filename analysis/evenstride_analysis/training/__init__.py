"""Training of the learned estimator: legs with a force reference in, a versioned table out (needs scikit-learn, scipy).

`errors_left_out` is the expensive part of `train` (about 40 trainings); a study that trains on many parts of the same
legs computes it once and hands it to every `train`, which then uses the runners that it may know and no others.
"""

from evenstride_analysis.training.left_out import LeftOut
from evenstride_analysis.training.left_out import left_out as errors_left_out
from evenstride_analysis.training.legs import Leg
from evenstride_analysis.training.train import train

__all__ = ["LeftOut", "Leg", "errors_left_out", "train"]
