"""The control API: what can be asked of a running daemon, the server on its Unix socket, and the client."""
