"""A real etcd server in a host of a `support.netns.Lan`: one member, with its data in a folder that ends with it."""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Iterator

from support.daemon import wait_until
from support.netns import Lan

PORT = 2379


@contextlib.contextmanager
def etcd(net: Lan, host: str) -> Iterator["Server"]:
    """It answers when the block begins."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(net, host, folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()


class Server:
    """The member, which can be killed and started again."""

    def __init__(self, net: Lan, host: str, folder: str) -> None:
        self.net, self.host, self._folder = net, host, folder
        self.url = f"http://{net.address(host)}:{PORT}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        local = f"http://127.0.0.1:{PORT + 1}"
        self.process = self.net.start(
            self.host,
            "etcd",
            *("--data-dir", self._folder, "--name", "m", "--log-level", "error", "--logger", "zap"),
            *("--listen-client-urls", f"http://0.0.0.0:{PORT}", "--advertise-client-urls", self.url),
            *("--listen-peer-urls", local, "--initial-advertise-peer-urls", local),
            *("--initial-cluster", f"m={local}"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: self.ask("maintenance/status", "{}") is not None, 20.0)

    def kill(self) -> None:
        """As by a crash."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def ask(self, what: str, body: str) -> dict[str, object] | None:
        """What its JSON gateway answers; None for nothing."""
        url = f"http://127.0.0.1:{PORT}/v3/{what}"
        done = self.net.run(self.host, "curl", "-s", "-m", "2", "-d", body, url, check=False)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None
