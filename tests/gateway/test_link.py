"""The link on the virtual radio: every way a connection begins, ends and begins again."""

from fakes.link_world import pod_id, run, world

from evenstride_gateway.decode import decode_info
from evenstride_gateway.link.source import LinkState


def test_a_pod_is_found_connected_and_streams() -> None:
    async def scenario() -> None:
        async with world() as here:
            await here.streaming()
            link = here.source.pods[pod_id(0)]
            await here.until(lambda: link.chunks > 100)
            assert (link.connections, link.mtu, link.inbox_dropped, link.refused) == (1, 247, 0, "")
            assert link.rssi_dbm is not None
            assert list(here.source.pods) == [pod_id(0)]
        assert here.heard.states(pod_id(0)) == [LinkState.STREAMING, LinkState.LOST]
        assert here.heard.states(link.address) == [LinkState.SEEN, LinkState.CONNECTING, LinkState.CHECKING]
        started = here.heard.changes(LinkState.STREAMING)[0]
        assert decode_info(started.info)[0].pod_id == pod_id(0)
        frames = here.heard.frames(pod_id(0))
        assert [frame.seq for frame in frames] == list(range(len(frames)))
        assert here.heard.changes(LinkState.LOST)[0].reason == "stopped"

    run(scenario())
