"""Debian's own servers on loopback: each from one configuration made for a test, on a free port, ended by its process.

Their law: nothing of the machine's own configuration is read, and all that a server writes is in the test's folder.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
def apache(folder: Path, pair: Pair) -> Iterator[tuple[int, int]]:
    """Apache with a page that says ok and a folder nobody may see, in the clear and inside TLS; gives both ports."""
    plain, secure = free_port(), free_port()
    pages = folder / "pages"
    (pages / "closed").mkdir(parents=True)
    (pages / "index.html").write_text("apache says ok\n")
    modules = "".join(
        f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"
        for name in ("mpm_event", "authz_core", "alias", "ssl")
    )
    file = folder / "apache.conf"
    file.write_text(
        f"{modules}ServerRoot {folder}\nServerName localhost\nDocumentRoot {pages}\nPidFile {folder}/apache.pid\n"
        f"DefaultRuntimeDir {folder}\nErrorLog {folder}/apache.log\nListen 127.0.0.1:{plain}\nListen 127.0.0.1:{secure}\n"
        f"<Location /closed>\n Require all denied\n</Location>\nRedirect 302 /moved /index.html\n"
        f"<VirtualHost 127.0.0.1:{secure}>\n SSLEngine on\n SSLCertificateFile {pair.certificate}\n"
        f" SSLCertificateKeyFile {pair.key}\n</VirtualHost>\n"
    )
    with daemon(["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", str(file)], plain):
        yield plain, secure


@contextmanager
def dnsmasq(folder: Path) -> Iterator[int]:
    """A name server that knows `www.example.test` by both families and a text of it, and nobody else; gives its port."""
    port = free_port()
    options = [
        "--no-daemon",
        "--conf-file=/dev/null",
        f"--port={port}",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
    ]
    options += [
        "--no-resolv",
        "--no-hosts",
        "--local=/example.test/",
        f"--pid-file={folder}/dnsmasq.pid",
        "--user=root",
    ]
    options += [
        "--host-record=www.example.test,10.1.2.3,fd00::3",
        "--txt-record=www.example.test,all is well",
    ]
    with daemon(["/usr/sbin/dnsmasq", *options], port):
        yield port


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


@contextmanager
def slapd(folder: Path, pair: Pair, authority: Path) -> Iterator[int]:
    """An LDAP server with StartTLS and one entry, cn=probe,dc=example, that may log in; gives its port."""
    port, entries = free_port(), folder / "entries.ldif"
    (folder / "db").mkdir()
    file = folder / "slapd.conf"
    file.write_text(
        "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        f"pidfile {folder}/slapd.pid\nTLSCACertificateFile {authority}\nTLSCertificateFile {pair.certificate}\n"
        f"TLSCertificateKeyFile {pair.key}\ndatabase mdb\nsuffix dc=example\ndirectory {folder}/db\n"
        "access to attrs=userPassword by anonymous auth\naccess to * by * read\n"
    )
    entries.write_text(
        "dn: dc=example\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n\n"
        f"dn: cn=probe,dc=example\nobjectClass: person\ncn: probe\nsn: (a*b)\nuserPassword: {PASSWORD}\n"
    )
    subprocess.run(["/usr/sbin/slapadd", "-f", file, "-l", entries], check=True, timeout=30)
    with daemon(["/usr/sbin/slapd", "-f", str(file), "-h", f"ldap://127.0.0.1:{port}", "-d", "0"], port):
        yield port


@contextmanager
def mariadbd(folder: Path, pair: Pair) -> Iterator[int]:
    """A MariaDB server with the user `probe` and the database `shop`, TLS offered; gives its port."""
    port, first = free_port(), folder / "first.sql"
    word = PASSWORD.replace("\\", "\\\\")
    first.write_text(
        f"CREATE DATABASE shop;\nCREATE USER probe@'127.0.0.1' IDENTIFIED BY '{word}';\n"
        "GRANT ALL ON shop.* TO probe@'127.0.0.1';\n"
    )
    common = ["--no-defaults", f"--datadir={folder}/db", "--user=root"]
    install = [
        "/usr/bin/mariadb-install-db",
        *common,
        "--skip-test-db",
        "--auth-root-authentication-method=normal",
    ]
    subprocess.run(install, check=True, timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    options = [
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--socket={folder}/sock",
        f"--init-file={first}",
    ]
    options += [f"--ssl-cert={pair.certificate}", f"--ssl-key={pair.key}", "--skip-name-resolve"]
    options += [f"--pid-file={folder}/pid", f"--log-error={folder}/error.log"]
    with daemon(["/usr/sbin/mariadbd", *common, *options], port):
        yield port


@contextmanager
def postgres(folder: Path, pair: Pair) -> Iterator[int]:
    """A PostgreSQL server with the users `probe` (SCRAM), `old` (MD5) and `clear`, TLS offered; gives its port."""
    port, data = free_port(), folder / "pg"
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    data.mkdir()
    shutil.chown(data, "postgres")
    shutil.chown(pair.key, "postgres")
    pair.key.chmod(0o600)
    quiet: dict[str, Any] = {
        "user": "postgres",
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "cwd": "/",
    }
    subprocess.run([programs / "initdb", "-D", data, "-A", "trust", "-N"], check=True, timeout=60, **quiet)
    word = PASSWORD.replace("'", "''")
    users = f"CREATE USER probe PASSWORD '{word}'; SET password_encryption = 'md5'; CREATE USER old PASSWORD '{word}';"
    single: list[str | Path] = [programs / "postgres", "--single", "-D", data, "postgres"]
    text = f"{users} CREATE USER clear PASSWORD '{word}';\n".encode()
    subprocess.run(single, input=text, check=True, timeout=60, **quiet)
    methods = (("probe", "scram-sha-256"), ("old", "md5"), ("clear", "password"), ("all", "scram-sha-256"))
    rules = (f"host all {user} 127.0.0.1/32 {method}\n" for user, method in methods)
    (data / "pg_hba.conf").write_text("".join(rules))
    settings: dict[str, Any] = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "ssl": "on",
    }
    settings |= {"ssl_cert_file": pair.certificate, "ssl_key_file": pair.key}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with daemon([str(programs / "postgres"), "-D", str(data), *options], port, user="postgres", cwd="/"):
        yield port


@contextmanager
def grpc_health(pair: Pair | None = None) -> Iterator[int]:
    """A gRPC server with the health service, by gRPC's own library; with a certificate inside TLS; gives its port."""
    port, program = free_port(), Path(__file__).with_name("grpc_health.py")
    tls = [] if pair is None else [str(pair.certificate), str(pair.key)]
    with daemon(["/usr/bin/python3", "-I", str(program), str(port), *tls], port):
        yield port


