"""Loading as a whole: examples, the node, the digest, what is shown, the JSON Schema, speed."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from pydantic import BaseModel

from hactl.config.load import Loaded, effective, json_schema, load
from hactl.config.schema import (
    check_forms,
    checks,
    cluster,
    document,
    ipvs,
    notify,
    patience,
    routers,
    services,
    takeover,
    track,
    ways,
)  # fmt: skip
from hactl.config.schema.base import keys_of

Load = Callable[..., Any]

ROOT = Path(__file__).parents[2]
EXAMPLE = Path(__file__).parent / "data" / "design-example.yaml"


def specs(loaded: Loaded) -> dict[str, object]:
    """The configuration without what depends on the file's own text."""
    assert loaded.config is not None, [str(fault) for fault in loaded.faults]
    return msgspec.structs.asdict(loaded.config) | {"sha256": ""}


def test_the_design_example() -> None:
    """The example of the design passes, with warnings only of what has no effect yet and of unused peers."""
    loaded = load(str(EXAMPLE), "lb1")
    assert loaded.faults == ()
    assert [warning.path for warning in loaded.warnings] == [
        "routers.web.peers",
    ]


@pytest.mark.parametrize("name", ["hactl.yaml", "hactl-minimal.yaml"])
@pytest.mark.parametrize("node", ["lb1", "lb2"])
def test_shipped_files(name: str, node: str) -> None:
    """The files that are shipped pass without a warning, for both directors."""
    loaded = load(str(ROOT / "etc" / name), node)
    assert (loaded.faults, loaded.warnings) == ((), ())
    assert loaded.config is not None


def test_the_full_file_names_every_key() -> None:
    """etc/hactl.yaml says something about every key of the common sections."""
    text = (ROOT / "etc" / "hactl.yaml").read_text(encoding="utf-8")
    models: list[type[BaseModel]] = [
        document.Document, cluster.Director, cluster.Peer, cluster.Sync, cluster.Health, cluster.Control,
        routers.Router, routers.VirtualAddress, routers.TimesToLive, routers.LinkDelay, routers.Announce,
        routers.Authentication, ways.Route, ways.Rule, takeover.Takeover, takeover.Fence,
        track.Track, track.TrackScript, track.TrackFile, track.TrackProcess,
        services.Service, services.Server, services.Pool, services.Persistence, services.Quorum, services.Sorry,
        services.Panic, services.Tunnel, services.Thresholds, checks.TcpCheck, checks.HttpsCheck, checks.Body,
        checks.Tls, notify.EmailChannel, notify.WebhookChannel, notify.ExecChannel, notify.SyslogChannel, notify.After,
        notify.Quiet, ipvs.Ipvs,
        ipvs.Timeouts, patience.Damping, patience.DependsOn,
    ]  # fmt: skip
    missing = [
        f"{model.__name__}.{key}"
        for model in models
        for key in keys_of(model)
        if not re.search(rf"(^|[\s{{#(]){key}(:| \()", text, re.MULTILINE)
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("hostname", "found"), [("lb2", "lb2"), ("lb2.example.org", "lb2"), ("db1", None), ("", None)]
)
def test_host_name(hostname: str, found: str | None) -> None:
    """A daemon finds itself by its host name, short or full; elsewhere the file is checked all the same."""
    loaded = load(str(ROOT / "etc" / "hactl-minimal.yaml"), hostname=hostname)
    assert (loaded.config.node if loaded.config else None) == found
    assert loaded.faults == ()
    assert bool(loaded.stranger) is (found is None)


def test_directors_with_full_names(load_text: Load, sound: str) -> None:
    """A short host name finds a director that is listed by its full name."""
    load_text(sound.replace("lb1:", "lb1.example.org:"))
    loaded = load("f.yaml", hostname="lb1")
    assert loaded.config is not None
    assert loaded.config.node == "lb1.example.org"


def test_unknown_node() -> None:
    """--node with a name that is no director says so, with the nearest."""
    loaded = load(str(ROOT / "etc" / "hactl-minimal.yaml"), "lb11")
    assert loaded.stranger == "there is no director 'lb11' in the file; did you mean 'lb1'?"


