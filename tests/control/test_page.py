"""The page's HTTP side with the supervisor's desk behind it, over a real socket."""

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from hactl.control.commands import OverrideRequest
from hactl.control.page.server import CONNECTIONS, WATCHING
from support.daemon import wait_until
from support.fake_daemon import event
from support.fake_page import TOKEN, FakePage


@contextlib.contextmanager
def watch(page: FakePage) -> Iterator[http.client.HTTPResponse]:
    """A client of the live view."""
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.request("GET", "/v1/live")
    with contextlib.closing(connection), connection.getresponse() as stream:
        yield stream


def said(stream: http.client.HTTPResponse, kind: str) -> Any:
    """The content of the next message of this kind."""
    while True:
        line = stream.readline().decode()
        assert line, "the stream has ended"
        if line == f"event: {kind}\n":
            return json.loads(stream.readline().decode().removeprefix("data: "))


@pytest.mark.parametrize(
    "path", ["/", "/page.css", "/page.js", "/view.js", "/chart.js", "/icon.svg", "/metrics", "/v1/status"]
)
def test_every_answer_is_guarded(page: FakePage, path: str) -> None:
    """Whatever is shown, a browser may neither embed it, guess its type, nor load anything for it from elsewhere."""
    status, headers, body = page.ask("GET", path)
    assert (status, bool(body)) == (200, True)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/view.js", "/chart.js"])
def test_nothing_comes_from_elsewhere(page: FakePage, path: str) -> None:
    """The page names no other host."""
    _, _, body = page.ask("GET", path)
    assert b"//" not in body.replace(b"http://www.w3.org/2000/svg", b"").replace(
        b"\n//", b""
    ) or path.endswith(".js")
    assert b"https://" not in body


def test_status_and_events(page: FakePage) -> None:
    """Both are told as on the control socket."""
    status, _, body = page.ask("GET", "/v1/status")
    assert (status, json.loads(body)["cluster"]) == (200, "web")
    _, _, body = page.ask("GET", "/v1/events?last=true&limit=2")
    assert [row["id"] for row in json.loads(body)["events"]] == ["e2", "e3"]


def test_metrics(page: FakePage) -> None:
    """Prometheus reads our names and node_exporter's."""
    _, headers, body = page.ask("GET", "/metrics")
    lines = body.decode().splitlines()
    assert headers["Content-Type"].startswith("text/plain; version=")
    assert 'hactl_server_health{server="rs3",service="www",state="down"} 1.0' in lines
    assert any(line.startswith("node_ipvs_backend_weight{") and 'proto="TCP"' in line for line in lines)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:80", 200),
        ("[::1]:80", 200),
        ("localhost", 200),
        ("LB1:9770", 200),
        ("evil.example", 403),
        ("", 403),
    ],
)
def test_a_strange_name_is_turned_away(page: FakePage, host: str, status: int) -> None:
    """A page that rebinds its own name to our address learns nothing."""
    assert page.ask("GET", "/v1/status", Host=host)[0] == status


def test_whoever_watches_sees_changes_and_events(page: FakePage) -> None:
    """First the whole status, then only what changed; what came to be nothing is taken out."""
    with watch(page) as stream:
        first = said(stream, "status")
        assert first["services"]["www"]["servers"]["rs1"]["connections"]["active"] == 3
        changed = json.loads(json.dumps(page.commands.snapshot))
        changed["services"]["www"]["servers"]["rs1"]["connections"]["active"] = 4
        del changed["services"]["mark"]
        page.commands.snapshot = changed
        patch = said(stream, "patch")
        assert patch == {
            "services": {"www": {"servers": {"rs1": {"connections": {"active": 4}}}}, "mark": None}
        }
        page.call(lambda: page.server.emit(event(7)))
        assert said(stream, "event")["id"] == "e7"


def test_an_operator_with_the_token_acts(page: FakePage) -> None:
    """The request is carried out as on the socket, under a name that says where it came from."""
    status, answer = page.post("overrides", {"action": "drain", "server": "rs1", "reason": "disk"})
    assert (status, answer["servers"]) == (200, ["rs1@www"])
    asked, caller = page.commands.asked[0]
    assert isinstance(asked, OverrideRequest)
    assert (asked.server, asked.reason, caller.user) == ("rs1", "disk", "page from 127.0.0.1")


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x"])
def test_without_the_token_nothing_is_done(page: FakePage, token: str) -> None:
    """No token, a wrong one, and one that only begins right."""
    status, answer = page.post("standby", {}, token)
    assert (status, answer["error"]["code"]) == (403, "forbidden")
    assert page.commands.asked == []


