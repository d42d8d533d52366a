"""What a plan says of every kind of change, and that it says nothing where nothing changes."""

import msgspec
import pytest

from hactl.config.model import Config, ControlSpec, HealthSettings
from hactl.plan import reload
from hactl.plan.compose import plan, secrets_changed
from hactl.plan.model import Change, Effect, Kind, RefusalReason, Running, Section
from support.config import config_of

TEXT = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
  lb2: {address: 10.99.0.2}
routers:
  web: {vrid: 51, interface: eth0, addresses: [10.99.0.100, 10.99.0.101]}
  inside: {vrid: 52, interface: eth0, addresses: [10.99.0.102]}
groups:
  edge: [web, inside]
peer: {key_file: /etc/hactl/peer.key}
checks:
  page: {type: http, path: /, interval: 2s}
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: page
    servers: {rs1: 10.99.0.11, rs2: 10.99.0.12, rs3: 10.99.0.13}
    sorry: 10.99.0.19
  shell: {address: 10.99.0.101, port: 22, forward: nat, check: {type: ssh}, servers: {rs1: 10.99.0.11}}
notify:
  log: {type: syslog}
health: {user: nobody}
"""
OLD = config_of(TEXT)
IDLE = Running()


def changes(new: Config, running: Running = IDLE) -> tuple[Change, ...]:
    """The changes of a plan."""
    return plan("f", OLD, new, running).changes


def one(old: str, new: str, running: Running = IDLE) -> Change:
    """The single change that comes of other words in the file."""
    assert old in TEXT
    (found,) = changes(config_of(TEXT.replace(old, new)), running)
    return found


def lines(found: Change) -> list[str]:
    """The differences of a change as text."""
    return [f"{d.path}: {d.old} -> {d.new}" for d in found.differences]


def test_nothing_changes() -> None:
    """Two loads of the same text differ in nothing."""
    assert changes(config_of(TEXT)) == ()


@pytest.mark.parametrize(
    ("old", "new", "name", "effect", "text"),
    [
        ("vrid: 52,", "vrid: 53,", "inside", Effect.RESTART, "vrid: 52 -> 53"),
        ("vrid: 52,", "vrid: 52, advert_interval: 1s, lease: 4s,", "inside", Effect.ADOPT, "advert_interval: 100ms -> 1s"),
        (
            "[10.99.0.100, 10.99.0.101]", "[10.99.0.100]", "web", Effect.ADOPT,
            "addresses.10.99.0.101: {address: 10.99.0.101, prefix: 32, interface: eth0, advertise: true} -> None",
        ),
        ("edge: [web, inside]", "edge: [inside]", "edge", Effect.AT_ONCE, "routers: [web, inside] -> [inside]"),
        ("peer.key}", "peer.key, port: 7000}", "peer", Effect.AT_ONCE, "port: 6940 -> 7000"),
        ("port: 80\n", "port: 80\n    scheduler: rr\n", "www", Effect.IN_PLACE, "scheduler: wlc -> rr"),
        ("port: 22,", "port: 23,", "shell", Effect.REPLACE, "port: 22 -> 23"),
        ("rs2: 10.99.0.12", "rs2: {address: 10.99.0.12, weight: 3}", "rs2@www", Effect.IN_PLACE, "weight: 1 -> 3"),
        ("rs2: 10.99.0.12", "rs9: 10.99.0.12", "rs9@www", Effect.STAY, "name: rs2 -> rs9"),
        ("path: /,", "path: /health,", "page", Effect.CHECKED_ANEW, "probe.path: / -> /health"),
        ("interval: 2s", "interval: 1500ms", "page", Effect.CHECKED_ANEW, "interval: 2s -> 1500ms"),
        ("check: {type: ssh}", "check: {type: ssh, fall: 5}", "ssh", Effect.CHECKED_ANEW, "fall: 3 -> 5"),
        ("{type: syslog}", "{type: syslog, severity: info}", "log", Effect.AT_ONCE, "severity: warning -> info"),
        ("cluster: web", "history: 30d\ncluster: web", "history", Effect.AT_ONCE, "history: 90d -> 30d"),
        (
            "cluster: web", "ipvs: {reconcile: 5s}\ncluster: web", "ipvs.reconcile", Effect.AT_ONCE,
            "ipvs.reconcile: 10s -> 5s",
        ),
        ("user: nobody", "user: root", "health.user", Effect.NEXT_START, "health.user: nobody -> root"),
        ("cluster: web\n", "cluster: other\n", "cluster", Effect.NEVER, "cluster: web -> other"),
    ],
    ids=[
        "vrid", "interval", "vip", "group", "peer", "scheduler", "port", "weight", "rename", "path", "check-interval",
        "inline-check", "channel", "history", "ipvs", "later", "fixed",
    ],
)  # fmt: skip
def test_one_change(old: str, new: str, name: str, effect: Effect, text: str) -> None:
    """Each change has its subject, its effect in words, and the values before and after."""
    # Whatever else a changed word brings with it (a cluster's name is in the peer channel too) is another change.
    new_config = config_of(TEXT.replace(old, new, 1))
    found = next(c for c in changes(new_config) if c.name == name)
    assert (found.effect, found.text) == (effect, effect.text)
    assert text in lines(found)


def test_a_check_is_told_once_with_all_its_servers() -> None:
    """However many servers a check is about, its change is one."""
    found = one("path: /,", "path: /health,")
    assert found.on == ("rs1@www", "rs2@www", "rs3@www")


@pytest.mark.parametrize(
    ("old", "new", "section", "name", "kind", "effect", "note"),
    [
        (", rs3: 10.99.0.13", "", Section.SERVER, "rs3@www", Kind.REMOVED, Effect.LEAVE,
         "10.99.0.13:80, with 7 connections now"),
        ("rs3: 10.99.0.13", "rs3: 10.99.0.13, rs4: 10.99.0.14", Section.SERVER, "rs4@www", Kind.ADDED,
         Effect.ENTER_WHEN_CHECKED, "10.99.0.14:80, weight 1"),
        ("    sorry: 10.99.0.19\n", "", Section.SERVER, "(sorry)@www", Kind.REMOVED, Effect.LEAVE, "10.99.0.19:80"),
        ("  log: {type: syslog}", "  {}", Section.CHANNEL, "log", Kind.REMOVED, Effect.CHANNEL_OFF, ""),
        ("peer: {key_file: /etc/hactl/peer.key}\n", "", Section.PEER, "peer", Kind.REMOVED, Effect.AT_ONCE,
         "the directors' channel is closed"),
    ],
    ids=["server-goes", "server-comes", "sorry-goes", "channel-goes", "peer-goes"],
)  # fmt: skip
def test_what_comes_and_goes(
    old: str, new: str, section: Section, name: str, kind: Kind, effect: Effect, note: str
) -> None:
    """What is added or removed is said with where it is and what it serves now."""
    found = one(old, new, Running(connections={"rs3@www": 7}))
    assert (found.section, found.name, found.kind, found.effect, found.note) == (
        section,
        name,
        kind,
        effect,
        note,
    )


def test_a_moved_server_is_another_one_in_the_table() -> None:
    """With its address also its check moves, which goes without saying."""
    found = one("rs3: 10.99.0.13", "rs3: 10.99.0.33", Running(connections={"rs3@www": 1}))
    assert (found.effect, found.note) == (Effect.REPLACE, "with 1 connection now")
    assert lines(found) == ["address: 10.99.0.13 -> 10.99.0.33"]


def test_names_that_are_exchanged() -> None:
    """Two servers that exchange their names are two servers elsewhere, as the reload sees it."""
    new = config_of(TEXT.replace("rs2: 10.99.0.12, rs3: 10.99.0.13", "rs3: 10.99.0.12, rs2: 10.99.0.13"))
    assert {(c.name, c.effect) for c in changes(new)} == {
        ("rs2@www", Effect.REPLACE),
        ("rs3@www", Effect.REPLACE),
    }


def test_a_renamed_service_stays() -> None:
    """A service with another name at the same place is the same to the kernel."""
    found = one("  shell:", "  ssh:")
    assert (found.name, found.kind, found.effect) == ("ssh", Kind.RENAMED, Effect.STAY)


def test_a_router_that_ends_while_master() -> None:
    """It is said that its addresses are held here."""
    text = "  inside: {vrid: 52, interface: eth0, addresses: [10.99.0.102]}\n"
    new = config_of(TEXT.replace(text, "").replace("edge: [web, inside]", "edge: [web]"))
    stops = next(
        c for c in changes(new, Running(masters=frozenset({"inside"}))) if c.section is Section.ROUTER
    )
    assert (stops.name, stops.effect, stops.note) == ("inside", Effect.STOP, "it is master here")


def test_every_refusal_is_told() -> None:
    """A plan names all that speaks against it, and says what --force would allow."""
    new = msgspec.structs.replace(
        OLD,
        cluster="other",
        control=ControlSpec(socket="/elsewhere"),
        services=(),
        health=HealthSettings(workers=2),
    )
    found = reload.refusals(OLD, new)
    assert [(r.reason, r.forceable) for r in found] == [
        (RefusalReason.FIXED, False), (RefusalReason.FIXED, False), (RefusalReason.MASS_REMOVAL, True),
    ]  # fmt: skip
    made = plan("f", OLD, new, Running(), refused=found)
    assert not made.ok
    assert {c.name for c in made.changes if c.effect is Effect.NEVER} == {"cluster", "control.socket"}
    assert {c.name for c in made.changes if c.effect is Effect.NEXT_START} == {
        "health.user",
        "health.workers",
    }


def test_secrets_with_other_content() -> None:
    """A key file with other content is a change, though the configuration names the same file."""
    assert secrets_changed({"/k": "a", "/l": "b"}, {"/k": "A", "/l": "b", "/m": "c"}) == ("/k",)


def test_every_effect_has_a_text() -> None:
    """No effect is without words."""
    assert all(effect.text for effect in Effect)
