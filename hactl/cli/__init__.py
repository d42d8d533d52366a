"""The command line: `hactl VERB`, one file for each group of verbs.

The law: nothing slow is imported before it is needed, so a verb's file is read when the verb is used. Exit
status: 0 done or healthy, 1 a fault was found or the answer is no, 2 wrong usage, 3 the daemon cannot be
reached.
"""

import errno
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from hactl.cli.common import config_option, node_option, socket_option

_VERBS = {
    "run": ("hactl.cli.daemon", "the daemon, in the foreground"),
    "check": ("hactl.cli.config", "validate a configuration"),
    "schema": ("hactl.cli.config", "the JSON Schema of the configuration, for editors"),
    "plan": ("hactl.cli.plan", "what a reload would change on the running daemon"),
    "reload": ("hactl.cli.daemon", "apply the configuration to the running daemon"),
    "status": ("hactl.cli.show", "routers, services, servers, peers: state, since when, and why"),
    "top": ("hactl.cli.top", "all real servers live, on the whole terminal"),
    "drain": ("hactl.cli.operate", "no new connections for a server, existing ones stay"),
    "disable": ("hactl.cli.operate", "take a server out of service"),
    "enable": ("hactl.cli.operate", "end drain, disable and weight of a server"),
    "weight": ("hactl.cli.operate", "give a server another weight"),
    "ack": ("hactl.cli.acknowledge", "say that a problem is known: nobody is told of it again"),
    "handover": ("hactl.cli.operate", "give mastership to the peer"),
    "standby": ("hactl.cli.operate", "take this director out: hand over and stand aside"),
    "resume": ("hactl.cli.operate", "take part in elections again after a handover or a standby"),
    "takeover": ("hactl.cli.takeover", "claim addresses by hand and announce them"),
    "release": ("hactl.cli.takeover", "take addresses off that were claimed by hand"),
    "realserver": (
        "hactl.cli.realserver",
        "on a real server: VIPs, ARP hiding, tunnels; apply, remove, check",
    ),
    "probe": ("hactl.cli.probe", "run one check now, and explain each step"),
    "doctor": ("hactl.cli.doctor", "what is wrong with this host or cluster, and how to mend it"),
    "events": ("hactl.cli.show", "what happened"),
    "report": ("hactl.cli.report", "availability and downtimes of services, servers and directors"),
    "notify": ("hactl.cli.notify", "try a channel of notification"),
    "lab": ("hactl.cli.lab", "a cluster to play with, in network namespaces"),
    "version": ("hactl.cli.show", "the version of hactl"),
}

_ELSEWHERE = {
    "start": "`systemctl start hactl`, or `hactl run` in the foreground",
    "stop": "`systemctl stop hactl`; to take this director out and leave the daemon, `hactl standby`",
    "restart": "`systemctl restart hactl`; for another configuration `hactl reload` is enough",
    "failover": "`hactl handover`",
    "switchover": "`hactl handover`",
    "failback": "`hactl resume`, or `hactl handover` here",
    "maintenance": "`hactl standby` for this director, `hactl drain SERVER` for a real server",
    "undrain": "`hactl enable SERVER`",
    "show": "`hactl status`",
    "list": "`hactl status`",
    "logs": "`hactl events`, or `journalctl -u hactl`",
    "log": "`hactl events`, or `journalctl -u hactl`",
    "validate": "`hactl check`",
    "configtest": "`hactl check`",
    "help": "`hactl --help`, or `hactl VERB --help`",
}
"""What other tools call it, or people at 3 a.m., and what is meant; the nearest verb by its letters would mislead."""

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_EPILOG = """\b
Shell completion:
  bash  eval "$(_HACTL_COMPLETE=bash_source hactl)"    in ~/.bashrc
  zsh   eval "$(_HACTL_COMPLETE=zsh_source hactl)"     in ~/.zshrc
  fish  _HACTL_COMPLETE=fish_source hactl | source     in config.fish

\b
Exit status:
  0 done or healthy   1 a fault was found, or the answer is no
  2 wrong usage       3 the daemon cannot be reached
"""


class _Verbs(click.Group):
    """A group whose verbs live in files that are imported on use; help comes from the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every verb, in the table's order."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, its file imported now."""
        if cmd_name not in _VERBS:
            return None
        command: click.Command = getattr(import_module(_VERBS[cmd_name][0]), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb in `args`; an unknown one is answered with the nearest."""
        if args and not args[0].startswith("-") and args[0] not in _VERBS:
            if args[0] in _ELSEWHERE:
                ctx.fail(f"there is no verb '{args[0]}'; it is {_ELSEWHERE[args[0]]}")
            from hactl.config.fault import suggestion

            ctx.fail(f"there is no verb '{args[0]}'{suggestion(args[0], _VERBS, at_most=len(_VERBS))}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with one line each, without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, text) for verb, (_, text) in _VERBS.items()])


@click.group(cls=_Verbs, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@config_option
@node_option
@socket_option
def cli() -> None:
    """hactl makes a Linux Virtual Server cluster highly available.

    It checks real servers and keeps the kernel's IPVS table, elects one master among the directors and moves
    the virtual addresses to it, and tells operators what happened.
    """


def main(arguments: list[str] | None = None) -> Any:
    """The console script. Ends the process with the exit status."""
    # Where the terminal's alphabet is a small one, what is not in it is shown by its number.
    with suppress(AttributeError):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return cli.main(arguments, prog_name="hactl")
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        print(f"hactl: the output cannot be written: {error.strerror}", file=sys.stderr)
        os._exit(1)  # An ordinary end would try to write the rest.
