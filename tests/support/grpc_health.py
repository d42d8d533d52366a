"""A gRPC server with the standard health service, run by Debian's Python, which has gRPC's own library (python3-grpcio).

Arguments: the port, and for TLS a certificate and its key. `shop` is serving, `cellar` is not, any other is not known.
"""

import sys
from concurrent import futures
from importlib import import_module
from pathlib import Path
from typing import Any

grpc: Any = import_module("grpc")  # Debian's, which is not in the environment of the tests.

STATES = {"": 1, "shop": 1, "cellar": 2}


def check(request: bytes, context: Any) -> bytes:
    """The state of the service asked for, as protobuf's bytes."""
    state = STATES.get(request[2:].decode())
    if state is None:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service: é")
    return bytes((8, state or 0))


class Health(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The one method."""

    def service(self, details: Any) -> Any:
        """Who serves a call."""
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(check)
        return None


def main(port: str, *pair: str) -> None:
    """Serve until ended."""
    server = grpc.server(futures.ThreadPoolExecutor(2), handlers=[Health()])
    if pair:
        certificate, key = (Path(file).read_bytes() for file in pair)
        server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, certificate)]))
    else:
        server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
