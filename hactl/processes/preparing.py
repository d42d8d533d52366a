"""What each worker is given of a configuration; core.

The law: a worker gets what it works with and no more: of the secrets, those of its own part.
"""

import msgspec

from hactl.config.model import Config
from hactl.processes.messages import PageSpec, PrepareFailover, PrepareHealth, PrepareNotify
from hactl.processes.sharing import share
from hactl.secrets.names import channel_files, check_files, router_files
from health.spec import HealthSpec

FAILOVER, NOTIFY = "failover", "notify"


def preparation(
    name: str, health_workers: int, generation: int, config: Config, secrets: dict[str, str]
) -> msgspec.Struct:
    """The message that prepares the worker `name` for a generation. `secrets` is each secret file's content by path."""
    if name == FAILOVER:
        channel = config.failover.channel
        keys = secrets.get(channel.key_file, "") if channel and channel.key_file else ""
        return PrepareFailover(generation, config.failover, keys, _of(router_files(config), secrets))
    if name == NOTIFY:
        theirs = _of(channel_files(config), secrets)
        return PrepareNotify(generation, config.notify, config.node, config.cluster, theirs, page(config))
    number = int(name.rpartition("-")[2])
    checks = HealthSpec(checks=share(config.checks, number, health_workers))
    return PrepareHealth(generation, checks, _of(check_files(config), secrets))


def page(config: Config) -> PageSpec:
    """The page as the notify worker serves it: not the token, which the supervisor alone looks at."""
    names = (*(director.name.lower() for director in config.directors), *config.control.hosts)
    return PageSpec(hosts=names, operable=config.control.token_file is not None)


def _of(files: tuple[str, ...], secrets: dict[str, str]) -> dict[str, str]:
    return {file: secrets[file] for file in files if file in secrets}
