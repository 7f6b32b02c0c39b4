"""Secrets are found, hidden and nothing else is; made-up ones are assembled here, piece by piece."""

import base64
import json
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain import secret

MIXED = "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQzBv7LpW2eKd9YhUj6NcXs8Ga1Fi3Or5Tm0Zq4"
HEX = "3f9a1c7be2d84056" * 4
KEY_HEADER = "-----BEGIN " + "RSA PRIVATE KEY-----"
KEY_END = "-----END " + "RSA PRIVATE KEY-----"
KEY_LINES = ("MIIEpAIBAAKCAQEA7Zq4Tm0Or5Fi3Ga1Xs8", "kZ8NcUj6YhKd9eW2LpBv7QxM4st1ngF0r", "T3st==")
KEY = "\n".join((KEY_HEADER, *KEY_LINES, KEY_END))


def web_token(header: object) -> str:
    parts = (json.dumps(header).encode(), b'{"sub":"somebody"}')
    return ".".join((*(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts), MIXED[:43]))


TOKENS = {
    "aws-access-key": "AKIA" + "R4ND0MT0K3NQZBV7",
    "github-token": "ghp" + "_" + MIXED[:36],
    "gitlab-token": "glpat" + "-" + MIXED[:20],
    "slack-token": "xoxb" + "-123918273645-918273645546-" + MIXED[:24],
    "stripe-key": "sk" + "_live_" + MIXED[:24],
    "google-api-key": "AIza" + "Sy" + MIXED[:33],
    "anthropic-key": "sk" + "-ant-api03-" + MIXED[:60],
    "openai-key": "sk" + "-proj-" + MIXED[:48],
    "deepseek-key": "sk" + "-" + HEX[:32],
    "huggingface-token": "hf" + "_" + MIXED[:34],
    "npm-token": "npm" + "_" + MIXED[:36],
    "pypi-token": "pypi" + "-AgEI" + MIXED[:60],
    "sendgrid-key": "SG" + "." + MIXED[:22] + "." + MIXED[20:63],
    "twilio-key": "SK" + HEX[:32],
    "jwt": web_token({"alg": "HS256", "typ": "JWT"}),
}
OTHERS = (
    ("github-token", "github" + "_pat_" + MIXED[:22] + "_" + MIXED[:59]),
    ("github-token", "ghs" + "_" + MIXED[:36]),
    ("gitlab-token", "glrt" + "-" + MIXED[:20]),
    ("stripe-key", "rk" + "_live_" + MIXED[:24]),
    ("openai-key", "sk" + "-" + MIXED[:48]),
    ("aws-access-key", "ASIA" + "R4ND0MT0K3NQZBV7"),
)


def kinds(text: str) -> list[str]:
    return [found.kind for found in secret.find(text)]


def values(text: str) -> list[str]:
    return [text[found.start : found.end] for found in secret.find(text)]


@pytest.mark.parametrize(("kind", "token"), [*TOKENS.items(), *OTHERS])
@pytest.mark.parametrize("frame", ["{}", 'x = "{}"', "  - {}\n", "curl -H 'Authorization: {}' ", "a\\n{}\\n"])
def test_a_token_of_a_known_form_is_found_in_any_frame(kind: str, token: str, frame: str) -> None:
    text = frame.format(token)
    assert kinds(text) == [kind]
    assert values(text) == [token]


@pytest.mark.parametrize("token", [token for kind, token in TOKENS.items() if kind != "jwt"])
def test_a_token_inside_a_longer_word_is_a_piece_of_something_else(token: str) -> None:
    assert kinds(f"x{token}") == []


CHOSEN = "q8Yw3nLz" + "0Vb7Kx"
AROUND = """
password = "{}"
DB_PASSWORD: "{}"
client_secret='{}'
{"apiKey": "{}"}
\\"token\\": \\"{}\\"
String apiToken = "{}";
secret_key: str = "{}"
define('DB_PASSWORD', '{}');
'password' => '{}',
#define PASSWORD "{}"
os.environ["API_KEY"] = "{}"
API_KEY={}
<password>{}</password>
aws_secret_access_key = {}
"""


