"""The nginx example: its structure, and nginx itself where it is installed."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fakes.answers import Answer
from fakes.model_server import serving
from gateway_scene import TOKEN, Gateway, gateway, question
from shipping.deployed import CONFIG, DEPLOY

from reviewbot.domain.gateway import Rules

TEXT = re.sub(r"#.*", "", (DEPLOY / "nginx.conf").read_text("utf-8"))
LOCATIONS = dict(re.findall(r"location (\S+) \{(.*?)\}", TEXT, re.DOTALL))
NGINX = shutil.which("nginx")


def directives(text: str) -> Mapping[str, str]:
    """Give the last of each directive."""
    return dict(re.findall(r"^\s*(\w+)\s+([^;{]+);", text, re.MULTILINE))


ALL = directives(TEXT)


def test_streams_pass_as_they_come_for_as_long_as_they_take() -> None:
    assert ("off", "off", "off") == (ALL["proxy_buffering"], ALL["proxy_cache"], ALL["gzip"])
    assert "1.1" == ALL["proxy_http_version"]
    assert 600 <= int(ALL["proxy_read_timeout"].removesuffix("s"))


def test_the_id_of_a_request_is_passed_on() -> None:
    assert "proxy_set_header X-Request-Id $passed_request_id;" in TEXT


def test_nothing_but_the_api_and_webhooks_is_reachable() -> None:
    assert {"/v1/", "/webhooks/", "/"} == set(LOCATIONS)
    assert "return 404;" == LOCATIONS["/"].strip()
    assert all("proxy_pass http://reviewbot;" in LOCATIONS[name] for name in ("/v1/", "/webhooks/"))


def test_bodies_that_the_gateway_takes_get_there() -> None:
    assert "max_body_bytes" not in CONFIG
    most = int(re.findall(r"client_max_body_size (\d+)m;", TEXT)[0]) * 1_048_576
    assert Rules().max_body_bytes <= most


def test_neither_queries_nor_headers_get_into_its_log() -> None:
    logged = set(re.findall(r"\$(\w+)", ALL["log_format"]))
    assert not {name for name in logged if name.startswith("http_") or name in {"request", "args", "request_uri"}}


def test_tls_is_asked_for_and_old_ones_are_refused() -> None:
    assert ("443 ssl", "TLSv1.2 TLSv1.3") == (ALL["listen"], ALL["ssl_protocols"])


@contextmanager
def proxy(upstream: Gateway, folder: Path) -> Iterator[str]:
    """Run nginx by the example, with a certificate, an address and a port of its own."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    certificate = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=gateway.example")
    subprocess.run(
        ["openssl", *certificate, "-keyout", "tls.key", "-out", "tls.crt"],
        cwd=folder,
        check=True,
        stderr=subprocess.DEVNULL,
    )
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    text = text.replace("/etc/nginx/tls", str(folder)).replace("/var/log/nginx", str(folder))
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace("gateway:8080", upstream.base[7:])
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    text = text.replace("http {", "http {\n" + "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds))
    config = folder / "nginx.conf"
    config.write_text(f"daemon off;\npid {folder}/pid;\n{text}")
    argv = [NGINX, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    tested = subprocess.run([*argv, "-t"], check=False, capture_output=True, text=True)
    assert 0 == tested.returncode, tested.stderr
    with subprocess.Popen(argv) as server:
        try:
            wait_for(port)
            yield f"https://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(port: int) -> None:
    until_s = time.monotonic() + 10
    while time.monotonic() < until_s:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    pytest.fail("nginx does not listen")


def test_a_stream_comes_through_nginx_piece_by_piece_and_what_is_inside_stays_there(tmp_path: Path) -> None:
    pieces = Answer(text="one two three four five six", event_delay_s=0.3)
    with (
        serving(lambda _: pieces) as upstream,
        gateway(upstream) as running,
        proxy(running, tmp_path) as base,
        httpx.Client(base_url=base, verify=False, trust_env=False, timeout=20) as client,  # noqa: S501 - made here
    ):
        headers = {"authorization": f"Bearer {TOKEN}", "x-request-id": "through-nginx"}
        with client.stream("POST", "/v1/chat/completions", json=question(stream=True), headers=headers) as answer:
            times = [time.monotonic() for _ in answer.iter_raw()]
        hidden = [client.get(path).status_code for path in ("/metrics", "/status", "/readyz", "/", "/v1/../metrics")]
    assert (200, "through-nginx") == (answer.status_code, answer.headers["x-request-id"])
    assert times[-1] - times[0] > 0.25  # all at once, had they been held back
    assert [404] * 5 == hidden
    assert "through-nginx" in [line["id"] for line in running.lines if line["kind"] == "request"]
    log = (tmp_path / "access.log").read_text()
    assert "through-nginx" in log
    assert TOKEN not in log
