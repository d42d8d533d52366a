"""Which channel gets which event."""

import pytest

from notify.event import EventKind, Severity
from notify.router import REPEAT_WINDOW, Router, wants
from notify.spec import ChannelSpec, SyslogSpec
from support.alerts import event


def channel(
    name: str = "ops", events: tuple[str, ...] = (), severity: Severity = Severity.WARNING
) -> ChannelSpec:
    """A channel with this filter."""
    return ChannelSpec(name=name, delivery=SyslogSpec(), events=events, severity=severity)


@pytest.mark.parametrize(
    ("patterns", "kind", "expected"),
    [
        ((), EventKind.ROUTER_MASTER, True),
        (("router.*",), EventKind.ROUTER_MASTER, True),
        (("router.*",), EventKind.SERVER_DOWN, False),
        (("server.down", "service.*"), EventKind.SERVICE_DOWN, True),
        (("*.down",), EventKind.PEER_DOWN, True),
        (("*",), EventKind.PEER_DOWN, True),
    ],
)
def test_patterns_choose_kinds(patterns: tuple[str, ...], kind: EventKind, expected: bool) -> None:
    """A channel gets the kinds that one of its patterns names, and all without patterns."""
    assert wants(channel(events=patterns), event(kind)) is expected


def test_severity_is_a_floor() -> None:
    """Events below the channel's severity do not reach it; those at it or above do."""
    spec = channel(severity=Severity.WARNING)
    assert not wants(spec, event(severity=Severity.INFO))
    assert wants(spec, event(severity=Severity.WARNING))
    assert wants(spec, event(severity=Severity.CRITICAL))


def test_a_channel_is_not_told_of_its_own_failure() -> None:
    """notify.failed about a channel goes to every other channel."""
    failure = event(EventKind.NOTIFY_FAILED, "ops")
    assert Router().route(failure, [channel("ops"), channel("chat")], 0.0) == ("chat",)


def test_a_repeat_within_the_window_is_left_out() -> None:
    """The same word about the same object is said once in the window, and again after it."""
    router = Router()
    assert router.route(event(), [channel()], 0.0) == ("ops",)
    assert router.route(event(), [channel()], REPEAT_WINDOW - 1) == ()
    assert router.route(event(), [channel()], REPEAT_WINDOW + 1) == ("ops",)


def test_a_change_back_and_forth_is_no_repeat() -> None:
    """Down, up, down of a server within the window are three alerts."""
    router = Router()
    kinds = (EventKind.SERVER_DOWN, EventKind.SERVER_UP, EventKind.SERVER_DOWN)
    assert [router.route(event(kind, "rs1@www"), [channel()], 1.0) for kind in kinds] == [("ops",)] * 3


def test_the_same_of_two_objects_is_no_repeat() -> None:
    """Two servers that fail alike are two alerts."""
    router = Router()
    for subject in ("rs1@www", "rs2@www"):
        assert router.route(event(EventKind.SERVER_DOWN, subject), [channel()], 1.0) == ("ops",)
