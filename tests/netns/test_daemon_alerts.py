"""Events, channels, history and overrides of a whole daemon."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import Director, daemons, wait_until
from support.netns import lan, needs_namespaces
from support.web import Web, web

pytestmark = needs_namespaces

TEXT = """
cluster: web
directors:
  lb1: {address: 10.99.0.1}
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: {type: tcp, interval: 300ms, fast_interval: 200ms, fall: 2, rise: 1}
    servers: {rs1: 10.99.0.2, rs2: {address: 10.99.0.2, port: 81}}
notify:
  hook: {type: webhook, url: 'http://10.99.0.1:9000/hook', events: ['*'], severity: info}
  hang: {type: webhook, url: 'http://10.99.0.3:9000/nobody', events: ['*'], severity: info}
  local: {type: exec, command: [PROGRAM], user: nobody, events: ['*'], severity: info}
health: {user: nobody}
"""


class Site:
    """One daemon, the webhook that it tells, and the file to which its program writes."""

    def __init__(self, lb1: Director, hook: Web, told: Path) -> None:
        self.lb1, self.hook, self.told = lb1, hook, told

    def hooked(self, kind: str, subject: str) -> list[str]:
        """Ids of the events of one kind that the webhook was told."""
        told = [
            event for body in list(self.hook.posted) for event in (body if isinstance(body, list) else [body])
        ]
        return [e["id"] for e in told if e["data"]["kind"] == kind and e["data"]["subject"] == subject]

    def run(self, kind: str, subject: str) -> bool:
        """Whether the program was run for this event."""
        return f"{kind} {subject}\n" in self.told.read_text()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A running daemon with three channels, one of which never answers."""
    with lan("lb1", "rs1", "void") as net, daemons(net, TEXT, "lb1") as (lb1,):
        net.ip("void", "link set eth0 down")
        told, program = lb1.folder / "told", lb1.folder / "tell"
        told.touch()
        told.chmod(0o666)
        program.write_text(f'#!/bin/sh\necho "$HACTL_EVENT $HACTL_SUBJECT" >> {told}\n')
        program.chmod(0o755)
        lb1.write(TEXT.replace("PROGRAM", str(program)))
        with web(net, "lb1", 9000) as hook, web(net, "rs1", 80), web(net, "rs1", 81):
            lb1.start()
            yield Site(lb1, hook, told)


def test_every_channel_is_told(site: Site) -> None:
    """An event reaches the webhook and the program; the channel that never answers delays neither."""
    wait_until(lambda: site.hooked("server.up", "rs1@www"))
    began = time.monotonic()
    site.lb1.hactl("drain", "rs1@www", "--reason", "test", check=True)
    wait_until(lambda: site.hooked("override.set", "rs1@www"))
    wait_until(lambda: site.run("override.set", "rs1@www"))
    assert time.monotonic() - began < 5.0
    kept = wait_until(lambda: site.lb1.events("override.set", "rs1@www"))
    assert [event["id"] for event in kept] == site.hooked("override.set", "rs1@www")
    tried = site.lb1.hactl("notify", "test", "hook", check=True)
    assert tried.stdout == "hook: delivered\n"
    assert len(site.hooked("notify.test", "hook")) == 1
    status = site.lb1.status()
    assert status["channels"]["hook"]["delivered"] >= 3
    assert status["channels"]["hang"]["delivered"] == 0


def test_killed_notify_worker_loses_no_alert(site: Site) -> None:
    """Every event emitted around the death of the notify worker is in the history once, and told once or more."""
    wait_until(lambda: site.hooked("server.up", "rs2@www"))
    for number in range(1, 31):
        site.lb1.ask(
            "POST",
            "overrides",
            {"action": "weight", "server": "rs1", "weight": number, "reason": f"n{number}"},
        )
        if number in (10, 20):
            site.lb1.signal(signal.SIGKILL, "notify")
    wait_until(
        lambda: site.lb1.status()["workers"]["notify"]["restarts"] == 2
    )  # Seen as dead: none is asked that is.
    site.lb1.await_up()
    wait_until(lambda: len(site.lb1.events("override.set", "rs1")) >= 30, 20.0)
    reasons = [event["reason"].rpartition(" ")[2] for event in site.lb1.events("override.set", "rs1")]
    assert reasons == [f"n{number}" for number in range(1, 31)]
    kept = {event["id"] for event in site.lb1.events("override.set", "rs1")}
    wait_until(lambda: kept <= set(site.hooked("override.set", "rs1")), 20.0)
    assert len(site.lb1.events("worker.died", "notify")) == 2


