"""Which programs may be run for which worker; core.

Its law: only what stands in the configuration in force, each as the user that stands there.
"""

from hactl.config.model import Config
from hactl.messages import AllowPrograms
from health.spec import ScriptProbe


def of_checks(config: Config) -> AllowPrograms:
    """What the health workers may have run."""
    probes = (check.probe for check in config.checks)
    return AllowPrograms(tuple((p.command, p.user) for p in probes if isinstance(p, ScriptProbe)))


def of_alerts(config: Config) -> AllowPrograms:
    """What the notify worker may have run."""
    return AllowPrograms(config.notify.programs)
