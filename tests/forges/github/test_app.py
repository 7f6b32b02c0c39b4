"""Tokens of a GitHub App, from a fake GitHub that checks its proofs as GitHub does."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from fakes.github_apps import FakeApp, new_key, pem
from github_scene import Scene
from review_queue import a_job

from reviewbot.errors import ForgeError, UsageError
from reviewbot.forges.github.app import PERMISSIONS, App, AppTokens
from reviewbot.wiring.apps import app_tokens
from reviewbot.wiring.working import working


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return new_key()


@pytest.fixture
def app(scene: Scene, key: RSAPrivateKey) -> FakeApp:
    scene.server.app = FakeApp(key)
    return scene.server.app


class Clock:
    """Real time, and what is put to it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def tokens(scene: Scene, app: FakeApp, clock: Clock | None = None, text: str | None = None) -> AppTokens:
    known = App(id=app.id, key=lambda: text or pem(app.key), api_url=scene.server.url, timeout_s=1)
    return AppTokens(known, clock or Clock(), scene.pauses.append)


def test_a_token_is_for_one_repository_with_the_least_rights(scene: Scene, app: FakeApp) -> None:
    token = tokens(scene, app).token("acme/app", 42)
    assert [([42], {"contents": "read", "pull_requests": "write"})] == [
        (a.repositories, a.permissions) for a in app.asked
    ]
    assert PERMISSIONS == app.asked[0].permissions
    scene.forge(token).threads()
    assert "review-app[bot]" == scene.server.log[-1].user


def test_a_token_is_used_again_while_it_lasts_for_a_review(scene: Scene, app: FakeApp) -> None:
    clock = Clock()
    made = tokens(scene, app, clock)
    first = made.token("acme/app", 42)
    clock.ahead = timedelta(minutes=19)
    assert first == made.token("acme/app", 42)
    clock.ahead, app.lasts_s = timedelta(minutes=21), 3_600 + 1_260  # an hour from the later time on
    second = made.token("acme/app", 42)
    assert (True, second, 2) == (first != second, made.token("acme/app", 42), len(app.asked))


def test_each_repository_has_its_own(scene: Scene, app: FakeApp) -> None:
    made = tokens(scene, app)
    assert made.token("acme/app", 42) != made.token("acme/app", 43)
    assert [[42], [43]] == [asked.repositories for asked in app.asked]


