"""Where and how a session was run: straight or bend, laps, speed, repetitions; and what may enter its verdict."""

from evenstride_analysis.context.bouts import Bout, find_bouts, find_repetitions
from evenstride_analysis.context.laps import Course, find_course
from evenstride_analysis.context.live import LiveContext, Placed
from evenstride_analysis.context.places import places_of
from evenstride_analysis.context.reading import ANYWHERE, Ground, Reading, read_session, surfaced
from evenstride_analysis.context.turning import Stretch, Turning, find_turns

__all__ = [
    "ANYWHERE",
    "Bout",
    "Course",
    "Ground",
    "LiveContext",
    "Placed",
    "Reading",
    "Stretch",
    "Turning",
    "find_bouts",
    "find_course",
    "find_repetitions",
    "find_turns",
    "places_of",
    "read_session",
    "surfaced",
]
