"""What is said on the wire: one dialogue for each kind of probe.

Its law: bytes in, bytes or an end out; no socket.
"""
