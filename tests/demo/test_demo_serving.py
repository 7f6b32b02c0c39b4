"""The demo's server, asked over real HTTP."""

import httpx

from reviewbot.demo.script import MODEL, Answer, Script
from reviewbot.demo.serving import serving

SCRIPT = (Answer(task="review", asked="shop.py", text="the answer"),)


def ask(url: str, words: str) -> httpx.Response:
    body = {"model": "any", "messages": [{"role": "user", "content": words}]}
    return httpx.post(f"{url}/chat/completions", json=body, headers={"X-Reviewbot-Task": "review"}, trust_env=False)


def test_a_request_is_answered_by_the_script_under_a_name_that_is_no_models() -> None:
    with serving(Script(SCRIPT)) as url:
        answer = ask(url, "what of shop.py?").json()
    assert "the answer" == answer["choices"][0]["message"]["content"]
    assert "stop" == answer["choices"][0]["finish_reason"]
    assert MODEL == answer["model"]


def test_tokens_are_counted_roughly() -> None:
    with serving(Script(SCRIPT)) as url:
        usage = ask(url, "shop.py " * 50).json()["usage"]
    assert {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102} == usage


def test_it_listens_on_loopback_alone_and_is_gone_behind_the_block() -> None:
    with serving(Script(())) as url:
        assert url.startswith("http://127.0.0.1:")
        assert httpx.codes.OK == ask(url, "hello").status_code
    try:
        ask(url, "hello")
    except httpx.ConnectError:
        return
    message = "somebody still answers"
    raise AssertionError(message)
