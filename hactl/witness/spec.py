"""What the configuration asks of witnesses: frozen, resolved; core."""

import msgspec

from health.spec import CheckSpec


class ArbiterSpec(msgspec.Struct, frozen=True, kw_only=True):
    """An etcd cluster that grants one director at a time a lease. `ttl` is whole seconds.

    `endpoints` are URLs; the files are those of TLS, None for what the system trusts and for no certificate of ours.
    """

    endpoints: tuple[str, ...]
    ttl: int
    prefix: str
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None

    @property
    def name(self) -> str:
        """In words."""
        return f"etcd {', '.join(self.endpoints)}"


class SeenSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A witness that a check sees: its name in words, and the check."""

    name: str
    check: CheckSpec


class WitnessesSpec(msgspec.Struct, frozen=True, kw_only=True):
    """All witnesses. So many of them are `need`ed, the arbiter always among them; each counts for `patience` seconds.

    `keys` are the arbiter's keys by router; routers that move together share one.
    """

    need: int
    patience: float
    seen: tuple[SeenSpec, ...] = ()
    arbiter: ArbiterSpec | None = None
    keys: dict[str, str] = {}
    holder: str = ""
    """Who this director is to the arbiter; the host's boot is added."""
