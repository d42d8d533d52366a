"""The verbs as an operator uses them: what they ask, what they print, how they end."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hactl.control.commands import (
    AckRequest,
    Action,
    HandoverRequest,
    NotifyTestRequest,
    OverrideRequest,
    PlanRequest,
    ReloadAnswer,
    ReloadRequest,
    ResumeRequest,
    StandbyRequest,
)
from hactl.plan.model import Difference, Effect, Kind, Plan, Refusal, RefusalReason, Section, change
from support.commandline import hactl
from support.fake_daemon import FakeDaemon, fake_daemon


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDaemon]:
    """A daemon that answers, known by HACTL_SOCKET."""
    with fake_daemon(tmp_path / "s") as running:
        monkeypatch.setenv("HACTL_SOCKET", running.path)
        yield running


def requests(daemon: FakeDaemon) -> list[object]:
    """What the daemon was asked."""
    return [request for request, _ in daemon.commands.asked]


def test_help_names_every_verb() -> None:
    """`hactl --help` lists all verbs, and each has its own help."""
    text = hactl("--help").output
    verbs = (
        "run check schema plan reload status drain disable enable weight handover standby resume realserver events version "
        "takeover release doctor report notify top"
    )
    for verb in verbs.split():
        assert f"\n  {verb} " in text
        assert hactl(verb, "--help").exit_code == 0
        assert hactl(verb, "-h").exit_code == 0
    assert "_HACTL_COMPLETE=bash_source" in text


def test_unknown_verb_is_wrong_usage() -> None:
    """An unknown verb is answered with the nearest."""
    result = hactl("stauts")
    assert result.exit_code == 2
    assert "there is no verb 'stauts'; did you mean 'status'?" in result.stderr


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("failover", "hactl handover"),
        ("stop", "systemctl stop hactl"),
        ("logs", "hactl events"),
        ("help", "hactl --help"),
    ],
)
def test_another_tools_word_is_answered_with_what_does_it(word: str, meant: str) -> None:
    """By its letters `failover` is nearest to `takeover`, which claims addresses by hand, and `stop` to `top`."""
    result = hactl(word, "web")
    assert (result.exit_code, f"there is no verb '{word}'; it is `{meant}" in result.stderr) == (2, True)
    assert "did you mean" not in result.stderr


@pytest.mark.parametrize("arguments", [("5", "rs1"), ("rs1", "1.5"), ("rs1", "65536"), ("rs1", "\u0663")])
def test_a_weight_that_is_none(arguments: tuple[str, str]) -> None:
    """The sentence says what one is."""
    result = hactl("weight", *arguments, "--socket", "/nowhere")
    assert result.exit_code == 2
    assert f"'{arguments[1]}' is no weight, which is a whole number from 0 to 65535" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("status", "--colour"), ("drain",), ("drain", "a b"), ("drain", "a@"), ("drain", "@www"), ("drain", "a@b@c"),
        ("drain", "rs1", "--for", "2"), ("drain", "rs1", "--for", "soon"), ("weight", "rs1"),
        ("weight", "rs1", "-1"), ("weight", "rs1", "65536"), ("weight", "rs1", "many"), ("enable", "rs1", "--for", "1h"),
        ("events", "--since", "1w"), ("events", "-n", "0"), ("handover", "--for", "1"), ("standby", "web"),
        ("handover", "a b"), ("resume", ""), ("ack", "w\u0119b"), ("notify", "test", "a b"),
        ("version", "now"), ("report", "--since", "1w"), ("report", "--csv", "--json"),
    ],
)  # fmt: skip
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    """Each kind of wrong usage ends with 2 before any daemon is asked."""
    assert hactl(*arguments, *(["--socket", "/nowhere"] if arguments[0] != "version" else [])).exit_code == 2


def test_status_text(daemon: FakeDaemon) -> None:
    """Status is a screen of text, and ends with 1 while a server is down."""
    result = hactl("status")
    assert result.exit_code == 1
    assert "cluster web   node lb1   hactl 0.1.0" in result.output
    assert "connection refused" in result.output
    assert "\x1b" not in result.output


def test_status_json(daemon: FakeDaemon) -> None:
    """Status as JSON is what the daemon said."""
    assert json.loads(hactl("status", "--json").output) == daemon.commands.snapshot


def test_status_of_a_healthy_service(daemon: FakeDaemon) -> None:
    """With a service named, only it is shown and judged."""
    result = hactl("status", "mark")
    assert result.exit_code == 0
    assert "www" not in result.output
    assert list(json.loads(hactl("status", "mark", "--json").output)["services"]) == ["mark"]


def test_status_of_an_unknown_service(daemon: FakeDaemon) -> None:
    """An unknown service is answered with the nearest."""
    result = hactl("status", "wwww")
    assert result.exit_code == 1
    assert result.stderr == "hactl: there is no service 'wwww'; did you mean 'www'?\n"


@pytest.mark.parametrize("place", ["before", "after"])
def test_options_on_either_side(tmp_path: Path, place: str) -> None:
    """--socket is understood before and after the verb."""
    with fake_daemon(tmp_path / "s") as running:
        option = ("--socket", running.path)
        arguments = (*option, "status", "mark") if place == "before" else ("status", "mark", *option)
        assert hactl(*arguments).exit_code == 0


def test_socket_from_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With -c the daemon is found where that file puts its socket."""
    monkeypatch.delenv("HACTL_SOCKET", raising=False)
    file = tmp_path / "hactl.yaml"
    file.write_text(f"cluster: web\ncontrol:\n  socket: {tmp_path}/own.sock\n")
    with fake_daemon(tmp_path / "own.sock"):
        assert hactl("status", "mark", "-c", str(file)).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",), ("status", "--json"), ("events",), ("reload",), ("plan",), ("drain", "rs1"), ("enable", "rs1"),
        ("handover",), ("resume",), ("weight", "rs1", "5"),
    ],
)  # fmt: skip
def test_no_daemon(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Without a daemon each verb says so in one line and ends with 3."""
    result = hactl(*arguments, "--socket", str(tmp_path / "none"))
    assert result.exit_code == 3
    assert result.stdout == ""
    assert result.stderr.startswith(f"hactl: no daemon at {tmp_path}/none: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "request_", "said"),
    [
        (
            ("drain", "rs1", "--for", "2h", "--reason", "disk"),
            OverrideRequest(action=Action.DRAIN, server="rs1", for_seconds=7200.0, reason="disk"),
            "rs1@www: drained, for 2h\n",
        ),
        (
            ("disable", "rs1@www"),
            OverrideRequest(action=Action.DISABLE, server="rs1", service="www"),
            "rs1@www: disabled\n",
        ),
        (("enable", "rs1"), OverrideRequest(action=Action.ENABLE, server="rs1"), "rs1@www: enabled\n"),
        (
            ("weight", "rs1@www", "7"),
            OverrideRequest(action=Action.WEIGHT, server="rs1", service="www", weight=7),
            "rs1@www: weight 7\n",
        ),
    ],
)
def test_overrides(daemon: FakeDaemon, arguments: tuple[str, ...], request_: object, said: str) -> None:
    """Each verb on a server asks for its override and says what it touched."""
    result = hactl(*arguments)
    assert (result.exit_code, result.output) == (0, said)
    assert requests(daemon) == [request_]


def test_override_warnings_and_json(daemon: FakeDaemon) -> None:
    """A warning goes to standard error, or stands in the JSON."""
    daemon.commands.warnings = ("applied here only: no peer is confirmed",)
    assert hactl("drain", "rs1").stderr == "warning: applied here only: no peer is confirmed\n"
    assert json.loads(hactl("drain", "rs1", "--json").stdout)["applied_on"] == ["lb1"]


def test_unknown_server(daemon: FakeDaemon) -> None:
    """The daemon's refusal is one sentence with the nearest name, and the exit status is 1."""
    result = hactl("drain", "rs9")
    assert result.exit_code == 1
    assert result.stderr == "hactl: there is no server 'rs9' in any service; did you mean 'rs1'?\n"


def test_handover_and_resume(daemon: FakeDaemon) -> None:
    """Handover says what became of each router; one that failed makes the exit status 1."""
    assert hactl("handover", "web", "--for", "5m").output == "web: lb2 is master\n"
    daemon.commands.done = False
    assert hactl("handover").exit_code == 1
    assert hactl("resume").output == "web: takes part again\n"
    assert hactl("standby").output == "web: no successor took over\n"
    assert hactl("standby", "--hard").exit_code == 1
    assert requests(daemon) == [
        HandoverRequest(router="web", hold_seconds=300.0),
        HandoverRequest(),
        ResumeRequest(),
        StandbyRequest(),
        StandbyRequest(hard=True),
    ]


def test_reload(daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reload prints the changes; with -c it names the file in full."""
    assert hactl("reload").output == "service www: server rs3 added\n"
    monkeypatch.chdir(tmp_path)
    hactl("reload", "-c", "new.yaml", "--force")
    assert requests(daemon) == [ReloadRequest(), ReloadRequest(path=f"{tmp_path}/new.yaml", force=True)]
    daemon.commands.reload_answer = ReloadAnswer(ok=True)
    assert hactl("reload").output == "nothing changed\n"


def test_reload_of_a_bad_file(daemon: FakeDaemon) -> None:
    """Every fault is listed, then why nothing was changed; exit status 1."""
    daemon.commands.reload_answer = ReloadAnswer(
        ok=False, faults=("f:1:2: a: b", "f:3:4: c: d"), refused="2 faults"
    )
    result = hactl("reload")
    assert result.exit_code == 1
    assert result.stderr == "f:1:2: a: b\nf:3:4: c: d\nhactl: not reloaded, nothing changed: 2 faults\n"
    as_json = hactl("reload", "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.output)["faults"] == ["f:1:2: a: b", "f:3:4: c: d"]


PLAN = Plan(
    file="/etc/hactl/hactl.yaml",
    ok=False,
    changes=(
        change(Section.ROUTER, "web", Kind.REMOVED, Effect.STOP, note="it is master here"),
        change(Section.SERVER, "rs4@www", Kind.ADDED, Effect.ENTER_WHEN_CHECKED, note="10.99.0.14:80, weight 1"),
        change(
            Section.CHECK, "page", Kind.CHANGED, Effect.CHECKED_ANEW, on=tuple(f"rs{n}@www" for n in range(1, 7)),
            differences=(Difference(path="probe.path", old="/", new="/health"),),
        ),
    ),
    refused=(
        Refusal(reason=RefusalReason.FIXED, text="cluster cannot change while running; restart the daemon"),
        Refusal(reason=RefusalReason.MASS_REMOVAL, text="it would remove 3 of 4 servers", forceable=True),
    ),
    warnings=("health.user takes effect when the daemon is started again",),
)  # fmt: skip
PLAN_TEXT = """\
routers
  - web: stops here: hands its addresses over, then takes them off (it is master here)
servers
  + rs4@www: enters the table after its first passed check (10.99.0.14:80, weight 1)
checks
  ~ page of rs1@www, rs2@www, rs3@www, rs4@www and 2 more: checked anew; who serves goes on serving until a check has failed
      probe.path: / -> /health
1 added, 1 removed, 1 changed
"""


def test_plan(daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that would be applied ends with 0, also one that changes nothing; FILE is named in full."""
    assert (hactl("plan").exit_code, hactl("plan").output) == (0, "nothing would change\n")
    monkeypatch.chdir(tmp_path)
    hactl("plan", "new.yaml", "--force")
    assert requests(daemon)[1:] == [PlanRequest(), PlanRequest(path=f"{tmp_path}/new.yaml", force=True)]
    daemon.commands.plan_answer = msgspec.structs.replace(PLAN, ok=True, refused=(), warnings=())
    assert (hactl("plan").exit_code, hactl("plan").output) == (0, PLAN_TEXT)


def test_plan_of_what_would_be_refused(daemon: FakeDaemon) -> None:
    """The changes are shown all the same, then every reason against them; exit status 1."""
    daemon.commands.plan_answer = PLAN
    result = hactl("plan")
    assert (result.exit_code, result.stdout) == (1, PLAN_TEXT)
    assert result.stderr == (
        "warning: health.user takes effect when the daemon is started again\n"
        "hactl: a reload would be refused: cluster cannot change while running; restart the daemon\n"
        "hactl: a reload would be refused: it would remove 3 of 4 servers\n"
    )
    as_json = hactl("plan", "--json")
    assert as_json.exit_code == 1
    answer = json.loads(as_json.stdout)
    assert [one["effect"] for one in answer["changes"]] == ["stop", "enter-when-checked", "checked-anew"]
    assert [(one["reason"], one["forceable"]) for one in answer["refused"]] == [
        ("fixed", False),
        ("mass-removal", True),
    ]


def test_events(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are one line each, in order; -n takes the newest; --json is one object a line."""
    lines = hactl("events").output.splitlines()
    assert [line.split()[4] for line in lines] == ["rs1@www", "rs2@www", "rs3@www"]
    assert len(hactl("events", "-n", "1").output.splitlines()) == 1
    assert hactl("events", "--since", "1h").output == ""
    objects: list[dict[str, Any]] = [
        json.loads(line) for line in hactl("events", "--json").output.splitlines()
    ]
    assert [one["row"] for one in objects] == [1, 2, 3]


def test_long_history_comes_in_pages(daemon: FakeDaemon) -> None:
    """With --since every event comes, however many there are."""
    first = daemon.commands.history[0][1]
    daemon.commands.history = [(row, first) for row in range(1, 2501)]
    assert len(hactl("events", "--since", "3650d").output.splitlines()) == 2500


def test_version() -> None:
    """The version, and where each of the four packages lies."""
    assert hactl("version").stdout.startswith("hactl 0.")
    answer = json.loads(hactl("version", "--json").stdout)
    assert set(answer["packages"]) == {"hactl", "health", "failover", "notify"}
    assert answer["warnings"] == []


def test_drain_waits_until_it_is_out(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections left are said as they change; the command ends when the server is out of the table."""
    server = daemon.commands.snapshot["services"]["www"]["servers"]["rs1"]
    steps = iter([("drain", 3), ("drain", 3), ("drain", 1), ("disabled", 0)])

    def turn(*_: object) -> None:
        server["admin"], server["connections"]["active"] = next(steps)

    turn()
    monkeypatch.setattr("hactl.cli.waiting.time.sleep", turn)
    result = hactl("drain", "rs1", "--wait", "--for", "10m")
    assert (result.exit_code, result.stdout) == (0, "rs1@www: drained and removed\n")
    assert result.stderr == "rs1@www: 3 active connections left\nrs1@www: 1 active connections left\n"
    assert requests(daemon) == [
        OverrideRequest(action=Action.DRAIN, server="rs1", for_seconds=600.0, remove=True)
    ]


def test_drain_that_somebody_ends(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enabled meanwhile: said, and not waited for for ever; a director without a VIP says where the connections are."""
    snapshot = daemon.commands.snapshot
    snapshot["services"]["www"]["servers"]["rs1"]["admin"] = "enabled"
    for router in snapshot["routers"].values():
        router["state"] = "backup"
    result = hactl("drain", "rs1", "--wait", "--json")
    answer = json.loads(result.stdout)
    assert answer["removed"] == []
    assert "rs1@www: somebody enabled it meanwhile" in answer["warnings"]
    assert any("master of nothing" in warning for warning in answer["warnings"])


def test_notify_test(daemon: FakeDaemon) -> None:
    """A channel is tried; one that does not deliver is exit status 1 with the reason."""
    result = hactl("notify", "test", "ops")
    assert (result.exit_code, result.output) == (0, "ops: delivered\n")
    result = hactl("notify", "test", "chat")
    assert (result.exit_code, result.output) == (1, "chat: not delivered: connection refused\n")
    assert json.loads(hactl("notify", "test", "chat", "--json").output)["delivered"] is False
    assert requests(daemon)[0] == NotifyTestRequest(channel="ops")


def test_ack(daemon: FakeDaemon) -> None:
    """Some or all is acknowledged, or taken back; what nobody named is wrong usage, what is not wrong a refusal."""
    result = hactl("ack", "rs1@www", "lb2", "--reason", "new disk ordered")
    assert (result.exit_code, result.output) == (0, "server rs1@www: acknowledged\n")
    assert hactl("ack", "--all").exit_code == 0
    assert hactl("ack", "rs1", "--undo").output == "server rs1@www: told of again\n"
    assert requests(daemon) == [
        AckRequest(subjects=("rs1@www", "lb2"), reason="new disk ordered"),
        AckRequest(subjects=("*",)),
        AckRequest(subjects=("rs1",), undo=True),
    ]
    assert hactl("ack").exit_code == hactl("ack", "rs1", "--all").exit_code == 2
    result = hactl("ack", "rs9")
    assert (result.exit_code, result.stderr) == (
        1,
        "hactl: nothing is wrong with 'rs9', so there is nothing to acknowledge\n",
    )
    assert json.loads(hactl("ack", "rs1", "--json").stdout)["applied_on"] == ["lb1"]
