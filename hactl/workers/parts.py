"""Loading the parts of the notify worker that its configuration asks for."""

import importlib
from collections.abc import Iterable

from hactl.processes.parts import Part
from notify import plugins

_NAMES = ("encodings.idna", "encodings.punycode", "idna.uts46data")
"""Modules that libraries look up only when a name with letters beyond ASCII comes: then our files may be out of reach."""

_MODULES = {
    Part.EMAIL: ("notify.channels.email", *_NAMES),
    Part.PAGE: ("hactl.control.page.server", *_NAMES),
    Part.PLUGIN: (),
    Part.WEBHOOK: ("notify.channels.webhook", *_NAMES),
}


def load(parts: Iterable[Part]) -> None:
    """Import all that these parts will ever need."""
    for part in parts:
        for name in _MODULES[part]:
            importlib.import_module(name)
        if part is Part.PLUGIN:
            plugins.load()