def test_many_threads_ask_once(scene: Scene, app: FakeApp) -> None:
    made, found = tokens(scene, app), set[str]()
    threads = [threading.Thread(target=lambda: found.add(made.token("acme/app", 42))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (1, 1) == (len(found), len(app.asked))


def test_a_key_that_is_replaced_is_read_anew(scene: Scene, app: FakeApp) -> None:
    held = [pem(app.key)]
    known = App(id=app.id, key=lambda: held[0], api_url=scene.server.url, timeout_s=1)
    made = AppTokens(known, Clock(), scene.pauses.append)
    made.token("acme/app", 42)
    app.key = new_key()
    with pytest.raises(UsageError, match="could not be decoded"):
        made.token("acme/app", 43)
    held[0] = pem(app.key)
    assert made.token("acme/app", 43)


def test_nothing_secret_shows(scene: Scene, app: FakeApp) -> None:
    known = App(id=app.id, key=lambda: pem(app.key), api_url=scene.server.url)
    made = AppTokens(known, Clock(), scene.pauses.append)
    token = made.token("acme/app", 42)
    assert token not in repr((known, made, made._granted))


# What is to be mended by people.


@pytest.mark.parametrize(
    "text", ["nonsense", "-----BEGIN RSA " + "PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"]
)
def test_a_key_that_is_none_is_told_and_not_shown(scene: Scene, app: FakeApp, text: str) -> None:
    with pytest.raises(UsageError, match=r"mount the \.pem file") as raised:
        tokens(scene, app, text=text).token("acme/app", 42)
    assert text not in str(raised.value)
    assert [] == scene.server.log


def test_an_app_that_is_not_installed_is_told(scene: Scene, app: FakeApp) -> None:
    app.installed = False
    with pytest.raises(UsageError, match="not installed on acme/app"):
        tokens(scene, app).token("acme/app", 42)


def test_rights_that_were_not_granted_are_told(scene: Scene, app: FakeApp) -> None:
    app.permissions = {"contents": "read"}
    with pytest.raises(UsageError, match="needs contents: read, pull_requests: write"):
        tokens(scene, app).token("acme/app", 42)


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [(-120, "'Issued at' claim"), (-400, "too far in the future|'Issued at' claim"), (400, "'Expiration time' claim")],
)
def test_a_clock_that_is_wrong_is_told(scene: Scene, app: FakeApp, ahead_s: float, words: str) -> None:
    app.ahead_s = ahead_s
    with pytest.raises(UsageError, match=words) as raised:
        tokens(scene, app).token("acme/app", 42)
    assert "clock" in str(raised.value)


@pytest.mark.parametrize("ahead_s", [-50, 50])
def test_a_clock_that_is_a_little_wrong_does_no_harm(scene: Scene, app: FakeApp, ahead_s: float) -> None:
    app.ahead_s = ahead_s
    assert tokens(scene, app).token("acme/app", 42)


def test_another_apps_number_is_told(scene: Scene, app: FakeApp) -> None:
    known = App(id="99", key=lambda: pem(app.key), api_url=scene.server.url, timeout_s=1)
    with pytest.raises(UsageError, match="Integration not found"):
        AppTokens(known, Clock(), scene.pauses.append).token("acme/app", 42)


# What passes.


@pytest.mark.parametrize("kind", [502, "reset", "secondary"])
def test_a_github_that_stumbles_is_asked_again(scene: Scene, app: FakeApp, kind: int | str) -> None:
    scene.server.faults.add("POST", "/access_tokens$", kind)
    assert tokens(scene, app).token("acme/app", 42)
    assert 1 == len(scene.pauses)


def test_a_github_that_stays_away_is_no_fault_of_the_configuration(scene: Scene, app: FakeApp) -> None:
    scene.server.faults.add("GET", "/installation$", 503, times=9)
    with pytest.raises(ForgeError) as raised:
        tokens(scene, app).token("acme/app", 42)
    assert not isinstance(raised.value, UsageError)
    assert [2.0, 4.0] == scene.pauses


def test_a_github_that_says_nothing_is_not_waited_for_long(scene: Scene, app: FakeApp) -> None:
    scene.server.faults.add("GET", "/installation$", "hang", times=9)
    with pytest.raises(ForgeError, match="nothing came within 1 s"):
        tokens(scene, app).token("acme/app", 42)


# As the worker has it.


def test_a_worker_takes_the_apps_tokens_for_its_jobs(scene: Scene, app: FakeApp, tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    file.write_text(pem(app.key))
    environ = {
        "REVIEWBOT_REDIS_URL": "redis://redis",
        "REVIEWBOT_GITHUB_API_URL": f"{scene.server.url}/",
        "REVIEWBOT_GITHUB_APP_ID": app.id,
        "REVIEWBOT_GITHUB_APP_KEY_FILE": str(file),
        "REVIEWBOT_CACHE_DIR": str(tmp_path),
    }
    made = working(environ, None, app_tokens(environ, Clock(), scene.pauses.append))
    job = a_job(forge="github", server=scene.server.url, project="acme/app", project_id=42)
    assert made.token(job) in scene.server.world.tokens
    assert [] == [name for name in made.review if "GITHUB_APP" in name]


def test_without_an_app_there_are_no_tokens_of_one() -> None:
    assert app_tokens({}, Clock(), lambda _: None) is None


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"REVIEWBOT_GITHUB_APP_ID": "1"}, "REVIEWBOT_GITHUB_APP_KEY_FILE is not"),
        ({"REVIEWBOT_GITHUB_APP_KEY_FILE": "x"}, "REVIEWBOT_GITHUB_APP_ID is not"),
        (
            {"REVIEWBOT_GITHUB_APP_ID": "1", "REVIEWBOT_GITHUB_APP_KEY_FILE": "nowhere"},
            "private key nowhere cannot be read: .* REVIEWBOT_GITHUB_APP_KEY_FILE names it",
        ),
        ({"REVIEWBOT_GITHUB_APP_ID": "1", "REVIEWBOT_GITHUB_APP_KEY_FILE": __file__}, "GitHub App is none: mount the"),
    ],
)
def test_half_an_app_is_told_at_the_start(environ: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        app_tokens(environ, Clock(), lambda _: None)
