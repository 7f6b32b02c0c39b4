"""A GitHub App at the fake GitHub: it proves itself by a JWT, and gets tokens of its installation.

The refusals are those that GitHub is known to give (octokit/auth-app.js and PyGithub's issues quote them).
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from fakes.github_calls import Reply
from fakes.github_refusals import Json, not_found, refused
from fakes.github_world import Token, World

_LONGEST_S = 600
_EXPIRY = "'Expiration time' claim ('exp')"
_ISSUED = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
_numbers = itertools.count(1)


def new_key() -> RSAPrivateKey:
    """Make a private key; it takes a moment."""
    return generate_private_key(public_exponent=65_537, key_size=2_048)


def pem(key: RSAPrivateKey) -> str:
    """Spell a key as GitHub gives it out."""
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@dataclass(slots=True)
class Asked:
    """A request for a token."""

    repositories: list[int] | None
    permissions: Mapping[str, str]


@dataclass(slots=True)
class FakeApp:
    """An App, installed on the repository that there is."""

    key: RSAPrivateKey
    id: str = "1234"
    installation: int = 77
    installed: bool = True
    permissions: dict[str, str] = field(default_factory=lambda: {"contents": "read", "pull_requests": "write"})
    lasts_s: float = 3_600
    ahead_s: float = 0
    """How far GitHub's clock is ahead of everybody's."""
    asked: list[Asked] = field(default_factory=list)

    def concerns(self, path: str) -> bool:
        """Tell whether a path is for Apps."""
        return path.startswith("/app/") or path == "/app" or path.endswith("/installation")

    def answer(self, world: World, verb: str, path: str, proof: str, body: Json) -> Reply:
        """Answer a request. Raises Refused."""
        self._check(proof)
        home = f"/repos/{world.full_name}/installation"
        if not self.installed and path != "/app/installations":
            raise not_found()
        if (verb, path) == ("GET", home):
            return Reply(body=self._installation())
        if (verb, path) == ("GET", "/app/installations"):
            return Reply(body=[self._installation()] if self.installed else [])
        if (verb, path) == ("POST", f"/app/installations/{self.installation}/access_tokens"):
            return Reply(status=201, body=self._grant(world, body))
        raise not_found()

    def _check(self, proof: str) -> None:
        now = datetime.now(UTC).timestamp() + self.ahead_s
        try:
            options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
            told = jwt.decode(proof, self.key.public_key(), algorithms=["RS256"], options=options)
        except jwt.PyJWTError:
            raise refused(401, "A JSON web token could not be decoded") from None
        if told.get("iss") != self.id:
            raise refused(401, "Integration not found")
        if not isinstance(told.get("exp"), int) or told["exp"] <= now:
            words = "must be a numeric value representing the future time at which the assertion expires"
            raise refused(401, f"{_EXPIRY} {words}")
        if told["exp"] > now + _LONGEST_S:
            raise refused(401, f"{_EXPIRY} is too far in the future")
        if not isinstance(told.get("iat"), int) or told["iat"] > now:
            raise refused(401, _ISSUED)

    def _installation(self) -> Json:
        return {"id": self.installation, "app_id": int(self.id), "permissions": self.permissions}

    def _grant(self, world: World, body: Json) -> Json:
        wanted = body.get("permissions", self.permissions)
        self.asked.append(Asked(body.get("repository_ids"), wanted))
        if any(self.permissions.get(name) not in {right, "write"} for name, right in wanted.items()):
            raise refused(422, "The permissions requested are not granted to this installation.")
        secret = f"app-token-{next(_numbers)}"
        rights = wanted.get("pull_requests") == "write"
        account = world.account("review-app[bot]", role="none")
        world.tokens[secret] = Token(
            account=account, kind="app", pulls=rights, contents=False, issues=rights, checks=False, statuses=False
        )
        expires = datetime.now(UTC) + timedelta(seconds=self.lasts_s)
        return {"token": secret, "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ"), "permissions": wanted}
