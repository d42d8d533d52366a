"""What a worker may do by the configuration in force: which programs are run for it, whether it marks packets; core.

Its law: only what stands in that configuration, each program as the user that stands there.
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


def marks(config: Config) -> bool:
    """Whether some probe marks its packets, for which a worker needs a right (CAP_NET_RAW)."""
    return any(check.origin is not None and check.origin.mark for check in config.checks)
