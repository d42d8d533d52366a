"""The daemon's word, and the files that it needs: those with secrets, and programs; edge."""

import os
import stat

from hactl.config.model import Config
from hactl.control.client import Client, DeclinedError, UnreachableError
from hactl.doctor.peers import Daemon
from hactl.doctor.programs import ProgramFile, named
from hactl.doctor.secrets import SecretFile
from hactl.secrets.names import all_files


def daemon(path: str) -> Daemon:
    """The daemon at this socket. Raises PermissionError where it may not be asked."""
    try:
        return Daemon(status=Client(path).get("status"))
    except UnreachableError as error:
        if isinstance(error.__cause__, PermissionError):
            raise error.__cause__ from None
        return Daemon(why=str(error))
    except DeclinedError as error:
        return Daemon(why=str(error))


def secrets(config: Config) -> tuple[SecretFile, ...]:
    """Every file with a secret that the configuration names. Raises PermissionError where one may not be looked at."""
    return tuple(_secret(path) for path in dict.fromkeys(all_files(config)))


def programs(config: Config) -> tuple[ProgramFile, ...]:
    """Every program of a router, as anybody sees it."""
    return tuple(_program(path) for path in named(config))


def _program(path: str) -> ProgramFile:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return ProgramFile(path=path, there=False, trouble=error.strerror or str(error))
    usable = stat.S_ISREG(mode) and mode & 0o111
    return ProgramFile(path=path, trouble="" if usable else "it is not executable")


def _secret(path: str) -> SecretFile:
    try:
        return SecretFile(path=path, mode=os.stat(path).st_mode & 0o7777)
    except PermissionError:
        raise
    except OSError as error:
        return SecretFile(path=path, trouble=error.strerror or str(error))
