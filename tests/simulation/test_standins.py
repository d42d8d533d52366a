"""What stands for a part of the edge takes what the part takes: else the campaign fails by its own fault."""

import inspect

import pytest
from simulation import kernel, wires, writer

import failover.kernel
import failover.peer.links
import failover.transport

_PAIRS = (
    (failover.transport.AdvertSocket, wires.AdvertSocket),
    (failover.peer.links.LinkSockets, wires.LinkSockets),
    (failover.kernel.EventSocket, kernel.EventSocket),
    (failover.kernel.AddressWriter, writer.Writer),
)


def _methods(kind: type) -> dict[str, list[tuple[str, object]]]:
    return {
        name: [
            (parameter.name, parameter.default) for parameter in inspect.signature(method).parameters.values()
        ]
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(("real", "stand_in"), _PAIRS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_stand_in_is_called_as_the_real_one(real: type, stand_in: type) -> None:
    """Each public method is there, with the same parameters and defaults."""
    wanted, given = _methods(real), _methods(stand_in)
    assert {name: given.get(name) for name in wanted} == wanted
