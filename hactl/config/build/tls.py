"""How TLS is spoken, as the health worker gets it."""

from hactl.config.schema.checks import Tls
from health.spec import TlsSpec


def tls_spec(tls: Tls | None, host: str | None = None) -> TlsSpec | None:
    """The spec, None where TLS is not spoken; `host` is the name verified unless another is given."""
    if tls is None:
        return None
    return TlsSpec(
        verify=tls.verify,
        name=tls.name or host,
        ca_file=tls.ca_file,
        certificate_file=tls.certificate_file,
        key_file=tls.key_file,
        valid_for=tls.valid_for,
    )