@pytest.mark.parametrize("line", AROUND.strip().split("\n"))
def test_a_literal_given_to_a_telling_name_is_found(line: str) -> None:
    text = line.replace("{}", CHOSEN)
    assert kinds(text) == ["credential"]
    assert values(text) == [CHOSEN]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("slack-webhook", "https://hooks.slack" + ".com/services/{}", f"T0R4ND0M1/B0L00K1NG/{MIXED[:24]}"),
        ("azure-storage-key", "Endpoint=https;AccountKey={};Suffix=core", (MIXED * 2)[:86] + "=="),
        ("url-password", "postgres://app:{}@db.internal/app", "s3cr-Xq9"),
        ("url-password", "redis://:{}@cache.internal", CHOSEN),
    ],
)
def test_a_secret_is_found_by_what_stands_around_it(kind: str, text: str, value: str) -> None:
    text = text.replace("{}", value)
    assert kinds(text) == [kind]
    assert values(text) == [value]


@pytest.mark.parametrize(
    "text",
    [
        "sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "commit 3f9a1c7be2d840563f9a1c7be2d840563f9a1c7b",
        '"integrity": "sha512-' + MIXED + '=="',
        'token = "sha256-' + MIXED + '"',
        'client_secret = "9f1b3c5d-7e2a-4b6c-8d0e-1f2a3b4c5d6e"',
        'password = "changeme123!"',
        'password: "your-password-1"',
        'api_key = "${API_KEY_1}"',
        'api_key = "<your-key-42>"',
        'api_key = "{{ vault_key_1 }}"',
        'api_key = os.environ["API_KEY"]',
        'token = get_token("oauth2-v1")',
        'password: "settings.password.label2"',
        f'password_label = "{CHOSEN}"',
        'password = "xxxxxxxxxxxx1"',
        'password = "correct horse 4 battery"',
        'token = "oauth2_access_v1"',
        'secret = "/run/secrets/db9"',
        'secret = "aaaaaaa1"',
        'secret = "2024-01-01T00:00:00"',
        'password = "someone1@mail1.org"',
        'publicKeyToken="b77a5c561934e089"',
        "private_key: ed25519.Ed25519PrivateKey",
        "token: x25519.X25519Exchange384Handler",
        f"tokenizer = '{CHOSEN}'",
        "https://user" + ":password@host.example",
        "https://user" + ":pass@proxy.internal",
        "https://guest" + ":guest@mq.internal",
        f"https://app:{CHOSEN}@localhost/db",
        f"https://app:{CHOSEN}@db.example.com/db",
        "https://app" + ":${DB_PASS1}@db.internal",
        "https://app" + ":letmein@db.internal",
        "https://app" + ":12345@db.internal",
        "http://a.org:8080/@scope",
        "class='sk-folding-cube-animation-loading-indicator'",
        "task-" + HEX[:32],
        "AKIA" + "X" * 16,
        "ghp" + "_" + "x" * 36,
        "hooks.slack" + ".com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        web_token({"typ": "JWT"}),
        web_token(["alg"]),
        "eyJ" + "rubbish_that_is_no_json." * 3,
        "if line == '" + KEY_HEADER + "':",
        KEY_HEADER + "\n...\n" + KEY_END,
        KEY_HEADER + "\nMIIEpAIBAAKCAQEA...\n",
        KEY_HEADER + "\n<your key>\n",
        f'key = "{KEY_HEADER}\\nXXXX\\nXXXX\\n{KEY_END}"',
    ],
)
def test_what_only_looks_like_a_secret_is_left_alone(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    "text", [KEY, KEY_HEADER, f'"{KEY_HEADER}\\n{KEY_LINES[0]}"', f"'{KEY_HEADER}',\n'{KEY_LINES[0]}',"]
)
def test_a_private_key_is_found_by_its_header(text: str) -> None:
    assert values(text) == [KEY_HEADER]


def test_a_token_in_an_assignment_is_found_once_under_its_own_kind() -> None:
    assert kinds(f'api_key = "{TOKENS["openai-key"]}"') == ["openai-key"]
    assert kinds(f"https://x:{TOKENS['github-token']}@github.com/a") == ["github-token"]
    assert kinds(f'token = "a1.{TOKENS["github-token"]}"') == ["github-token"]


