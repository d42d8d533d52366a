"""The verbs that claim addresses by hand: `takeover release`."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from hactl.claims.claim import Claim, Lost, Refused, Released, Report, Taken, Wish, parse
from hactl.cli.common import F, Fault, echo_json, json_option
from hactl.cli.durations import Duration
from hactl.printable import printable

_LEASE, _REFRESH = 5, 60.0
_LONGEST_LEASE = 3600


class _Address(click.ParamType[Claim]):
    """ADDRESS or ADDRESS/PREFIX on the command line."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Claim:
        """The claim; wrong usage with the reason for what is no host's address."""
        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Lease(Duration):
    """A lease on the command line, in seconds; the kernel counts whole ones."""

    name = "lease"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Whole seconds from text; wrong usage otherwise."""
        seconds = super().convert(value, param, ctx)
        if seconds != int(seconds) or not 2 <= seconds <= _LONGEST_LEASE:
            self.fail(f"'{value}' is no lease: whole seconds, from 2s to 1h", param, ctx)
        return seconds


def _once(context: click.Context, parameter: click.Parameter, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Wrong usage for an address that is given twice, whatever its prefixes."""
    addresses = [claim.address for claim in claims]
    for address in addresses:
        if addresses.count(address) > 1:
            raise click.BadParameter(f"{address} is given twice", context, parameter)
    return claims


def _claim_options(function: F) -> F:
    """What both verbs take: the addresses and their interface."""
    addresses = click.argument(
        "claims", type=_Address(), nargs=-1, required=True, metavar="ADDRESS[/PREFIX]...", callback=_once
    )
    interface = click.option("-i", "--interface", required=True, metavar="IFACE", help="The interface.")
    return addresses(interface(json_option(function)))


@click.command()
@_claim_options
@click.option("--lease", type=_Lease(), help=f"How long the kernel keeps them without us. Default: {_LEASE}s")
@click.option("--refresh", type=Duration(), help=f"Announce again so often. Default: {_REFRESH:.0f}s")
@click.option("--permanent", is_flag=True, help="Take them without a lease, announce them, and end.")
@click.option("--force", is_flag=True, help="Do not ask first whether another host has them.")
def takeover(
    claims: tuple[Claim, ...],
    interface: str,
    as_json: bool,
    lease: float | None,
    refresh: float | None,
    permanent: bool,
    force: bool,
) -> None:
    """Claim addresses by hand: put them on IFACE, announce them, and hold them until Ctrl-C.

    Refused when another host answers for one of them. Should this process be killed, the kernel takes the addresses off
    at the end of their lease. A VIP of a running daemon is moved by `hactl handover`.
    """
    if permanent and (lease is not None or refresh is not None):
        raise click.UsageError("--permanent has neither a --lease nor a --refresh")
    wish = Wish(
        interface=interface,
        claims=claims,
        lease=0 if permanent else int(lease or _LEASE),
        refresh=refresh or _REFRESH,
        force=force,
    )
    from hactl.claims import byhand

    with _sentences():
        kept = byhand.takeover(wish, _for_whoever_reads(_json_teller if as_json else _text_teller))
    sys.exit(0 if kept else 1)


@click.command()
@_claim_options
@click.option("--force", is_flag=True, help="Also what hactl did not put there, or what a daemon renews.")
def release(claims: tuple[Claim, ...], interface: str, as_json: bool, force: bool) -> None:
    """Take addresses off IFACE that were claimed by hand; a `hactl takeover` that holds one lets go of it.

    Without a /PREFIX the address is meant with any. What hactl did not put there stays.
    """
    from hactl.claims import byhand

    with _sentences():
        done, refusals = byhand.release(interface, claims, force=force)
    if as_json:
        echo_json({"interface": interface, "released": list(done.addresses), "refused": refusals})
    else:
        _text_teller(done)
        _complain(refusals)
    sys.exit(1 if refusals else 0)


@contextmanager
def _sentences() -> Iterator[None]:
    """Whatever the host says no to becomes a sentence and exit status 1."""
    try:
        yield
    except Refused as refused:
        *others, last = refused.args
        _complain(others)
        raise Fault(printable(last)) from refused
    except PermissionError as error:
        raise Fault("addresses are changed by root only (CAP_NET_ADMIN and CAP_NET_RAW)") from error
    except OSError as error:
        raise Fault(f"the kernel refused: {error.strerror or error}") from error


def _complain(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        click.echo(f"hactl: {printable(sentence)}", err=True)


def _for_whoever_reads(tell: Callable[[Report], None]) -> Callable[[Report], None]:
    """The same for one who may be gone by now, as what stands behind a pipe is after Ctrl-C: what is held is held."""

    def told(report: Report) -> None:
        try:
            tell(report)
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)  # or the rest would be tried again at the end
            for stream in (sys.stdout, sys.stderr):
                os.dup2(nowhere, stream.fileno())
            os.close(nowhere)

    return told


def _json_teller(report: Report) -> None:
    """One object a line."""
    import msgspec

    click.echo(msgspec.json.encode(report).decode())


def _text_teller(report: Report) -> None:
    """One line an address; a loss is told on standard error."""
    match report:
        case Taken(interface=interface, addresses=addresses, lease=lease):
            for address in addresses:
                click.echo(f"{address} is on {interface}, {_how_long(lease)}")
        case Released(interface=interface, addresses=addresses):
            for address in addresses:
                click.echo(f"{address} is off {interface}")
        case Lost(interface=interface, address=address, reason=reason):
            _complain([f"{address} is lost on {interface}: {reason}"])


def _how_long(lease: int | None) -> str:
    if lease is None:
        return "without a lease; `hactl release` takes it off"
    return f"with a lease of {lease} s; Ctrl-C takes it off"