def test_history_is_refused_while_nobody_keeps_it(site: Site) -> None:
    """With the notify worker dead and waiting to be started, `events` is a sentence, at once."""
    for restarts in (1, 2):
        site.lb1.signal(signal.SIGKILL, "notify")
        wait_until(lambda restarts=restarts: site.lb1.status()["workers"]["notify"]["restarts"] == restarts)  # type: ignore[misc]
        if restarts == 1:
            site.lb1.await_up()
    began = time.monotonic()
    done = site.lb1.hactl("events")
    assert done.returncode == 1
    assert "the notify worker, which keeps the history, does not answer" in done.stderr
    assert time.monotonic() - began < 3.0


def test_overrides_outlive_a_restart_and_end_in_time(site: Site) -> None:
    """What operators asked for is there again after a stop and after a kill, and ends when its time is over."""
    site.lb1.hactl("drain", "rs1", "--reason", "works", check=True)
    site.lb1.hactl("weight", "rs2@www", "7", "--for", "8s", check=True)
    deadline = time.monotonic() + 8.0
    assert site.lb1.stop() == 0
    site.lb1.start()
    assert site.lb1.server("rs1@www")["admin"] == "drain"
    assert {o["weight"] for o in site.lb1.status()["overrides"]} == {None, 7}
    site.lb1.signal(signal.SIGKILL)
    site.lb1.start()
    assert site.lb1.server("rs1@www")["admin"] == "drain"
    wait_until(lambda: [o["server"] for o in site.lb1.status()["overrides"]] == ["rs1"], 12.0)
    assert time.monotonic() > deadline - 0.5
    site.lb1.hactl("enable", "rs1", check=True)
    assert site.lb1.status()["overrides"] == []
    assert site.lb1.server("rs1@www")["admin"] == "enabled"


def test_events_of_the_whole_life(site: Site) -> None:
    """Start and stop of the daemon are in the history that the next one shows."""
    assert site.lb1.stop() == 0
    site.lb1.start()
    life = ["director.started", "director.stopped", "director.started"]
    wait_until(lambda: [event["kind"] for event in site.lb1.events(subject="lb1")] == life)
    done = site.lb1.hactl("events", "--json")
    assert done.returncode == 0


def test_a_reload_adds_the_first_webhook_and_the_page(tmp_path: Path) -> None:
    """What the notify worker did not load at its start it loads after a reload that asks for it: by a successor, which is no
    death, and which gets the events of that time."""
    before, _, _ = TEXT.partition("notify:")
    before += "health: {user: nobody}\n"
    after = before + "notify: {hook: {type: webhook, url: 'http://10.99.0.1:9000/hook', severity: info}}\n"
    after += "control: {socket: '${SOCKET}', http: '127.0.0.1:9770'}\n"
    with (
        lan("lb1", "rs1") as net,
        daemons(net, before, "lb1") as (lb1,),
        web(net, "lb1", 9000) as hook,
        web(net, "rs1", 80),
        web(net, "rs1", 81),
    ):
        lb1.start()
        first = lb1.pids()["notify"]
        lb1.write(after)
        lb1.hactl("reload", check=True)
        assert lb1.hactl("notify", "test", "hook", check=True).stdout == "hook: delivered\n"
        site = Site(lb1, hook, tmp_path)
        (loaded,) = lb1.events("config.loaded", "web")
        wait_until(lambda: site.hooked("config.loaded", "web") == [loaded["id"]])
        page = net.run("lb1", "curl", "-s", "-m", "8", "http://127.0.0.1:9770/v1/page")
        assert "operable" in page.stdout
        second = lb1.pids()["notify"]
        lb1.hactl("reload", check=True)
        assert first != second == lb1.pids()["notify"]
        assert lb1.events("worker.died") == []


def test_a_channel_that_a_reload_takes_out(site: Site) -> None:
    """One that could not deliver is no warning any more once it is gone."""
    wait_until(lambda: site.lb1.status()["channels"].get("hang", {}).get("error"), 30.0)
    text = site.lb1.config.read_text()
    site.lb1.write("\n".join(line for line in text.split("\n") if not line.startswith("  hang:")))
    site.lb1.hactl("reload", check=True)
    assert set(site.lb1.status()["channels"]) == {"hook", "local"}
