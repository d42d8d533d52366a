"""Starting the daemon: what must be true before it runs, each refused with one sentence.

The law: facts of the host that can mend themselves (an interface, a module, a server) never stop the daemon from starting.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from hactl import log, store
from hactl.control.listener import Listener, ListenError
from hactl.ipvs.errors import IpvsError
from hactl.processes import reader
from hactl.workers.base import user_exists


def run(path: str, node: str | None, socket_override: str | None) -> int:
    """Run the daemon in the foreground; the exit status. Says in one sentence why it does not start."""
    # Who asks for a reload while the daemon is starting gets one once it runs: until then the signal waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        begun = reader.begin(path, node)
    except OSError as error:
        return _refuse(f"no process can be started to read {path}: {error.strerror}")
    from hactl.supervisor.supervisor import Supervisor  # while the file is being read: both take their time

    loaded = reader.finish(path, begun)
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if loaded.config is None:
        for fault in loaded.faults:
            print(fault, file=sys.stderr)
        count = len(loaded.faults)
        return _refuse(
            loaded.stranger or f"{path} has {count} fault{'s' if count != 1 else ''}; nothing was started"
        )
    config = loaded.config
    if os.geteuid() != 0:
        return _refuse(
            "root is needed: addresses, IPVS and raw sockets are changed (the workers give that up)"
        )
    if config.health.user is not None and not user_exists(config.health.user):
        return _refuse(f"health.user: there is no user '{config.health.user}' on this host")
    try:
        store.prepare(Path(config.state_dir))
        listener = Listener(socket_override or config.control.socket, config.control.group)
    except OSError as error:
        return _refuse(f"state_dir {config.state_dir} cannot be used: {error.strerror}")
    except ListenError as error:
        return _refuse(str(error))
    log.configure()
    with listener:
        try:
            store.claim(Path(config.state_dir))  # held until this process ends
        except BlockingIOError:
            return _refuse(f"another hactl daemon has the state_dir {config.state_dir}")
        place = os.path.abspath(path)

        async def serve() -> None:
            await Supervisor(place, node, config, listener).run()

        failed = ""
        try:
            asyncio.run(serve())
        except* IpvsError as errors:
            failed = f"{errors.exceptions[0]}; without its table, servers that serve would be taken out"
    return _refuse(failed) if failed else 0


def _refuse(sentence: str) -> int:
    print(f"hactl: {sentence}", file=sys.stderr)
    return 1
