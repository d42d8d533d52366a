"""Server and client over a real Unix socket, with made-up commands behind them."""

import json
import os
import pwd
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from hactl.control.client import Client, DeclinedError, UnreachableError
from hactl.control.commands import (
    Action,
    Caller,
    HandoverRequest,
    OverrideRequest,
    PlanRequest,
    ReloadAnswer,
    ReloadRequest,
    ResumeRequest,
    StandbyRequest,
)
from hactl.control.gate import EACH
from hactl.control.roles import Role
from hactl.control.server import MAX_REQUEST
from hactl.plan.model import Plan
from support.fake_daemon import FakeDaemon, fake_daemon

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    """A daemon that answers."""
    with fake_daemon(tmp_path / "s") as running:
        yield running


@pytest.fixture
def client(daemon: FakeDaemon) -> Client:
    """A client of it."""
    return Client(daemon.path)


def raw(path: str, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to raw bytes."""
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(10)
        end.connect(path)
        end.sendall(request)
        data = b""
        while chunk := end.recv(65536):
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


def ask(path: str, method: str, target: str, body: bytes = b"") -> tuple[int, dict[str, str], Any]:
    """Like raw, for a well-formed request and a JSON answer."""
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    status, headers, data = raw(path, head.encode() + body)
    return status, headers, json.loads(data)


def test_status_is_handed_through(daemon: FakeDaemon, client: Client) -> None:
    """The client sees the snapshot as it was given."""
    assert client.get("status") == daemon.commands.snapshot


def test_version(client: Client) -> None:
    """The version of the API stands beside the daemon's, and whom it takes the caller for."""
    assert client.get("version") == {
        "api": 1, "version": "0.1.0", "cluster": "web", "node": "lb1",
        "user": pwd.getpwuid(os.getuid()).pw_name, "role": "admin",
    }  # fmt: skip


def test_override_with_its_caller(daemon: FakeDaemon, client: Client) -> None:
    """A change carries who asked, by the kernel's word."""
    answer = client.post(
        "overrides", {"action": "drain", "server": "rs1", "for_seconds": 7200, "reason": "disk"}
    )
    assert answer == {"servers": ["rs1@www"], "applied_on": ["lb1"], "warnings": []}
    request, caller = daemon.commands.asked[0]
    assert request == OverrideRequest(action=Action.DRAIN, server="rs1", for_seconds=7200, reason="disk")
    name = pwd.getpwuid(os.getuid()).pw_name
    assert caller == Caller(os.getuid(), os.getpid(), name, Role.ADMIN, owner=True)


def test_a_whole_number_may_be_written_as_json_likes(daemon: FakeDaemon) -> None:
    """5, 5.0 and 5e0 are one number."""
    for text in (b"5", b"5.0", b"5e0"):
        body = b'{"action": "weight", "server": "rs1", "weight": ' + text + b"}"
        assert ask(daemon.path, "POST", "/v1/overrides", body)[0] == 200
    assert {
        request.weight for request, _ in daemon.commands.asked if isinstance(request, OverrideRequest)
    } == {5}


def test_overrides_are_listed(client: Client) -> None:
    """Overrides in force come with all their fields."""
    (override,) = client.get("overrides")["overrides"]
    assert (override["server"], override["service"], override["weight"]) == ("rs1", None, 5)
    assert (override["until"], override["at"]) == (None, "1970-01-01T00:00:01.000Z")


def test_handover_and_resume(daemon: FakeDaemon, client: Client) -> None:
    """An empty body means all defaults; given keys are passed on."""
    assert client.post("handover", {})["routers"][0]["done"] is True
    client.post("handover", {"router": "web", "hold_seconds": 60})
    client.post("resume", {"router": None})
    assert [request for request, _ in daemon.commands.asked] == [
        HandoverRequest(),
        HandoverRequest(router="web", hold_seconds=60),
        ResumeRequest(),
    ]
    assert ask(daemon.path, "POST", "/v1/resume")[0] == 200


def test_standby(daemon: FakeDaemon, client: Client) -> None:
    """Soft unless told otherwise."""
    assert client.post("standby", {})["routers"][0]["router"] == "web"
    client.post("standby", {"hard": True})
    assert [request for request, _ in daemon.commands.asked] == [StandbyRequest(), StandbyRequest(hard=True)]


def test_reload(daemon: FakeDaemon, client: Client) -> None:
    """A reload answers with its changes; root and the daemon's own user may name another file."""
    assert client.post("reload", {"path": "/tmp/x.yaml", "force": True})["changes"]
    assert daemon.commands.asked[0][0] == ReloadRequest(path="/tmp/x.yaml", force=True)


def test_plan(daemon: FakeDaemon, client: Client) -> None:
    """A plan is an answer also where the reload would be refused; a text or an unknown key is none of its requests."""
    daemon.commands.plan_answer = Plan(file="/f", ok=False, faults=("/f:1:2: a: b",))
    assert client.post("plan", {"path": "/f"}) == {
        "file": "/f", "ok": False, "changes": [], "refused": [], "faults": ["/f:1:2: a: b"], "warnings": [],
    }  # fmt: skip
    assert daemon.commands.asked[0][0] == PlanRequest(path="/f")
    with pytest.raises(DeclinedError, match="text"):
        client.post("plan", {"text": "cluster: web"})


def test_rejected_reload_lists_its_faults(daemon: FakeDaemon, client: Client) -> None:
    """A configuration with faults is a refusal that carries each of them."""
    daemon.commands.reload_answer = ReloadAnswer(ok=False, faults=("x:1:2: a: b",), refused="1 fault")
    with pytest.raises(DeclinedError, match="1 fault") as caught:
        client.post("reload", {})
    assert caught.value.code == "rejected"
    assert caught.value.answer["faults"] == ["x:1:2: a: b"]
    assert ask(daemon.path, "POST", "/v1/reload")[0] == 422


@pytest.fixture
def open_daemon() -> Iterator[FakeDaemon]:
    """A daemon whose directory every user can reach."""
    with TemporaryDirectory(prefix="hactl-") as folder:
        os.chmod(folder, 0o755)
        with fake_daemon(Path(folder) / "s") as running:
            yield running


def as_nobody(path: str, verb: str, body: str = "") -> str:
    """What a client of user and group nobody is told: the answer, or why there is none."""
    program = """
import json, os, sys
from hactl.control.client import Client, DeclinedError, UnreachableError
path, verb, body = sys.argv[1:]
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
client = Client(path)
try:
    print(client.post(verb, json.loads(body)) if body else client.get(verb))
except (DeclinedError, UnreachableError) as error:
    print(error)
"""
    command = [sys.executable, "-c", program, path, verb, body]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


@pytest.mark.root
def test_only_root_names_another_file(open_daemon: FakeDaemon) -> None:
    """A member of the group may reload the daemon's own file and no other: a file names programs to run."""
    os.chmod(open_daemon.path, 0o666)
    assert "'ok': True" in as_nobody(open_daemon.path, "reload", '{"force": true}')
    assert "only root" in as_nobody(open_daemon.path, "reload", '{"path": "/etc/shadow"}')
    assert "only root" in as_nobody(open_daemon.path, "plan", '{"path": "/etc/shadow"}')
    assert [caller.uid for _, caller in open_daemon.commands.asked] == [65534]


@pytest.mark.root
def test_one_user_has_so_many_connections(open_daemon: FakeDaemon) -> None:
    """Whoever may connect could take all descriptors of the daemon, and its memory; one more than is allowed is closed."""
    os.chmod(open_daemon.path, 0o666)
    program = """
import os, socket, sys, time
os.setgid(65534)
os.setuid(65534)
ends = [socket.socket(socket.AF_UNIX) for _ in range(int(sys.argv[2]) + 1)]
for end in ends:
    end.settimeout(10)
    end.connect(sys.argv[1])
    time.sleep(0.002)
print(repr(ends[-1].recv(1)), flush=True)
ends[-2].send(b"GET /v1/status HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
print(ends[-2].recv(15), flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", program, open_daemon.path, str(EACH)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        assert held.stdout.readline() == "b''\n"
        assert held.stdout.readline() == "b'HTTP/1.1 200 OK'\n"
        assert "nobody" not in as_nobody(open_daemon.path, "version")
        assert Client(open_daemon.path).get("version")
        held.communicate("")
    assert "nobody" in as_nobody(open_daemon.path, "version")


@pytest.mark.root
def test_no_permission_names_the_group(open_daemon: FakeDaemon) -> None:
    """Who may not connect is told which group may."""
    assert "members of group 'root' may" in as_nobody(open_daemon.path, "status")


def test_refusal_has_code_and_sentence(daemon: FakeDaemon) -> None:
    """A refusal of the commands keeps its code, its sentence and a fitting status."""
    status, _, answer = ask(daemon.path, "POST", "/v1/overrides", b'{"action": "drain", "server": "rs9"}')
    assert status == 404
    assert answer["error"]["code"] == "not_found"
    assert "did you mean 'rs1'?" in answer["error"]["message"]


def test_failure_of_ours_is_contained(daemon: FakeDaemon, client: Client) -> None:
    """A fault of the daemon's own is answered, reported, and the next request works."""
    with pytest.raises(DeclinedError, match="its log says why") as caught:
        client.post("overrides", {"action": "drain", "server": "rs8"})
    assert caught.value.code == "internal"
    assert daemon.faults == ["POST /v1/overrides: ZeroDivisionError: made up"]
    assert client.get("version")


@pytest.mark.parametrize(
    ("method", "target", "body", "status", "words"),
    [
        ("GET", "/", b"", 404, "nothing at /"),
        ("GET", "/v2/status", b"", 404, "nothing at /v2/status"),
        ("POST", "/v1/status", b"", 405, "POST is not possible"),
        ("DELETE", "/v1/overrides", b"", 405, "DELETE is not possible"),
        ("POST", "/v1/overrides", b"{", 400, "truncated"),
        ("POST", "/v1/overrides", b"\xff", 400, "malformed"),
        ("POST", "/v1/overrides", b"[]", 400, "Expected `object`"),
        ("POST", "/v1/overrides", b"", 400, "missing required field"),
        ("POST", "/v1/overrides", b'{"action": "kill", "server": "a"}', 400, "Invalid enum value"),
        ("POST", "/v1/overrides", b'{"action": "drain", "server": "a b"}', 400, "server"),
        ("POST", "/v1/overrides", b'{"action": "drain", "server": "a", "x": 1}', 400, "unknown field `x`"),
        ("POST", "/v1/overrides", b'{"action": "drain", "server": "a", "for_seconds": -1}', 400, ">= 0"),
        ("POST", "/v1/overrides", b"[" * 60_000, 400, "nested too deeply"),
        ("POST", "/v1/overrides", b'{"x":' * 10_000, 400, "nested too deeply"),
        ("POST", "/v1/overrides", b'{"action": "weight", "server": "a", "weight": 1.5}', 400, "got `float`"),
        ("POST", "/v1/overrides", b'{"action": "weight", "server": "a", "weight": 1e308}', 400, "<= 65535"),
        ("POST", "/v1/overrides", b'{"action": "drain", "server": "a", "for_seconds": 1e999}', 400, "<= "),
        ("GET", "/v1/events?limit=0", b"", 400, ">= 1"),
        ("GET", "/v1/events?limit=many", b"", 400, "limit"),
        ("GET", "/v1/events?wait=1e9", b"", 400, "<= 60"),
        ("GET", "/v1/events?since=nan", b"", 400, "since"),
        ("GET", "/v1/events?colour=red", b"", 400, "unknown field `colour`"),
        ("GET", "/v1/events?limit=1&limit=2", b"", 400, "limit is given twice"),
        ("GET", "/v1/status?service=www", b"", 400, "takes no query"),
        ("POST", "/v1/overrides", b'{"action": "drain", "server": "a\\n"}', 400, "server"),
    ],
)
def test_bad_requests(
    daemon: FakeDaemon, method: str, target: str, body: bytes, status: int, words: str
) -> None:
    """Every kind of wrong request is a clean refusal in one form."""
    got, headers, answer = ask(daemon.path, method, target, body)
    assert got == status
    assert headers["Content-Type"].startswith("application/json")
    assert words in answer["error"]["message"]
    assert daemon.faults == []


def test_wrong_method_names_the_right_one(daemon: FakeDaemon) -> None:
    """405 says what is allowed."""
    assert ask(daemon.path, "POST", "/v1/status")[1]["Allow"] == "GET"
    assert ask(daemon.path, "PUT", "/v1/overrides")[1]["Allow"] == "GET,POST"


def test_long_request_is_refused(daemon: FakeDaemon) -> None:
    """A request over the limit is refused and the daemon goes on."""
    status, _, answer = ask(daemon.path, "POST", "/v1/reload", b" " * (MAX_REQUEST + 1))
    assert (status, answer["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/status HTTP/9.9\r\n\r\n",
        b"GET /v1/\xff HTTP/1.1\r\n\r\n",
    ],
)
def test_garbage_is_refused(
    daemon: FakeDaemon, client: Client, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """What is no HTTP is a 400, and the daemon goes on; its log gets no traceback that anybody could fill it with."""
    assert raw(daemon.path, request_bytes)[0] == 400
    assert caplog.records == []
    assert client.get("version")


def test_client_that_leaves_in_the_middle(daemon: FakeDaemon, client: Client) -> None:
    """A client that dies within its request costs nothing."""
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(daemon.path)
        end.sendall(b"POST /v1/overrides HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert client.get("version")
    assert daemon.faults == []


def test_a_body_that_does_not_come(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that announces more than it sends holds its connection for a while only."""
    monkeypatch.setattr("hactl.control.body.WITHIN", 0.2)
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(5)
        end.connect(daemon.path)
        end.sendall(b"POST /v1/overrides HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        answer = end.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"did not come within 0.2 s" in answer
    assert daemon.faults == []


def test_events(client: Client) -> None:
    """Events carry their row and their time as text; since, after, limit and last choose among them."""
    rows = client.get("events")["events"]
    assert [row["row"] for row in rows] == [1, 2, 3]
    assert rows[0]["at"] == "2026-01-01T00:00:01.000Z"
    assert rows[0]["kind"] == "server.down"
    assert [r["row"] for r in client.get("events", after=1, limit=1)["events"]] == [2]
    assert [r["row"] for r in client.get("events", limit=1, last="true")["events"]] == [3]
    assert [r["row"] for r in client.get("events", since=1767225602.5)["events"]] == [3]


def test_waiting_for_an_event(daemon: FakeDaemon, client: Client) -> None:
    """A long poll is answered when something happens, long before its time is over."""
    timer = threading.Timer(0.2, daemon.happen, [4])
    timer.start()
    began = time.monotonic()
    rows = client.get("events", timeout=40, after=3, wait=30)["events"]
    timer.join()
    assert [row["row"] for row in rows] == [4]
    assert time.monotonic() - began < 5


def test_waiting_in_vain(client: Client) -> None:
    """A long poll without an event ends with none."""
    assert client.get("events", after=3, wait=0.05)["events"] == []


def test_stop_does_not_wait_for_followers(daemon: FakeDaemon, client: Client) -> None:
    """A daemon that stops ends the long polls it holds."""
    timer = threading.Timer(0.2, daemon.stop)
    timer.start()
    began = time.monotonic()
    assert client.get("events", timeout=40, after=3, wait=30)["events"] == []
    timer.join()
    assert time.monotonic() - began < 10


def test_no_daemon(tmp_path: Path) -> None:
    """No socket, a dead socket, a mute one, a strange one: each has its own sentence."""
    with pytest.raises(UnreachableError, match="there is no such socket"):
        Client(str(tmp_path / "none")).get("status")
    with pytest.raises(UnreachableError, match="path too long"):
        Client(str(tmp_path / ("x" * 200))).get("status")
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute"))
        with pytest.raises(UnreachableError, match="nobody listens"):
            Client(str(tmp_path / "mute")).get("status")
        mute.listen()
        with pytest.raises(UnreachableError, match="does not answer in time"):
            Client(str(tmp_path / "mute"), timeout=0.1).get("status")


def test_many_at_once_wait_their_turn(tmp_path: Path) -> None:
    """Where more connect at once than the daemon has let in, they wait; for no longer than for an answer."""
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(tmp_path / "s"))
        listener.listen(0)
        first.connect(str(tmp_path / "s"))
        with pytest.raises(UnreachableError, match="does not answer in time"):
            Client(str(tmp_path / "s"), timeout=0.1).get("status")

        def let_in() -> None:
            listener.accept()[0].close()
            with listener.accept()[0] as end:
                end.recv(65536)
                end.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        timer = threading.Timer(0.2, let_in)
        timer.start()
        assert Client(str(tmp_path / "s")).get("status") == {}
        timer.join()


_NO = b'HTTP/1.1 400 Bad Request\r\nContent-Length: 14\r\n\r\n{"error":"no"}'


@pytest.mark.parametrize(
    "answer", [b"", b"220 mail\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<a/>", _NO]
)
def test_stranger_at_the_socket(tmp_path: Path, answer: bytes) -> None:
    """Something else listening there is said, whatever it answers."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()

        def reply() -> None:
            end, _ = listener.accept()
            with end:
                end.recv(65536)
                end.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(UnreachableError, match=r"ended the connection|does not speak"):
            Client(str(tmp_path / "s")).get("status")
        thread.join()
