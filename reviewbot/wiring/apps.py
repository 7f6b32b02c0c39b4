"""A GitHub App in place of a token: where its number and its key are, for the worker."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from reviewbot.domain.job import ReviewJob
from reviewbot.errors import UsageError
from reviewbot.wiring import operator
from reviewbot.wiring.working import Tokens, servers

ID, KEY_FILE = "REVIEWBOT_GITHUB_APP_ID", "REVIEWBOT_GITHUB_APP_KEY_FILE"


def app_tokens(
    environ: Mapping[str, str], now: Callable[[], datetime], pause: Callable[[float], None]
) -> Tokens | None:
    """Give what makes tokens for jobs of GitHub; None where no App is configured.

    Raises UsageError where half of one is, or its key cannot be read or is none.
    """
    number, file = environ.get(ID, "").strip(), environ.get(KEY_FILE, "").strip()
    if not number and not file:
        return None
    if not number or not file:
        message = f"{ID if number else KEY_FILE} is set, and {KEY_FILE if number else ID} is not: an App needs both"
        raise UsageError(message)
    from reviewbot.forges.github.app import App, AppTokens, check_key

    app = App(id=number, key=lambda: _key(Path(file)), api_url=servers(environ)["github"].rstrip("/"))
    check_key(app)  # said now, and not with the first job
    tokens = AppTokens(app, now, pause)

    def token(job: ReviewJob) -> str:
        return tokens.token(job.project, job.project_id)

    return token


def _key(file: Path) -> str:
    try:
        return operator.text_of(file, "GitHub App's private key")
    except UsageError as error:
        message = f"{error}. {KEY_FILE} names it: mount the .pem file that GitHub gave, and let the worker read it"
        raise UsageError(message) from error
