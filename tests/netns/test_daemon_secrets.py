"""Secrets of a whole daemon: one is planted in every key that may hold one, and nothing that the daemon emits has it.

Servers that are spoken to send back what they were told, as a hostile one would; receivers of alerts refuse.
"""

import base64
import contextlib
import re
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hactl.config.load import json_schema
from support.certificates import Authority
from support.daemon import Director, daemons, wait_until
from support.netns import Lan, lan, needs_namespaces

pytestmark = [needs_namespaces, pytest.mark.timeout(180)]

NO_SECRETS = {"ca_file", "certificate_file", "known_hosts_file"}
"""Keys for files that everybody may read."""
RECEIVER = "http://10.99.0.2:8000"
GREETINGS = {
    2021: b"220 ftp ready\r\n", 2143: b"* OK imap\r\n", 2110: b"+OK pop3\r\n", 2587: b"220 mail ESMTP\r\n",
    2025: b"220 mail ESMTP\r\n",
    2379: b"", 8000: b"", 2389: b"", 2306: b"", 2432: b"", 2443: b"", 2022: b"SSH-2.0-x\r\n",
}  # fmt: skip
REFUSALS = {2021: b"331 ", 2143: b"a NO ", 2110: b"-ERR ", 2587: b"535 ", 2025: b"535 ", 2379: b"-ERR "}


class _Echo(socketserver.BaseRequestHandler):
    """Greets, and refuses every line with that line."""

    def handle(self) -> None:
        port: int = self.request.getsockname()[1]
        with contextlib.suppress(OSError):
            self.request.settimeout(10)
            self.request.sendall(GREETINGS[port])
            while data := self.request.recv(65536):
                self.request.sendall(self._answer(port, data))
                if port not in REFUSALS:
                    return

    def _answer(self, port: int, data: bytes) -> bytes:
        line = data.splitlines()[0] if data.splitlines() else b""
        if port in (2587, 2025) and line.upper().startswith(b"EHLO"):
            return b"250-mail\r\n250 AUTH PLAIN\r\n"
        if port == 2110 and line.upper().startswith(b"USER"):
            return b"+OK\r\n"
        if port == 2143:
            return line.split(b" ")[0] + b" NO you said " + line + b"\r\n"
        if port in REFUSALS:
            return REFUSALS[port] + b"you said " + b" ".join(data.split()) + b"\r\n"
        return b"HTTP/1.1 500 no\r\nConnection: close\r\n\r\nyou said " + data


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextlib.contextmanager
def echoes(net: Lan, host: str) -> Iterator[None]:
    """One on each port."""
    servers = []
    for port in GREETINGS:
        with net.inside(host):
            servers.append(_Server((net.address(host), port), _Echo))
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


@dataclass
class Planted:
    """What was put into the configuration, by the key that holds it: every form in which it could be seen."""

    folder: Path
    words: dict[str, set[bytes]] = field(default_factory=dict)

    def word(self, key: str) -> str:
        """A new secret for a key."""
        made = f"planted-{len(self.words):02}-{key.replace('.', '-')}-abcdefghijklmnop"[:60]
        self.note(key, made)
        return made

    def note(self, key: str, *words: str) -> None:
        """These are secret."""
        raw = {word.encode() for word in words}
        coded = {base64.b64encode(b"\0me\0" + one) for one in raw} | {base64.b64encode(one) for one in raw}
        self.words.setdefault(key, set()).update(raw | coded)

    def file(self, key: str, form: str = "{}") -> str:
        """A file with a new secret, for a key."""
        path = self.folder / key
        path.write_text(form.format(self.word(key)) + "\n")
        path.chmod(0o600)
        return str(path)

    def known_file(self, key: str, path: Path) -> str:
        """A file with a key of its own form: each longer line of it is secret."""
        self.note(
            key, *(line for line in path.read_text().splitlines() if len(line) > 20 and "--" not in line)
        )
        return str(path)

    def seen_in(self, place: str, text: bytes) -> list[str]:
        """The keys whose secrets stand in a text, with the place."""
        return [
            f"{key} in {place}" for key, forms in self.words.items() if any(form in text for form in forms)
        ]


