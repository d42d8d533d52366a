"""The other directors in a status snapshot, and who stands aside; core."""

from typing import Any

from hactl.config.model import DirectorSpec
from hactl.picture import Picture, wall_text

HEARD_WITHIN = 5.0


def peers(picture: Picture) -> dict[str, Any]:
    """Every other director."""
    others = (director for director in picture.config.directors if director.name != picture.config.node)
    return {peer.name: _peer(peer, picture) | {"standby": standby(picture, peer.name)} for peer in others}


def standby(picture: Picture, director: str) -> dict[str, Any] | None:
    """How a director stands aside, since when and on whose word; None when it does not."""
    aside = picture.mastership.standing_aside().get(director)
    if aside is None:
        return None
    return {"mode": aside.standby.value, "since": wall_text(aside.at), "by": aside.by}


def _peer(peer: DirectorSpec, picture: Picture) -> dict[str, Any]:
    """What is known of another director: by the peer channel, or where there is none by its adverts."""
    report = picture.peers.get(peer.name)
    shown = {"address": peer.addresses[0] if peer.addresses else "", "config_matches": None}
    if report is None:
        return shown | _by_adverts(peer, picture)
    return shown | {
        "state": report.state.value,
        "reason": report.reason,
        "since": picture.clock.text(report.since),
        "config_matches": picture.peer_configs.get(peer.name),
        "links": [
            {"own": link.own, "peer": link.peer, "state": link.state.value, "reason": link.reason}
            for link in report.links
        ],
        "drops": report.drops,
    }


def _by_adverts(peer: DirectorSpec, picture: Picture) -> dict[str, Any]:
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
        "state": "up" if masters else "unknown",
        "reason": reason,
        "since": picture.clock.text(max(heard.values())) if heard else None,
    }
