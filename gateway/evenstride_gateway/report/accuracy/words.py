"""What docs/accuracy.md says besides its numbers."""

from evenstride_analysis.study.folds import ALIKE_5, ALIKE_8, ANY_6, RUNNER, SPEED, STYLE

HEAD = """\
Made by `evenstride accuracy --out docs/accuracy.md`; not edited by hand, and stated nowhere else.

**These are no claims about real pods.** The signals are virtual sensors computed from motion capture on a treadmill:
faithful in time, without straps, skin and sensor error. Real pods will be worse; what has not been validated stands at
the end."""

HOW = """\
- Runners: RBDS, 18 treadmill runners at 2.5, 3.5 and 4.5 m/s (Fukuchi, Fukuchi & Duarte 2017, PeerJ 5:e3298, CC BY
  4.0). Reference: vertical force through 50 N, 50 Hz low-pass. Another threshold moves the truth: 20 N +13 ms,
  100 N -13 ms.
- Counted: contact after 1 s and toe-off before 29 s; each reference stance against the nearest found contact within
  250 ms. Doubted strides are included everywhere; nothing is hidden by a flag.
- Every stride went through the product's own detector. Each fold is trained anew on its own runners; no figure comes
  from a runner who was trained on. `rules-1` takes its two constants from the same training runners.
- The limits behind a doubt and the weights of the loose-pod test are the shipped ones, made on these same runners. They
  move the column "doubted" and nothing else, for doubted strides are never left out.
- Limits of agreement are of single stances. SI is the symmetry index of a run, SI error SD the SD of found minus true
  over runs. ICC(2,1) is of the mean stance of a leg in a run. The interval beside the RMSE is a bootstrap over runners.
- Style axes (duty factor, stride time, foot strike, and what the signals look like around contact and toe-off) use the
  reference, and only to choose who is left out."""

UNCERTAIN = """\
Each stride states an SD, and the part of it that its leg keeps for a whole run. A 68 % interval should hold the truth
in 68 of 100 cases: less is too bold, more too shy. A stride with an SD above 7 ms is doubted; a leg with an SD above
6 ms gets no absolute verdict. The formula behind the SD is fitted to errors in these kinds of folds (not to those of
the held-out speed), never to errors of the tested runner; the networks that made those errors may have known that
runner. With few runners to train on the figures depend on who they are: the folds of training itself, cut a little
otherwise, hold 56 % (strides) and 54 % (legs) where it knew five alike
([decision 9](decisions/0009-learned-estimator.md))."""

CURVE = """\
Random groups of runners to train on, tested on six of the others; the last row is the fold "runner left out". More
runners help while they bring new styles."""

ROBUST = """\
The recordings of the tested runner are distorted, training never sees the distortion and never the runner. `rules-1`
stands beside it with the constants of undistorted recordings. A speed that was not trained on is mostly one beyond the
others: two speeds have to answer for a third."""

ELSEWHERE = """\
By the product's own table and by `rules-1`. Mean errors found minus reference. JDX: one runner, virtual sensors at
240 Hz, instrumented treadmill (johnjdavisiv/demo-force-processing, MIT). BioMAC: the mean stride of real shank sensors
against a force plate, repeated into a train of equal strides (Dorschky et al. 2019, J Biomech 95:109278, Apache-2.0);
a mean stride smears the impact. Contact and toe-off offsets belong to hardware, filter and synchronisation: they do not
carry over, which is why each hardware version needs a reference session. The loose-pod test doubts every BioMAC stride,
the only real running strides there are: whether the mean stride or real skin does that is not known.
Walking: real shank sensors, 3.0 to 4.4 km/h (Trautmann et al. 2021, Data 6:95, MIT)."""

SIMULATED = """\
Simulated runs of 90 s at 3 m/s with known truth, in the styles of 16 of the runners.

- *System error off*: the signals hold each event where truth says. A method still errs on a style as it errs on that
  runner's mean stride. `learned-1` was trained on these very runners: the row shows that simulator and method speak of
  the same events, and is no accuracy. `rules-1` errs by up to 27 ms a leg on the same signals.
- *System error on*: each leg's events are moved by what the learned method erred on one leg of a real trial, its runner
  left out, both legs of one trial together. The method's own error on the style comes on top.

([Decision 17](decisions/0017-truth-of-the-virtual-runner.md).)"""