def configuration(planted: Planted) -> str:
    """Every key that may hold a secret, with one."""
    authority = Authority(planted.folder)
    pair = authority.sign("client")
    ssh = planted.folder / "ssh"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(ssh)], check=True)
    tls_key = planted.known_file("tls.key_file", pair.key)
    pair.key.chmod(0o644)
    f, w = planted.file, planted.word
    return f"""
cluster: web
directors: {{lb1: 10.99.0.1, lb2: 10.99.0.3}}
routers:
  old: {{vrid: 51, interface: eth0, addresses: [10.99.0.100], version: 2,
    authentication: {{type: password, password_file: {_short(planted, "routers.password_file")}}}}}
  new: {{vrid: 52, interface: eth0, addresses: [10.99.0.101],
    authentication: {{type: hmac, key_file: {f("routers.key_file", "1 {}")}}}}}
peer: {{key_file: {f("peer.key_file")}}}
checks:
  ftp: {{type: ftp, port: 2021, user: me, password_file: {f("ftp.password_file")}}}
  imap: {{type: imap, port: 2143, user: me, password_file: {f("imap.password_file")}}}
  pop3: {{type: pop3, port: 2110, user: me, password_file: {f("pop3.password_file")}}}
  mail: {{type: submission, port: 2587, user: me, password_file: {f("submission.password_file")}}}
  redis: {{type: redis, port: 2379, password_file: {f("redis.password_file")}}}
  ldap: {{type: ldap, port: 2389, bind_dn: cn=me, password_file: {f("ldap.password_file")}}}
  mysql: {{type: mysql, port: 2306, user: me, password_file: {f("mysql.password_file")}}}
  postgres: {{type: postgresql, port: 2432, user: me, password_file: {f("postgresql.password_file")}}}
  radius: {{type: radius, port: 1812, user: me, secret_file: {f("radius.secret_file")},
    password_file: {f("radius.password_file")}}}
  ssh: {{type: ssh, port: 2022, user: me, run_as: root, key_file: {planted.known_file("ssh.key_file", ssh)}}}
  https: {{type: https, port: 2443, headers: {{X-Key: {w("https.headers")}}},
    tls: {{verify: false, certificate_file: {pair.certificate}, key_file: {tls_key}}}}}
  http: {{type: http, port: 8000, path: /x, headers: {{X-Key: {w("http.headers")}}}}}
services:
  www:
    address: 10.99.0.100
    port: 80
    forward: nat
    check: [ftp, imap, pop3, mail, redis, ldap, mysql, postgres, radius, ssh, https, http]
    servers: {{rs1: 10.99.0.2}}
notify:
  mail: {{type: email, to: a@example.org, server: 'smtp://10.99.0.2:2025', severity: info, digest: 100ms, user: me,
    password_file: {f("email.password_file")}, starttls: false}}
  hook: {{type: webhook, url: '{RECEIVER}/{w("webhook.url")}', secret_file: {f("webhook.secret_file")}, severity: info,
    digest: 100ms, headers: {{X-Key: {w("webhook.headers")}}}}}
  plug: {{type: plugin, plugin: nothing-of-that-name, options: {{key: {w("plugin.options")}}},
    secret_file: {f("plugin.secret_file")}}}
health: {{user: nobody}}
control: {{socket: '${{SOCKET}}', http: '10.99.0.1:9770', token_file: {f("control.token_file", "admin alice {}")}}}
"""


def _short(planted: Planted, key: str) -> str:
    """VRRPv2 has eight bytes for a password."""
    path = planted.folder / key
    path.write_text("s3cr3tV2\n")
    path.chmod(0o600)
    planted.note(key, "s3cr3tV2")
    return str(path)


class Watch:
    """Sees the argument lists of all processes of a daemon, those that live for a moment among them."""

    def __init__(self, group: str) -> None:
        self.lines: set[bytes] = set()
        self._group = group
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.02):
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    with contextlib.suppress(OSError):
                        self.lines.add((entry / "cmdline").read_bytes())


@dataclass
class Scene:
    """A daemon with everything planted, and what it emitted."""

    lb1: Director
    planted: Planted
    text: str
    emitted: dict[str, bytes] = field(default_factory=dict)

    def run(self, *words: str) -> str:
        """A verb of the command line; what it said is emitted."""
        done = self.lb1.hactl(*words)
        self.emitted[" ".join(words)] = (done.stdout + done.stderr).encode()
        return done.stdout + done.stderr

    def page(self, path: str) -> None:
        """A page of it is emitted."""
        line = ("curl", "-sN", "-m", "3", "-i", f"http://10.99.0.1:9770{path}")
        self.emitted[path] = self.lb1.net.run("rs1", *line, check=False).stdout.encode()

    def reload(self, old: str, new: str) -> str:
        """Reload with another text, as a person would after a mistake."""
        assert old in self.text
        self.lb1.write(self.text.replace(old, new))
        said = self.run("plan") + self.run("plan", "--json") + self.run("reload")
        self.emitted[f"reload with {new[:20]}"] = said.encode()
        return said

    def leaks(self) -> list[str]:
        """Every secret in anything emitted."""
        return [found for place, text in self.emitted.items() for found in self.planted.seen_in(place, text)]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """It runs, and every check has failed."""
    tmp_path.chmod(0o755)
    tmp_path.parent.chmod(0o755)
    planted = Planted(tmp_path)
    text = configuration(planted)
    with lan("lb1", "rs1") as net, echoes(net, "rs1"), daemons(net, text, "lb1") as (lb1,):
        lb1.start()
        yield Scene(lb1, planted, text)


