"""What of the environment a job gets."""

from reviewbot.sandbox.environing import scrubbed


def test_only_names_that_are_known_to_hold_no_key_pass() -> None:
    environ = {
        "PATH": "/usr/bin", "LANG": "C.UTF-8", "VIRTUAL_ENV": "/venv", "HOME": "/root", "CI_JOB_TOKEN": "x",
        "GITHUB_TOKEN": "x", "REVIEWBOT_API_KEY": "x", "PYTHONPATH": "/x", "LD_PRELOAD": "/x", "https_proxy": "http://u:p@h",
        "path": "x",
    }  # fmt: skip
    expected = {
        "PATH": "/usr/bin", "LANG": "C.UTF-8", "VIRTUAL_ENV": "/venv", "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    assert expected == scrubbed(environ)


def test_the_seed_of_hashes_is_what_is_asked_for() -> None:
    assert "17" == scrubbed({"PYTHONHASHSEED": "3"}, hash_seed=17)["PYTHONHASHSEED"]
