"""A runner's own normal: is this run outside what earlier runs at the same pace, with pods put on anew, foretell?

Per measure, the values of k earlier runs give a prediction interval for the next one:
mean +- t(k - 1) s sqrt(1 + 1/k). It holds all that changes when the pods come off and on again: strap, skin, seat, the
part of the method's error that moves with them, and the runner's own days. From 5 runs on nothing else enters. With
fewer, s is drawn towards a stated prior (`Prior`) as a scaled inverse chi-square would: t has the prior's degrees more.

Values that grow with speed are judged as logarithms, brought to the pace of the run by the average runner's slope.
Stance symmetry is the one primary verdict, at 95 %; the five others are judged at 99 % (Bonferroni: together 5 %).

Source of the interval: Geisser 1993, Predictive Inference, doi 10.1201/9780203742310; of the smallest real change
1.96 sqrt(2) SEM: Weir 2005, doi 10.1519/15184.1. Differences: (1) t instead of 1.96, because s comes from few runs;
(2) the prior under 5 runs; (3) other pods or shoes widen the interval, another method refuses it.
Not validated: repeated runs with real pods (none are public); the priors' figures say where they come from.
"""

from evenstride_analysis.baseline.judging import BAND_MPS, judge, method_reason, pace_reason
from evenstride_analysis.baseline.nouns import (
    LEVELS,
    PRIMARY,
    Band,
    Change,
    ChangeVerdict,
    Pace,
    Prior,
    Run,
    RunMeasure,
    RunValue,
)
from evenstride_analysis.baseline.prediction import RUNS_ALONE, predict, prior_of, smallest_real_change
from evenstride_analysis.baseline.runs import run_of

__all__ = [
    "BAND_MPS",
    "LEVELS",
    "PRIMARY",
    "RUNS_ALONE",
    "Band",
    "Change",
    "ChangeVerdict",
    "Pace",
    "Prior",
    "Run",
    "RunMeasure",
    "RunValue",
    "judge",
    "method_reason",
    "pace_reason",
    "predict",
    "prior_of",
    "run_of",
    "smallest_real_change",
]