def test_a_masked_secret_shows_four_characters_and_a_short_one_fewer() -> None:
    token = TOKENS["github-token"]
    assert secret.mask(f"x = {token}!") == "x = ghp_…!"
    assert secret.mask(f'password = "{CHOSEN}"') == 'password = "q8Y…"'
    assert secret.mask("nothing") == "nothing"


def number(kind: str, value: str) -> str:
    return f"[{kind} {len(value)}]"


def test_redacting_hides_a_whole_private_key_and_keeps_its_lines() -> None:
    text = f"before\n{KEY}\nafter {TOKENS['npm-token']}"
    assert secret.redact(text, number).split("\n") == [
        "before",
        "[private-key 31]",
        "[private-key-body 35]",
        "[private-key-body 33]",
        "[private-key-body 6]",
        KEY_END,
        "after [npm-token 40]",
    ]


@pytest.mark.parametrize("lead", ["+", "  12 +", "1234 | ", '    "'])
def test_redacting_sees_through_the_decoration_of_a_diff(lead: str) -> None:
    text = "\n".join(f"{lead}{row}" for row in KEY.split("\n"))
    hidden = secret.redact(text, lambda kind, _: f"[{kind}]")
    assert hidden.split("\n")[1] == f"{lead}[private-key-body]"
    assert not any(row in hidden for row in KEY_LINES)


def test_a_key_in_a_string_is_hidden_behind_its_escaped_newlines() -> None:
    text = "\\n".join(KEY.split("\n"))
    assert secret.mask(text) == f"----…\\n…\\n…\\n…\\n{KEY_END}"


def test_a_key_that_a_hunk_cuts_off_is_hidden_as_far_as_it_is_base64() -> None:
    text = "\n".join((KEY_HEADER, KEY_LINES[0], KEY_LINES[1], "def f(): ...", MIXED))
    assert secret.mask(text) == f"----…\n…\n…\ndef f(): ...\n{MIXED}"
    assert secret.mask(f"{KEY_HEADER}\n{KEY}").count(KEY_LINES[0]) == 0
    assert secret.mask(f"{KEY_HEADER}\n") == "----…\n"


def test_a_token_within_a_key_is_hidden_once() -> None:
    text = f"{KEY_HEADER}\n{KEY_LINES[0]}\n{TOKENS['twilio-key']}\n{KEY_END}\n"
    assert secret.redact(text, lambda kind, _: f"[{kind}]").count("[") == 3


HOSTILE = (
    *("eyJ", "eyJaaaaaaaa.", "glpat-", "-----BEGIN ", KEY_HEADER, KEY_HEADER + "\n" + " " * 300),
    *(
        "://",
        "://a:",
        "a:b@",
        "password=",
        'password:"a',
        "token ",
        "sk-",
        "sk-proj-",
        "passwordpassword:string",
    ),
    *("SG.a", " ", "\\", "x\\n", "[", "token='" + "aB3$" * 40 + "' ", "AKIA" + "1234567890ABCDEF "),
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_line_takes_no_longer_than_any_other(piece: str) -> None:
    text = (piece * (200_000 // len(piece) + 1))[:200_000]
    start = time.process_time()
    secret.mask(text)
    assert time.process_time() - start < 1.5


PIECES = st.sampled_from([*TOKENS.values(), KEY, KEY_HEADER, 'password = "', CHOSEN, '"', "\n", " ", "x", "://"])


@given(st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join))
def test_spans_are_ordered_inside_the_text_and_gone_after_masking(text: str) -> None:
    found = secret.find(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= after.start for one, after in pairwise(found))
    masked = secret.mask(text)
    assert not {text[one.start : one.end] for one in found} & set(values(masked))
    assert masked.count("\n") == text.count("\n")


@given(st.text())
def test_redacting_with_the_secret_itself_changes_nothing(text: str) -> None:
    identity: Callable[[str, str], str] = lambda _, value: value  # noqa: E731 - the name says what it is for
    assert secret.redact(text + KEY, identity) == text + KEY
