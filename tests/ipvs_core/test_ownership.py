"""The record of the services that are ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hactl.ipvs import ownership
from hactl.ipvs.model import ServiceKey
from support.ipvs_build import key
from support.ipvs_strategies import keys


@given(st.frozensets(keys, max_size=5))
def test_the_record_comes_back(owned: frozenset[ServiceKey]) -> None:
    """What is stored is read as the same set, and equal sets are equal bytes."""
    data = ownership.encode(owned)
    assert ownership.decode(data) == owned
    assert ownership.encode(frozenset(sorted(owned, key=str, reverse=True))) == data


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b'{"schema": 2, "services": []}', b'{"schema": 1, "services": [{"port": "x"}]}'],
)
def test_a_damaged_record_has_a_reason(data: bytes) -> None:
    """Whatever the file holds instead, the reason is a ValueError with words."""
    with pytest.raises(ValueError, match="record of IPVS services"):
        ownership.decode(data)


def test_claims_and_releases() -> None:
    """Wished services are ours; released is what is neither wished nor held any more."""
    one, two, three = key(port=1), key(port=2), key(port=3)
    owned = ownership.claim(frozenset({one, two}), [three])
    assert owned == {one, two, three}
    assert ownership.release(owned, wished=[three], held=[two]) == {two, three}