@contextmanager
def kamailio(folder: Path) -> Iterator[int]:
    """A SIP server on UDP and TCP, where nobody called `gone` is; gives its port."""
    port, file = free_port(), folder / "kamailio.cfg"
    file.write_text(
        "#!KAMAILIO\ndebug=0\nlog_stderror=yes\nfork=no\nchildren=1\n"
        f"listen=udp:127.0.0.1:{port}\nlisten=tcp:127.0.0.1:{port}\n"
        'loadmodule "pv.so"\nloadmodule "sl.so"\nloadmodule "textops.so"\nrequest_route {\n'
        ' if (is_method("OPTIONS") && $rU == "gone") { sl_send_reply("404", "Not Found"); exit; }\n'
        ' if (is_method("OPTIONS")) { sl_send_reply("200", "Keepalive"); exit; }\n}\n'
    )
    command = ["/usr/sbin/kamailio", "-f", str(file), "-DD", "-E", "-m", "16", "-Y", str(folder)]
    with daemon(command, port, stdout=subprocess.DEVNULL):
        yield port


@contextmanager
def freeradius(folder: Path) -> Iterator[int]:
    """A RADIUS server that knows the user `probe`, with Status-Server and the secret `shared`; gives its port."""
    port, word = free_port(), PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    (folder / "radiusd.conf").write_text(
        f"prefix = /usr\nlibdir = /usr/lib/freeradius\nlogdir = {folder}\nrun_dir = {folder}\npidfile = {folder}/pid\n"
        f"security {{\n status_server = yes\n}}\nlog {{\n destination = files\n file = {folder}/radius.log\n}}\n"
        "thread pool {\n start_servers = 1\n max_servers = 2\n}\n"
        f'client here {{\n ipaddr = 127.0.0.1\n secret = "shared"\n}}\nmodules {{\n pap {{\n }}\n}}\n'
        f"server default {{\n listen {{\n type = auth\n ipaddr = 127.0.0.1\n port = {port}\n }}\n"
        f' authorize {{\n if (&User-Name == "probe") {{\n update control {{\n &Cleartext-Password := "{word}"\n }}\n }}\n'
        " pap\n }\n authenticate {\n pap\n }\n}\n"
    )
    with daemon(["/usr/sbin/freeradius", "-f", "-d", str(folder)]):
        yield port
