"""Where each step of a session was run, judged over all of them."""

import numpy as np

from evenstride_analysis.context.live import Placed
from evenstride_analysis.context.reading import Reading
from evenstride_analysis.model import Surface


def places_of(reading: Reading) -> list[Placed]:
    """The place of every step of `reading`, in its order; `lap` None where no track was recognised."""
    laps: list[int | None] = [None] * len(reading.steps)
    if reading.course is not None:
        course = reading.course
        at = np.interp([step.t_s for step in reading.steps], course.t_s, course.laps)
        laps = [int(lap + 1e-9) + 1 for lap in at.tolist()]  # as Course.number_at
    return [
        Placed(surface=step.surface, direction=level if step.surface is Surface.BEND else 0, lap=lap)
        for step, level, lap in zip(reading.steps, reading.levels, laps, strict=True)
    ]
