"""Bearer tokens: found by their digests, in any spelling of the header, and by nothing else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.tenant import Tenant
from reviewbot.gateway import tokens
from reviewbot.gateway.tokens import Directory

SHOP, OLD, BANK = (f"made-up-{name}" for name in ("shop", "old", "bank"))
TENANTS = (
    Tenant(name="shop", token_digests=(tokens.digest(SHOP), tokens.digest(OLD))),
    Tenant(name="bank", token_digests=(tokens.digest(BANK),)),
    Tenant(name="closed"),
)


def found(authorization: str | None) -> str | None:
    tenant = Directory(TENANTS).find(authorization)
    return None if tenant is None else tenant.name


def test_a_digest_is_that_of_sha256sum() -> None:
    assert hashlib.sha256(SHOP.encode()).hexdigest() == tokens.digest(SHOP)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   ", " Bearer \t", "bEaReR "])
def test_each_token_of_a_tenant_finds_it_in_any_spelling_of_the_scheme(scheme: str) -> None:
    assert ["shop", "shop", "bank"] == [found(f"{scheme}{token} ") for token in (SHOP, OLD, BANK)]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        " ",
        "Bearer",
        "Bearer ",
        SHOP,
        f"Bearer{SHOP}",
        f"Basic {SHOP}",
        f"Bearer {SHOP} {SHOP}",
        f"Bearer {SHOP}, Bearer {BANK}",
        f"Bearer {SHOP.upper()}",
        f"Bearer {SHOP[:-1]}",
        f"Bearer {SHOP}x",
        f"Bearer {SHOP}\x00",
        f"Bearer {SHOP}\xa0",
        f'Bearer "{SHOP}"',
        f"Bearer {tokens.digest(SHOP)}",
        f"Bearer\t{SHOP}",
        f"Bearer Bearer {SHOP}",
        "Bearer \udcff",
    ],
)
def test_anything_else_finds_nobody(authorization: str | None) -> None:
    assert found(authorization) is None


def test_a_token_may_have_512_characters_and_no_more() -> None:
    longest, longer = "t" * tokens.LONGEST, "t" * (tokens.LONGEST + 1)
    directory = Directory([Tenant(name="long", token_digests=(tokens.digest(longest), tokens.digest(longer)))])
    assert directory.find(f"Bearer {longest}") is not None
    assert [None, None] == [directory.find(f"Bearer {text}") for text in (longer, "t" * 5_000_000)]


def test_a_gateway_without_tenants_knows_nobody() -> None:
    assert Directory(()).find(f"Bearer {SHOP}") is None


@given(st.text(max_size=80))
def test_no_text_that_is_no_token_finds_anybody_or_fails(text: str) -> None:
    assert [None, None] == [found(text), found(f"Bearer {text}")]
