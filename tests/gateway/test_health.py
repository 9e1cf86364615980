"""Health: every counter comes out as JSON, warnings keep their since-time and end, events are bounded and counted."""

import asyncio
import json

from evenstride_gateway.channel import Channel, Overflow
from evenstride_gateway.health import MAX_EVENTS, Health
from evenstride_gateway.link.source import LinkState, PodLink


def texts(health: Health) -> list[str]:
    return [warning.text for warning in health.warnings.values()]


def streaming(pod_id: str = "a1", *, last_arrival_s: float = 10.0) -> PodLink:
    return PodLink(
        pod_id=pod_id,
        address="C0:00",
        state=LinkState.STREAMING,
        rssi_dbm=-61,
        mtu=247,
        connections=2,
        chunks=99,
        last_arrival_s=last_arrival_s,
        losses={"link lost": 1},
    )


def test_a_snapshot_is_json_and_holds_every_counter() -> None:
    async def scenario() -> None:
        health = Health()
        channel = Channel[int](2, Overflow.DROP_OLDEST, name="page")
        health.watch(channel)
        for n in range(3):
            channel.put_nowait(n)
        health.update_links({"a1": streaming()}, 8.0)
        row = health.pod("a1")
        row.frames, row.missing["host"], row.clock_bound_s = 90, 34, 0.0021
        health.store.last_commit_s, health.store.strides = 10.5, 4096
        health.store.cut_at_start = "12 kB of raw were cut from pod a1's log after a crash"
        found = json.loads(json.dumps(health.snapshot(11.0)))
        assert found["channels"]["page"] == {
            "received": 3,
            "dropped": 1,
            "waiting": 2,
            "capacity": 2,
            "overflow": "drop oldest",
        }
        pod = found["pods"][0]
        assert (pod["pod_id"], pod["state"], pod["rssi_dbm"], pod["losses"]) == (
            "a1",
            "streaming",
            -61,
            {"link lost": 1},
        )
        assert (pod["missing"], pod["last_arrival_age_s"], pod["state_for_s"]) == ({"pod": 0, "host": 34}, 1.0, 3.0)
        assert found["store"]["last_commit_age_s"] == 0.5
        assert "12 kB" in found["store"]["cut_at_start"]
        assert (found["state"], found["warnings"]) == ("ok", [])

    asyncio.run(scenario())


def test_a_row_under_an_address_goes_when_the_pod_has_said_its_id() -> None:
    health = Health()
    health.update_links({"C0:00": PodLink(pod_id="C0:00", address="C0:00")}, 1.0)
    assert list(health.pods) == ["C0:00"]
    health.update_links({"a1": streaming()}, 2.0)
    assert list(health.pods) == ["a1"]


def test_events_are_bounded_counted_and_read_newest_first() -> None:
    health = Health()
    for n in range(MAX_EVENTS + 5):
        health.event(f"pod {n} lost: link lost", float(n))
    assert (len(health.events), health.events_total) == (MAX_EVENTS, MAX_EVENTS + 5)
    assert health.event_lines(MAX_EVENTS + 6.0)[0] == f"pod {MAX_EVENTS + 4} lost: link lost, 2.0 s ago"
    newest = health.snapshot(MAX_EVENTS + 6.0)["events"][0]
    assert newest == {"text": f"pod {MAX_EVENTS + 4} lost: link lost", "age_s": 2.0}


def test_a_warning_keeps_its_since_time_until_it_is_cleared() -> None:
    health = Health()
    health.warn("disk", "the disk has 1 MB left", 5.0)
    health.warn("disk", "the disk is full", 9.0)
    assert health.snapshot(10.0)["warnings"] == [{"key": "disk", "text": "the disk is full", "for_s": 5.0}]
    health.review(10.0)  # what others set, others clear
    assert texts(health) == ["the disk is full"]
    health.clear("disk")
    assert health.snapshot(11.0)["state"] == "ok"
    assert [event.text for event in health.events] == ["the disk has 1 MB left"]


def test_a_review_says_what_is_wrong_and_takes_it_back() -> None:
    health = Health()
    link = streaming(last_arrival_s=10.0)
    health.update_links({"a1": link}, 10.0)
    health.pod("a1").side = "left"
    health.pod("a1").battery_fraction = 0.08
    health.pod("a1").clock_bound_s = 0.05
    health.review(14.0, adapters={"hci1": "Bluetooth adapter hci1 is not available"})
    assert texts(health) == [
        "Bluetooth adapter hci1 is not available",
        "pod a1 (left) is connected and sends nothing",
        "pod a1 (left): battery at 8%",
        "pod a1 (left): its clock is known to 50 ms only; flight is withheld",
    ]
    link.last_arrival_s, link.state = 15.0, LinkState.LOST
    health.pod("a1").battery_fraction, health.pod("a1").clock_bound_s = 0.8, 0.002
    health.update_links({"a1": link}, 15.0)
    health.review(15.0)
    assert texts(health) == ["pod a1 (left) is away (mostly: link lost)"]
    link.state, link.refused = LinkState.LOST, "pod a1 speaks protocol 2.0, this gateway 1.x: update evenstride"
    health.update_links({"a1": link}, 16.0)
    health.review(16.0)
    assert texts(health) == [link.refused]


def test_losses_inside_the_gateway_are_warnings() -> None:
    async def scenario() -> None:
        health = Health()
        channel = Channel[int](1, Overflow.WAIT, name="store")
        health.watch(channel)
        channel.put_nowait(1)
        health.pod("a1").inbox_dropped = 7
        health.pod("a1").malformed, health.pod("a1").last_error = 2, "raw frame cut short"
        health.store.last_commit_s, health.recording = 100.0, True
        health.review(112.0)
        assert texts(health) == [
            "pod a1: 7 messages arrived faster than they were taken and are lost",
            "pod a1: 2 unreadable messages, the last: raw frame cut short",
            "the queue 'store' is full (1): its reader is too slow",
            "nothing was stored for 12 s: is the disk slow or full?",
        ]

    asyncio.run(scenario())
