"""Which change requests are left alone as a whole."""

from dataclasses import replace

import pytest

from reviewbot.domain.request import GITHUB, Account, ChangeRequest
from reviewbot.steps import exempting
from reviewbot.steps.exempting import Exemptions

REQUEST = ChangeRequest(
    dialect=GITHUB,
    project="acme/app",
    number=7,
    url="",
    title="A change",
    description="",
    author=Account(id=1, name="ann"),
    labels=("docs", "No-Review"),
    draft=True,
    open=True,
    from_fork=False,
    head_sha="a" * 40,
    base_sha="b" * 40,
    start_sha="b" * 40,
    source_branch="feature",
    target_branch="main",
)
BOT = Account(id=2, name="renovate[bot]", bot=True)


def test_by_default_all_open_requests_are_reviewed() -> None:
    assert exempting.reason(replace(REQUEST, author=BOT), Exemptions()) is None


@pytest.mark.parametrize(
    ("request_", "rules", "expected"),
    [
        (replace(REQUEST, open=False), Exemptions(), "the pull request is merged or closed"),
        (REQUEST, Exemptions(drafts=True), "the pull request is a draft (requests.skip_drafts)"),
        (replace(REQUEST, author=BOT), Exemptions(bots=True), "its author renovate[bot] is a bot (requests.skip_bots)"),
        (
            replace(REQUEST, author=BOT),
            Exemptions(authors=("dependabot[bot]", "Renovate[bot]")),
            "its author is renovate[bot] (requests.skip_authors)",
        ),
        (REQUEST, Exemptions(authors=("a*",)), "its author is ann (requests.skip_authors)"),
        (REQUEST, Exemptions(labels=("no-*",)), "it has the label 'No-Review' (requests.skip_labels)"),
    ],
)
def test_a_request_is_left_alone_with_the_settings_name(
    request_: ChangeRequest, rules: Exemptions, expected: str
) -> None:
    assert expected == exempting.reason(request_, rules)


@pytest.mark.parametrize(
    "rules",
    [
        Exemptions(bots=True),
        Exemptions(authors=("[a]nn", "bob")),
        Exemptions(labels=("review",)),
    ],
)
def test_rules_that_do_not_fit_leave_nothing_out(rules: Exemptions) -> None:
    assert exempting.reason(REQUEST, rules) is None
