"""The command line in this process."""

from click.testing import CliRunner, Result

from hactl.cli import cli


def hactl(*arguments: str) -> Result:
    """The command with these arguments; never a traceback."""
    result = CliRunner().invoke(cli, arguments, prog_name="hactl")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result