PLANTED = """\
Simulated runners whose true symmetry index is known, judged by the product's own verdict.

- *Strides drawn*: scatter, memory and shared part of the strides as RBDS shows them, 25 to 400 pairs. *Legs unequally
  sure*: each leg's error has a size of its own, and its strides say so.
- *Through the detector*: 50 s runs with the noise of a pod, through detector, pairing and verdict.
- *Not measurable*: a leg so unsure of itself that no verdict is given; coverage is of the others.

The 95 % total interval should hold the planted value in 93 to 97 of 100 runners, an even runner be called `real` in at
most 1.5 of 100. This proves the arithmetic of the verdict; how large the errors are is shown above for the estimator,
and by nothing yet for strap, skin and placement."""

BEYOND = """\
What joint knowledge of both legs, of the whole run or of the speed would gain, scored on the same left-out runners and
styles; shares, lines and levels are fitted to the errors of all other runners. A step would be taken up if it helped
for runners and for styles and cost nothing live. None is: drawing strides towards their mean needs the whole run, and
the mean, which verdicts rest on, stays as it is; drawing the legs together is right for these mostly even runners and
would read an uneven one as less uneven than found."""

NOT_VALIDATED = """\
- **Real shank hardware against force plates: nothing.** No public set holds raw running of a shank 6-axis sensor
  together with force. Straps, skin, mounting by hand and real sensor error come on top of every figure above.
- Running overground, on bends, slopes, soft ground, in spikes or barefoot; above 4.5 m/s and below 2.5 m/s.
- Runners who are injured, elite or very young; all 18 are of one laboratory and one treadmill.
- Contact and toe-off offsets of any real hardware; until a reference session, stance of pods may be off by tens of
  milliseconds in the same direction on both legs.
- The loose-pod test on tight straps of real runners.
- Walking stance (walking is only told from running), impact size (see `docs/units-and-frames.md`), and bone load, which
  no figure here says anything about.
- That a difference between the legs means anything for health."""

VARIANTS = """\
{n} variants of the estimator were scored on these same folds while it was made
([decision 9](decisions/0009-learned-estimator.md) names each), after about 235 in the study that came before it.
Networks and uncertainty never see the tested runner, but the choice among variants has seen every fold: expect runners
from outside to be somewhat worse."""

_SLOW = (
    "at the slowest speed only; over all speeds together it is met. That speed is the hardest in every kind of fold,"
    " and some run unlike all others there (RBDS002, see below). More slow runners in training would move it."
)

WHY = {
    "stance RMSE at": _SLOW,
    "stance MAE at": _SLOW,
    "68 % intervals": "too bold in {bold}. The four checks behind the SD ask whether the networks agree with"
    " themselves; they do not see that a whole style is new. A larger SD for all would pass 76 % in the other folds"
    " ([decision 9](decisions/0009-learned-estimator.md)). A check that knows the trained styles, and more styles in"
    " training, would move it.",
    "strides doubted": "networks that know five runners who are alike contradict themselves more often, and say so. In"
    " every other kind of fold it is less.",
    "errors beyond 20 ms": "with one runner left out there is no such error. Those that there are come from networks"
    " that never met the style or the speed, or knew a few runners only; {where}. There all networks err together, so"
    " that no check between them sees it. More styles in training make such errors rare; nothing that was tried makes"
    " them visible.",
}
UNKNOWN = "why is not known."

KINDS = {
    RUNNER: "runner left out",
    STYLE: "style left out (8 axes, both ends)",
    ALIKE_8: "trained on 8 alike",
    ANY_6: "trained on any 6",
    ALIKE_5: "trained on 5 alike",
    SPEED: "runner and speed left out",
}

CAPTIONS = {
    "agreement.svg": (
        "Bland-Altman plot of the mean stance of each leg in each run, both methods",
        "Each point is the mean stance of one leg in one run, its runner left out. Solid: mean difference; dashed: 95 %"
        " limits of\nagreement of these means (those of single stances stand in the table).",
    ),
    "error-by-speed.svg": (
        "Mean error of each runner at each speed, both methods",
        "A thin line is one runner, both legs together; the thick one is the mean of all. Flat lines: the same error at"
        " every\nspeed, which a change between two runs does not see.",
    ),
    "learning-curve.svg": (
        "Stance error against the number of training runners",
        "Points: all groups together; bars: the best and the worst group; dashed: the rules.",
    ),
    "robustness.svg": (
        "Stance error under each distortion, both methods",
        "Circles: the learned method; diamonds: the rules. Further left is better.",
    ),
    "power.svg": (
        "Share of runners called uneven against the planted symmetry index",
        "How often a difference of this size is called `real`, and `real` or `possible`. The curves of the runners"
        " through the\ndetector rest on few runners a level and scatter; where legs are unequally sure, some get no"
        " verdict at all.",
    ),
}
