"""Handing events to a program; running it for real is tested with the process module."""

import json
from collections.abc import Mapping

import pytest

from hactl.process import run
from notify.channels.base import DeliveryError
from notify.channels.exec import ExecChannel
from notify.channels.registry import build
from notify.spec import ChannelSpec, ExecSpec
from support.alerts import event, tools

SPEC = ExecSpec(command=("/etc/hactl/on-event", "now"), user="nobody")


class Runner:
    """Notes what it is asked to run."""

    def __init__(self, failure: str = "") -> None:
        self.failure = failure
        self.runs: list[tuple[tuple[str, ...], str, Mapping[str, str], bytes, float]] = []

    async def __call__(
        self, command: tuple[str, ...], user: str, environment: Mapping[str, str], stdin: bytes, within: float
    ) -> str:
        """Note it."""
        self.runs.append((command, user, environment, stdin, within))
        return self.failure


async def test_the_program_gets_the_event() -> None:
    """Command, user and time limit are the spec's; the event is in the environment and on standard input."""
    runner = Runner()
    await ExecChannel(SPEC, tools(run_program=runner), 7.0).deliver([event(number=1)])
    ((command, user, environment, stdin, within),) = runner.runs
    assert (command, user, within) == (("/etc/hactl/on-event", "now"), "nobody", 7.0)
    assert environment["HACTL_EVENT"] == "router.master"
    assert json.loads(stdin)["id"] == "event-1"
    assert stdin.endswith(b"\n")


async def test_a_failed_program_is_a_refusal() -> None:
    """The failure names the program and says how it ended."""
    with pytest.raises(DeliveryError, match="/etc/hactl/on-event: exit status 3") as caught:
        await ExecChannel(SPEC, tools(run_program=Runner("exit status 3")), 7.0).deliver([event()])
    assert caught.value.refused


@pytest.mark.parametrize(
    ("script", "refused"),
    [("exit 75", False), ("echo the gateway is busy; exit 75", False), ("exit 1", True), ("kill $$", True)],
)
async def test_a_program_asks_for_patience_by_its_status(script: str, refused: bool) -> None:
    """75, which is EX_TEMPFAIL; by a program that is really run."""
    failure = (await run(["/bin/sh", "-c", script], timeout=10.0)).failure
    with pytest.raises(DeliveryError) as caught:
        await ExecChannel(SPEC, tools(run_program=Runner(failure)), 7.0).deliver([event()])
    assert caught.value.refused is refused


def test_the_registry_builds_by_kind() -> None:
    """A spec's kind of delivery decides the channel."""
    assert isinstance(build(ChannelSpec(name="local", delivery=SPEC), tools()), ExecChannel)
