"""5,000 real servers that fail at one moment: one mail, a page that answers, and no advert late.

The servers are one host that takes connections to every address of a network, and dies. Bounds are five times what is aimed
at and more, for the machine may be busy with other things.
"""

import contextlib
import http.client
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from bench.lateness import lateness

from support.daemon import Director, daemons, wait_until
from support.mail import MailServer, mail_server
from support.netns import Lan, lan, needs_namespaces

pytestmark = needs_namespaces

COUNT = 5000
INTERVAL = 0.1
LATE = 0.02
"""Seconds by which an advert may be late at most, as aimed at."""
ANSWERS = 2.0
"""Seconds within which the page answers, as aimed at."""
LENIENT = 5
_SO_TIMESTAMPNS = 35
TAKER = """
import socket
listening = socket.create_server(("", 80), backlog=4096)
while True:
    listening.accept()[0].close()
"""
SERVERS = "\n".join(f"      s{n}: 10.98.{n // 250}.{n % 250 + 1}" for n in range(COUNT))
TEXT = f"""
cluster: web
directors:
  lb1: {{address: 10.99.0.1}}
routers:
  web: {{vrid: 51, interface: eth0, addresses: [10.99.0.100], advert_interval: 100ms}}
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: {{type: tcp, interval: 2s, fast_interval: 1s, timeout: 2s, fall: 1, rise: 1}}
    servers:
{SERVERS}
notify:
  ops: {{type: email, to: ops@example.org, from: lb1@example.org, server: 'smtp://127.0.0.1:PORT', events: [server.down]}}
control: {{socket: '${{SOCKET}}', http: '127.0.0.1:9770'}}
health: {{user: nobody}}
"""


@dataclass
class Watch:
    """What is seen from outside: when adverts arrived by the kernel's clock, and how long the page took to answer."""

    net: Lan
    adverts: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._end = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._listen, self._ask)]

    def __enter__(self) -> "Watch":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _listen(self) -> None:
        """Adverts by multicast reach every host of the bridge, the checks' packets only the servers'."""
        with self.net.inside("watch"), socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as seen:
            joined = socket.inet_aton("224.0.0.18") + socket.inet_aton(self.net.address("watch"))
            seen.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
            seen.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            seen.settimeout(0.1)
            while not self._end.is_set():
                with contextlib.suppress(TimeoutError):
                    _, control, _, _ = seen.recvmsg(2048, 64)
                    seconds, nanoseconds = struct.unpack("=qq", control[0][2])
                    self.adverts.append(seconds + nanoseconds / 1e9)

    def _ask(self) -> None:
        """The page and the whole status, one after the other."""
        with self.net.inside("lb1"):
            while not self._end.is_set():
                for path in ("/", "/v1/status"):
                    began = time.monotonic()
                    try:
                        self._get(path)
                    except OSError as error:
                        self.failures.append(f"{path}: {error}")
                    self.answers.append(time.monotonic() - began)
                self._end.wait(0.2)

    def _get(self, path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", 9770, timeout=30.0)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                self.failures.append(f"{path}: {answer.status}")


@dataclass
class Site:
    """A director, its mail server, and the process that is all its real servers."""

    net: Lan
    lb1: Director
    mail: MailServer
    taker: subprocess.Popen[bytes]


@pytest.fixture
def site() -> Iterator[Site]:
    """A director whose 5,000 servers are all well."""
    with lan("lb1", "farm", "watch") as net, contextlib.ExitStack() as stack:
        net.ip("farm", "route add local 10.98.0.0/16 dev lo")
        net.ip("lb1", f"route add 10.98.0.0/16 via {net.address('farm')}")
        with net.inside("lb1"):
            mail = stack.enter_context(mail_server())
        (lb1,) = stack.enter_context(daemons(net, TEXT.replace("PORT", str(mail.port)), "lb1"))
        taker = net.start("farm", sys.executable, "-c", TAKER)
        stack.callback(taker.wait)
        stack.callback(taker.kill)
        lb1.start()
        wait_until(lambda: lb1.is_state("master"), 15.0)
        wait_until(lambda: lb1.status()["services"]["www"]["state"] == "up", 60.0, 0.5)
        yield Site(net, lb1, mail, taker)


def test_five_thousand_servers_fail_at_once(site: Site) -> None:
    """Before any of the three is judged it is made sure that all 5,000 fell, and that the history knows each."""
    lb1, mail = site.lb1, site.mail
    with Watch(site.net) as watch:
        time.sleep(1.0)
        site.taker.kill()
        fell = time.time()
        wait_until(lambda: mail.mails, 60.0)
        mailed = time.time()
        wait_until(lambda: lb1.status()["services"]["www"]["state"] == "down", 60.0, 0.5)
        wait_until(lambda: lb1.status()["problem_counts"]["open"] == COUNT + 1, 60.0, 0.5)
        time.sleep(3.0)
    late = lateness([at for at in watch.adverts if at > fell - 0.5], INTERVAL)
    told = f"mail after {mailed - fell:.1f} s; adverts late by {max(late) * 1000:.1f} ms at most, of {len(late)}; "
    told += f"the page answered within {max(watch.answers):.2f} s, {len(watch.answers)} times"
    print(told)
    assert len(mail.mails) == 1, [one["Subject"] for one in mail.mails]
    assert f"{COUNT} events: {COUNT} server.down" in str(mail.mails[0]["Subject"])
    assert watch.failures == []
    assert max(watch.answers) < LENIENT * ANSWERS, told
    assert max(late) < LENIENT * LATE, told
    events = lb1.ask("GET", "events?limit=10000&last=true")["events"]
    assert len({one["subject"] for one in events if one["kind"] == "server.down"}) == COUNT