def test_where_there_is_no_token_nobody_acts(page: FakePage) -> None:
    """An empty token is not one that everybody has."""
    page.token = ""
    status, answer = page.post("standby", {}, "")
    assert status == 403
    status, answer = page.post("standby", {}, "x")
    assert (status, answer["error"]["message"].split(";")[0]) == (403, "this page only shows")
    assert page.commands.asked == []


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"action": "explode", "server": "rs1"}, 400),
        ({"action": "drain", "server": "rs9"}, 404),
        ({"wrong": 1}, 400),
    ],
)
def test_a_bad_request_is_answered_in_words(page: FakePage, content: dict[str, Any], status: int) -> None:
    """The desk refuses as the control socket does."""
    code, answer = page.post("overrides", content)
    assert (code, bool(answer["error"]["message"])) == (status, True)


def test_a_fault_of_ours_is_told_and_no_more(page: FakePage) -> None:
    """A request that trips over a mistake is answered and logged; the next one is served."""
    status, answer = page.post("overrides", {"action": "drain", "server": "rs8"})
    assert (status, answer["error"]["code"]) == (500, "internal")
    assert page.faults == ["page, overrides: ZeroDivisionError: made up"]
    page.faults.clear()
    assert page.ask("GET", "/v1/status")[0] == 200


def test_a_token_that_is_no_text_is_the_wrong_one(page: FakePage) -> None:
    """Bytes that are not UTF-8 are a stranger's mistake and none of ours: they do not fill the log."""
    answer = page.ask("POST", "/v1/overrides", b"{}", Authorization="Bearer \xff\xfe")  # as Latin-1
    assert (answer[0], json.loads(answer[2])["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_other_methods_are_refused(page: FakePage, method: str) -> None:
    """What shows is only asked for."""
    assert page.ask(method, "/v1/status")[0] == 405


def test_too_long_a_request(page: FakePage) -> None:
    """The body's length is bounded."""
    status, _, _ = page.ask("POST", "/v1/overrides", b" " * 100_000, Authorization=f"Bearer {TOKEN}")
    assert status == 413


def test_idle_connections_do_not_pile_up(page: FakePage) -> None:
    """Beyond the limit a connection is closed at once; when others have gone, the page answers again."""
    held = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(CONNECTIONS)]
    try:
        page.call(lambda: None)
        with socket.create_connection(("127.0.0.1", page.port), timeout=10) as late:
            assert late.recv(1) == b""
    finally:
        for end in held:
            end.close()
    page.call(lambda: None)
    assert page.ask("GET", "/v1/status")[0] == 200


def test_a_body_that_does_not_come(page: FakePage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a stranger without a token could have all connections, and nobody the page."""
    monkeypatch.setattr("hactl.control.body.WITHIN", 0.2)
    with socket.create_connection(("127.0.0.1", page.port), timeout=10) as end:
        end.sendall(b"POST /v1/overrides HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer x\r\n")
        end.sendall(b"Content-Length: 100\r\n\r\n{")
        assert b"did not come within 0.2 s" in end.recv(65536)


def test_who_does_not_read_is_let_go(page: FakePage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that asks and asks, and takes nothing of the answers, has its connection for a while only."""
    monkeypatch.setattr("hactl.control.page.door.READ_WITHIN", 0.5)
    page.call(lambda: page.door.want(None))
    page.call(lambda: page.door.want(f"127.0.0.1:{page.port}"))
    with socket.create_connection(("127.0.0.1", page.port), timeout=0.5) as end:
        with contextlib.suppress(TimeoutError):
            while True:
                end.sendall(b"GET /view.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 100)
        runner = page.server.runner
        assert runner is not None
        assert runner.server is not None
        server = runner.server
        wait_until(lambda: not page.call(lambda: server.connections), 20.0)


def test_so_many_may_watch(page: FakePage) -> None:
    """One more than allowed is told so."""
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(watch(page)) for _ in range(WATCHING)]
        assert all(stream.status == 200 for stream in streams)
        assert page.ask("GET", "/v1/live")[0] == 503


def answers(page: FakePage) -> bool:
    """Whether somebody is there."""
    try:
        return page.ask("GET", "/v1/page")[0] == 200
    except ConnectionError:
        return False


def test_the_port_moves_with_the_configuration(page: FakePage) -> None:
    """Closed, then opened elsewhere; a port that is taken is said, and had as soon as it is free."""
    first = page.port
    page.call(lambda: page.door.want(None))
    wait_until(lambda: not answers(page))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        page.port = taken.getsockname()[1]
        page.call(lambda: page.door.want(f"127.0.0.1:{page.port}"))
        assert "Address already in use" in page.door.trouble
    page.call(lambda: setattr(page.door, "_again", 0.0))
    page.call(page.door.look)
    assert (page.door.trouble, page.port != first) == ("", True)
    assert page.ask("GET", "/v1/status")[0] == 200
