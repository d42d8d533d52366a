"""`check` and `schema` as an operator uses them."""

import json
from pathlib import Path

import pytest

from support.commandline import hactl

MINIMAL = str(Path(__file__).parent.parent.parent / "etc" / "hactl-minimal.yaml")


def test_sound_file() -> None:
    """A sound file is said to be, for the director named, and for any host."""
    assert hactl("check", MINIMAL, "--node", "lb1").stdout == f"{MINIMAL}: sound for director lb1\n"
    assert hactl("-c", MINIMAL, "--node", "lb2", "check").exit_code == 0
    assert hactl("check", "--strict", MINIMAL).exit_code == 0


def test_every_fault_is_listed(tmp_path: Path) -> None:
    """Faults go to standard error with their places; the exit status is 1."""
    file = tmp_path / "bad.yaml"
    file.write_text("cluster: web\ndirectorz: {}\nservices: 7\n")
    result = hactl("check", str(file))
    assert result.exit_code == 1
    assert f"{file}:2:1: directorz: " in result.stderr
    assert f"{file}:3:" in result.stderr
    assert result.stdout.endswith("faults\n")
    answer = json.loads(hactl("check", str(file), "--json").stdout)
    assert answer["ok"] is False
    assert {"file", "line", "column", "path", "message"} <= set(answer["faults"][0])


def test_director_that_is_none() -> None:
    """A director named on the command line must be in the file."""
    result = hactl("check", MINIMAL, "--node", "lb3")
    assert result.exit_code == 1
    assert "there is no director 'lb3'" in result.stderr
    assert json.loads(hactl("check", MINIMAL, "--node", "lb3", "--json").stdout)["ok"] is False


@pytest.mark.parametrize("path", ["/nowhere/hactl.yaml", "/etc"])
def test_what_is_no_file(path: str) -> None:
    """A missing file and a directory are one line each."""
    result = hactl("check", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{path}:1:1: cannot be read: ")


def test_effective_configuration() -> None:
    """--show prints the file with its defaults, as YAML or within the JSON."""
    assert "advert_interval: 100ms" in hactl("check", MINIMAL, "--node", "lb1", "--show").stdout
    answer = json.loads(hactl("check", MINIMAL, "--node", "lb1", "--show", "--json").stdout)
    assert answer["effective"]["cluster"] == "web"


def test_schema() -> None:
    """The schema is one JSON document."""
    assert json.loads(hactl("schema").stdout)["$schema"].startswith("https://json-schema.org/")