def test_nothing_that_is_emitted_has_a_secret(scene: Scene) -> None:
    """Status, log, history, page, metrics, plans, faults of a reload, argument lists, and what is kept on disk."""
    lb1 = scene.lb1
    with Watch(lb1.socket) as watch:
        wait_until(lambda: _all_checked(lb1), 40)
        for channel in ("mail", "hook", "plug"):
            scene.run("notify", "test", channel)
        for check in (
            "ftp",
            "imap",
            "pop3",
            "mail",
            "redis",
            "ldap",
            "mysql",
            "postgres",
            "radius",
            "ssh",
            "https",
            "http",
        ):
            scene.run("probe", check, "rs1", "-c", str(lb1.config), "--node", "lb1")
        scene.run("check", "--show", "-c", str(lb1.config), "--node", "lb1")
        scene.run("check", "--show", "--json", "-c", str(lb1.config), "--node", "lb1")
        scene.run("doctor", "-c", str(lb1.config), "--node", "lb1")
        _reload_in_every_way(scene)
        for line in ("status", "status www", "status --json", "events --json -n 5000", "report --json"):
            scene.run(*line.split())
        for path in (
            "/",
            "/page.js",
            "/v1/status",
            "/v1/events?limit=1000",
            "/v1/page",
            "/v1/live",
            "/metrics",
        ):
            scene.page(path)
        for name in ("openapi.json", "overrides", "version"):
            scene.emitted[name] = repr(lb1.ask("GET", name)).encode()
    scene.emitted["log"] = lb1.log.read_bytes()
    scene.emitted |= {f"argument list {line[:60]!r}": line for line in watch.lines}
    scene.emitted |= {
        f"kept {path.name}": path.read_bytes() for path in lb1.state.rglob("*") if path.is_file()
    }
    assert any(b"hactl.workers.health" in line for line in watch.lines)
    leaks = scene.leaks()
    assert not leaks, "\n".join(leaks)
    assert _unplanted(scene) == set()


def _all_checked(lb1: Director) -> bool:
    checks = lb1.server("rs1@www")["checks"].values()
    return all(check["state"] == "down" for check in checks)


def _reload_in_every_way(scene: Scene) -> None:
    """Secrets changed, and faults exactly where secrets stand."""
    words = scene.planted.words
    first = {key: next(form.decode() for form in forms if form.startswith(b"planted")) for key, forms in words.items()
             if any(form.startswith(b"planted") for form in forms)}  # fmt: skip
    assert "notify" in scene.reload(first["webhook.headers"], scene.planted.word("webhook.headers, another"))
    assert "notify" in scene.reload(first["webhook.url"], scene.planted.word("webhook.url, another"))
    scene.reload(first["http.headers"], scene.planted.word("http.headers, another"))
    scene.reload(first["plugin.options"], scene.planted.word("plugin.options, another"))
    hook = first["webhook.url"]
    assert "URL" in scene.reload(f"'{RECEIVER}/{hook}'", f"'ftp://10.99.0.2/{hook}'")
    scene.reload(f"'{RECEIVER}/{hook}'", f"'http://me:{hook}@10.99.0.2/'")
    scene.reload(f"X-Key: {first['webhook.headers']}", f"X Key: {first['webhook.headers']}")
    scene.reload(f"{{X-Key: {first['http.headers']}}}", first["http.headers"])
    scene.reload(f"{{X-Key: {first['http.headers']}}}", f"{{X-Key: [{first['http.headers']}]}}")
    scene.reload(f"{{X-Key: {first['http.headers']}}}", f'{{X-Key: "{first["http.headers"]}\\x07"}}')
    scene.reload(f"key_file: {scene.planted.folder}/peer.key_file", f"key_file: {first['peer.key_file']}")
    scene.reload(
        f"password_file: {scene.planted.folder}/ftp.password_file", f"password: {first['ftp.password_file']}"
    )
    Path(scene.planted.folder / "control.token_file").write_text(
        first["control.token_file"] + " and more words\n"
    )
    scene.reload("10.99.0.101", "10.99.0.102")


def _unplanted(scene: Scene) -> set[str]:
    """Keys of the schema that may hold secrets and have none planted."""
    schema = json_schema()
    keys = set()
    for part in schema["$defs"].values():
        kind = part.get("properties", {}).get("type", {}).get("const")
        for key in part.get("properties", {}):
            if (key.endswith("_file") and key not in NO_SECRETS) or key in ("headers", "url"):
                keys.add(f"{kind}.{key}" if kind else key)
    planted = {re.sub(r"^(routers|peer|control|tls)\.", "", key) for key in scene.planted.words}
    return keys - planted
