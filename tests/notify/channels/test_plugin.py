"""Channels of other packages, with the example that lies in etc/."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from notify import plugins
from notify.channels.base import DeliveryError
from notify.channels.registry import build
from notify.event import EventKind
from notify.spec import ChannelSpec, PluginSpec
from support.alerts import event, tools

EXAMPLE = Path(__file__).parents[3] / "etc" / "notify-plugin"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example as pip would leave it, and a plug-in that cannot be imported."""
    (tmp_path / "hactl_notify_example.py").write_text((EXAMPLE / "hactl_notify_example.py").read_text())
    info = tmp_path / "hactl_notify_example-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hactl-notify-example\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[hactl.notify]\nexample = hactl_notify_example:make\nbroken = hactl_notify_example:nothing\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(plugins, "_found", {})
    plugins.load()
    yield
    sys.modules.pop("hactl_notify_example", None)


def spec(plugin: str, options: str = "{}") -> ChannelSpec:
    """A channel of this plug-in."""
    return ChannelSpec(name="x", delivery=PluginSpec(plugin=plugin, options=options))


@pytest.mark.usefixtures("installed")
async def test_the_example_delivers(tmp_path: Path) -> None:
    """A line for each event; a file that cannot be written is a failure with the reason."""
    channel = build(spec("example", f'{{"path": "{tmp_path}/told"}}'), tools())
    await channel.deliver([event(EventKind.SERVER_DOWN, "rs1@www", old="up", new="down")])
    assert (tmp_path / "told").read_text().endswith(" UTC server rs1@www: up -> down\n")
    with pytest.raises(DeliveryError, match="No such file"):
        await build(spec("example", '{"path": "/nowhere/told"}'), tools()).deliver([event()])


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        ("missing", "no installed package brings the plug-in 'missing'"),
        ("broken", "the plug-in 'broken' cannot be loaded: AttributeError"),
        ("example", "path"),
    ],
)
async def test_a_plug_in_that_does_not_work_is_a_failing_channel(plugin: str, words: str) -> None:
    """With the reason; building it never fails, for a configuration must be taken on."""
    with pytest.raises(DeliveryError, match=words):
        await build(spec(plugin), tools()).deliver([event()])


def test_the_example_names_its_entry_point() -> None:
    """What its pyproject says is there."""
    text = (EXAMPLE / "pyproject.toml").read_text()
    assert 'example = "hactl_notify_example:make"' in text
    found = importlib.util.spec_from_file_location("example_of_etc", EXAMPLE / "hactl_notify_example.py")
    assert found is not None
    assert found.loader is not None
    module: ModuleType = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert callable(module.make)
