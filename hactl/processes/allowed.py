"""Which programs may be run for which worker; core.

Its law: only what stands in the configuration in force, each as the user that stands there.
"""

from hactl.config.model import Config
from hactl.processes.messages import AllowPrograms, WithHosts
from health.spec import ScriptProbe


def of_checks(config: Config) -> AllowPrograms:
    """What the health workers may have run; one that is called with hosts, only with those that it checks."""
    programs: dict[tuple[tuple[str, ...], str], None] = {}
    with_hosts: dict[tuple[tuple[str, ...], str], dict[str, None]] = {}
    for check in config.checks:
        if isinstance(check.probe, ScriptProbe):
            program = (check.probe.command, check.probe.user)
            if check.together:
                with_hosts.setdefault(program, {})[check.address] = None
            else:
                programs[program] = None
    return AllowPrograms(
        tuple(programs), tuple(WithHosts(*program, tuple(hosts)) for program, hosts in with_hosts.items())
    )


def of_alerts(config: Config) -> AllowPrograms:
    """What the notify worker may have run."""
    return AllowPrograms(config.notify.programs)
