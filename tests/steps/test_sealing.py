"""Saved reports, signed and verified."""

import json

import pytest

from reviewbot.steps import sealing

TEXT = '{\n  "schema": 1,\n  "findings": []\n}\n'
REQUEST = "gitlab\0group/app\0007"
OWN, OTHER = b"own-secret", b"another-secret"


def test_a_report_is_believed_under_any_of_its_secrets() -> None:
    sealed = sealing.seal(TEXT, [OWN, OTHER], REQUEST)
    assert [True, True] == [sealing.is_sealed(sealed, [secret], REQUEST) for secret in (OWN, OTHER)]


def test_without_a_secret_a_report_stays_as_it_is() -> None:
    assert TEXT == sealing.seal(TEXT, [], REQUEST)


def test_a_signed_report_is_the_same_document_and_one_key() -> None:
    document = json.loads(sealing.seal(TEXT, [OWN], REQUEST))
    assert 1 == len(document.pop("signatures"))
    assert json.loads(TEXT) == document


def test_another_layout_is_still_signed() -> None:
    document = json.loads(sealing.seal(TEXT, [OWN], REQUEST))
    assert sealing.is_sealed(json.dumps(document, indent=8), [OWN], REQUEST)


@pytest.mark.parametrize("secrets", [[], [OTHER], [b""]])
def test_nobody_else_believes_it(secrets: list[bytes]) -> None:
    assert not sealing.is_sealed(sealing.seal(TEXT, [OWN], REQUEST), secrets, REQUEST)


def test_a_report_is_of_one_request_only() -> None:
    assert not sealing.is_sealed(sealing.seal(TEXT, [OWN], REQUEST), [OWN], "gitlab\0group/app\0008")


def test_a_changed_report_is_not_believed() -> None:
    changed = sealing.seal(TEXT, [OWN], REQUEST).replace('"schema": 1', '"schema": 2')
    assert not sealing.is_sealed(changed, [OWN], REQUEST)


@pytest.mark.parametrize(
    "text",
    ["", "[", "[]", "null", '{"signatures": 1}', '{"signatures": [null, "\\u00e9", ""]}', "[" * 100_000, TEXT],
)
def test_nonsense_is_not_believed_and_no_error(text: str) -> None:
    assert not sealing.is_sealed(text, [OWN], REQUEST)