def test_digest(load_text: Load, sound: str) -> None:
    """Comments, order and the environment do not change the digest; content and the directors' order do."""

    def digest(text: str, **env: str) -> str:
        loaded = load_text(text, env=env)
        assert loaded.config is not None
        return str(loaded.config.sha256)

    first = digest(sound)
    assert digest("# a comment\n" + sound.replace("cluster: web\n", "") + "cluster: web\n") == first
    assert digest(sound.replace("port: 80", "port: 81")) != first
    swapped = sound.replace("  lb1: {address: 10.77.0.11}\n", "").replace(
        "routers:", "  lb1: {address: 10.77.0.11}\nrouters:"
    )
    assert digest(swapped) != first
    variable = sound.replace("port: 80", "port: ${PORT}")
    assert digest(variable, PORT="80") == digest(variable, PORT="81") != first


@pytest.mark.parametrize("path", [EXAMPLE, ROOT / "etc" / "hactl.yaml", ROOT / "etc" / "hactl-minimal.yaml"])
def test_what_is_shown_means_the_same(path: Path, tmp_path: Path) -> None:
    """The effective values, loaded as a file, give the same specs, but for what is masked."""
    text = path.read_text(encoding="utf-8").replace("headers: {X-Check: hactl}", "")
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    first = load(str(tmp_path / "a.yaml"), "lb1")
    shown = yaml.safe_dump(effective(first), sort_keys=False)
    (tmp_path / "b.yaml").write_text(shown.replace("(hidden)", "hook"), encoding="utf-8")
    assert specs(load(str(tmp_path / "b.yaml"), "lb1")) == specs(first)


def test_secrets_are_not_shown(load_text: Load, sound: str) -> None:
    """What a channel's URL and headers carry is in neither the effective values nor the document's text."""
    channel = (
        "{type: webhook, url: 'https://chat.example.org/hook/${TOKEN}?k=${TOKEN}', headers: {A: '${TOKEN}'}}"
    )
    text = sound.replace("{type: http}", "{type: http, headers: {Cookie: '${TOKEN}'}}")
    loaded = load_text(f"{text}notify: {{chat: {channel}}}\n", env={"TOKEN": "hunter2"})
    assert loaded.config is not None
    assert "hunter2" not in str(effective(loaded))
    assert "hunter2" not in repr(loaded.document)
    assert effective(loaded)["notify"]["chat"]["url"] == "https://chat.example.org/(hidden)"


def test_nothing_is_shown_of_a_faulty_file(load_text: Load) -> None:
    """A faulty file has no effective values."""
    assert effective(load_text("cluster: 1")) == {}


def _descriptions(schema: dict[str, object]) -> Iterator[tuple[str, object]]:
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    for name, definition in [("Document", schema), *definitions.items()]:
        for key, value in definition.get("properties", {}).items():
            yield f"{name}.{key}", value.get("description") or "$ref" in value


def test_json_schema() -> None:
    """The JSON Schema describes every key, and refuses unknown ones."""
    schema = json_schema()
    assert [name for name, text in _descriptions(schema) if not text] == []
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(keys_of(document.Document))
    assert len(check_forms.check_types()) == 23


def test_ten_thousand_servers(tmp_path: Path) -> None:
    """A file with 10,000 servers is checked and resolved within seconds."""
    text = (
        "cluster: web\ndirectors: {lb1: 10.0.0.1, lb2: 10.0.0.2}\nchecks: {page: {type: http}}\nservices:\n"
    )
    for service in range(100):
        text += f"  s{service}:\n    {{address: 10.1.0.{service}, port: 80, forward: dr, check: page, servers:\n      {{"
        text += (
            ",\n      ".join(
                f"r{service}-{n}: {{address: 10.2.{service}.{n}, weight: 2}}" for n in range(100)
            )
            + "}}\n"
        )
    (tmp_path / "large.yaml").write_text(text, encoding="utf-8")
    start = time.monotonic()
    loaded = load(str(tmp_path / "large.yaml"), "lb1")
    assert time.monotonic() - start < 25
    assert loaded.config is not None
    assert len(loaded.config.checks) == 10_000
