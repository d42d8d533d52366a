"""Every command with its options, from the command line itself."""

from collections.abc import Iterator

import click

from hactl.cli import cli
from hactl.reference.page import Entry, Page, Section

_COLUMNS = ("Option", "", "Meaning")
_EXIT = "0 done or healthy; 1 a fault was found, or the answer is no; 2 wrong usage; 3 the daemon cannot be reached."


def page() -> Page:
    """The whole command line."""
    context = click.Context(cli, info_name="hactl", **cli.context_settings)
    entries = tuple(_option(context, one) for one in cli.params if isinstance(one, click.Option))
    return Page(
        title="Commands",
        name="hactl",
        number=8,
        short="make a Linux Virtual Server cluster highly available",
        sections=(
            Section("hactl", cli.help or "", entries, _COLUMNS, "hactl VERB [OPTION]... [ARGUMENT]..."),
            *_verbs(cli, context),
            Section("EXIT STATUS", _EXIT),
            Section("SEE ALSO", "hactl.yaml(5), hactl-events(7), hactl-reasons(7), hactl-api(7), ipvsadm(8)"),
        ),
    )


def _verbs(group: click.Group, context: click.Context) -> Iterator[Section]:
    for name in group.list_commands(context):
        verb = group.get_command(context, name)
        if verb is None or verb.hidden:
            continue
        inner = click.Context(verb, parent=context, info_name=name)
        usage = " ".join([inner.command_path, *verb.collect_usage_pieces(inner)])
        options = tuple(_option(inner, one) for one in verb.params if isinstance(one, click.Option))
        yield Section(inner.command_path, _text(verb), options, _COLUMNS, usage)
        if isinstance(verb, click.Group):
            yield from _verbs(verb, inner)


def _text(verb: click.Command) -> str:
    """Its help without the marks that are meant for terminals."""
    return (verb.help or "").replace("\b\n", "").strip()


def _option(context: click.Context, option: click.Option) -> Entry:
    record = option.get_help_record(context)
    term, text = record if record is not None else (", ".join(option.opts), option.help or "")
    return Entry(term, "", text)
