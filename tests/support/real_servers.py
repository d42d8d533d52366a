"""Debian's own servers on loopback: each from one configuration made for a test, on a free port, ended by its process.

Their law: nothing of the machine's own configuration is read, and all that a server writes is in the test's folder.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.certificates import Pair
from support.servers import daemon, free_port

PASSWORD = 'pass "word\\'
"""What users of these servers log in with."""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that servers without root's rights can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="hactl-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def vsftpd(folder: Path, pair: Pair) -> Iterator[int]:
    """An FTP server for `anonymous`, with AUTH TLS; gives its port."""
    port, empty = free_port(), folder / "empty"
    empty.mkdir(mode=0o755)
    file = folder / "vsftpd.conf"
    file.write_text(
        f"listen=YES\nbackground=NO\nlisten_address=127.0.0.1\nlisten_port={port}\nanonymous_enable=YES\nlocal_enable=NO\n"
        f"anon_root={empty}\nsecure_chroot_dir={empty}\nssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=NO\n"
        f"rsa_cert_file={pair.certificate}\nrsa_private_key_file={pair.key}\nssl_ciphers=HIGH\nseccomp_sandbox=NO\n"
        "isolate=NO\nisolate_network=NO\nxferlog_enable=NO\n"
    )
    with daemon(["/usr/sbin/vsftpd", str(file)], port):
        yield port


@contextmanager
def dovecot(folder: Path, pair: Pair) -> Iterator[tuple[int, int]]:
    """An IMAP and a POP3 server for the user `a`, both with STARTTLS; gives their ports."""
    imap, pop3 = free_port(), free_port()
    (folder / "users").write_text(f"a:{{PLAIN}}{PASSWORD}\n")
    (folder / "users").chmod(0o644)
    file = folder / "dovecot.conf"
    file.write_text(
        f"protocols = imap pop3\nlisten = 127.0.0.1\nbase_dir = {folder}/run\nstate_dir = {folder}/state\n"
        f"log_path = {folder}/dovecot.log\nmail_location = maildir:{folder}/mail/%u\ndisable_plaintext_auth = no\n"
        f"ssl = yes\nssl_cert = <{pair.certificate}\nssl_key = <{pair.key}\nfirst_valid_uid = 1\n"
        f"passdb {{\n driver = passwd-file\n args = scheme=PLAIN {folder}/users\n}}\n"
        f"userdb {{\n driver = static\n args = uid=mail gid=mail home={folder}/mail/%u\n}}\n"
        f"service imap-login {{\n inet_listener imap {{\n port = {imap}\n }}\n"
        " inet_listener imaps {\n port = 0\n }\n}\n"
        f"service pop3-login {{\n inet_listener pop3 {{\n port = {pop3}\n }}\n"
        " inet_listener pop3s {\n port = 0\n }\n}\n"
    )
    mail = folder / "mail"
    mail.mkdir()
    mail.chmod(0o777)
    with daemon(["/usr/sbin/dovecot", "-F", "-c", str(file)], imap):
        yield imap, pop3


@contextmanager
def redis(folder: Path, *options: str) -> Iterator[int]:
    """A Redis server with these further options; gives its port."""
    port = free_port()
    command = ["/usr/bin/redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with daemon([*command, "--dir", str(folder), "--logfile", str(folder / "log"), *options], port):
        yield port


@contextmanager
def chronyd(folder: Path, stratum: int) -> Iterator[int]:
    """A time server that claims this stratum and leaves the clock alone; gives its port."""
    port = free_port()
    file = folder / "chrony.conf"
    file.write_text(
        f"port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum {stratum}\ncmdport 0\nbindcmdaddress /\n"
        f"pidfile {folder}/chronyd.pid\n"
    )
    with daemon(["/usr/sbin/chronyd", "-d", "-x", "-u", "root", "-f", str(file)]):
        yield port
