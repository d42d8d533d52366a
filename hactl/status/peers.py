"""The other directors in a status snapshot, and who stands aside; core."""

from failover.peer.actions import PeerState
from hactl.config.model import DirectorSpec
from hactl.status.form import PeerView, StandbyView
from hactl.status.picture import Picture, wall_text

HEARD_WITHIN = 5.0


def peers(picture: Picture) -> dict[str, PeerView]:
    """Every other director."""
    others = (director for director in picture.config.directors if director.name != picture.config.node)
    return {peer.name: _peer(peer, picture) for peer in others}


def standby(picture: Picture, director: str) -> StandbyView | None:
    """How a director stands aside, since when and on whose word; None when it does not."""
    aside = picture.mastership.standing_aside().get(director)
    if aside is None:
        return None
    return {"mode": aside.standby, "since": wall_text(aside.at), "by": aside.by}


def _peer(peer: DirectorSpec, picture: Picture) -> PeerView:
    """What is known of another director: by the peer channel, or where there is none by its adverts."""
    report = picture.peers.get(peer.name)
    if report is None:
        return _by_adverts(peer, picture)
    return {
        "address": _address(peer),
        "config_matches": picture.peer_configs.get(peer.name),
        "state": report.state,
        "reason": report.reason,
        "since": picture.clock.text(report.since),
        "links": [
            {"own": link.own, "peer": link.peer, "state": link.state, "reason": link.reason}
            for link in report.links
        ],
        "drops": report.drops,
        "standby": standby(picture, peer.name),
    }


def _by_adverts(peer: DirectorSpec, picture: Picture) -> PeerView:
    """A director is heard while it is master of some router."""
    now = picture.clock.monotonic
    heard = {
        name: report.neighbours[address]
        for name, report in picture.reports.items()
        for address in peer.addresses
        if address in report.neighbours
    }
    masters = sorted(name for name, at in heard.items() if now - at < HEARD_WITHIN)
    reason = f"its adverts are heard as master of {', '.join(masters)}"
    if not masters:
        reason = "no peer channel, and no adverts of it are heard (a backup sends none)"
    return {
        "address": _address(peer),
        "config_matches": None,
        "state": PeerState.UP if masters else PeerState.UNKNOWN,
        "reason": reason,
        "since": picture.clock.text(max(heard.values())) if heard else None,
        "standby": standby(picture, peer.name),
    }


def _address(peer: DirectorSpec) -> str:
    return peer.addresses[0] if peer.addresses else ""
