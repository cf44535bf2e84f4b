"""The gateway beside nginx: both proxy the same service, the gateway with token check and quotas on, nginx with nothing.

wrk asks the two in turn, with 1, 16 and 64 connections. First the service is an nginx that answers at once, so that what is
measured is the proxy alone; then it is the smallest service that there can be on uvicorn, which serves ours. Bounds: at least
0.3 of nginx at 64 (goal 0.8), and at most 0.6 ms more at the median with one connection.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

from chassis.tokens import SigningKey
from devstack import installing
from devstack.identities import new_signing_key, user_token
from devstack.places import temporary_home
from devstack.ports import free_ports
from devstack.servers import Stack, Tuning

CONNECTIONS = (1, 16, 64)
ROUNDS = 3
SECONDS = 2
NGINX = """
worker_processes 1; daemon off; pid {home}/{name}.pid; error_log stderr crit; worker_rlimit_nofile 4096;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600;
  client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3; uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
  {upstream}
  server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }}
}}
"""
ANSWER = '{"items": [], "next_cursor": null}'
SERVING = f"default_type application/json; return 200 '{ANSWER}';"
PROXYING = 'proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection "";'
UPSTREAM = "upstream service {{ server 127.0.0.1:{port}; keepalive 64; keepalive_requests 1000000000; }}"


@contextmanager
def auth(key: SigningKey, port: int) -> Iterator[None]:
    """What the gateway needs of auth: keys, a token for itself, and no revocations."""
    expiry = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    inside = {"access_token": user_token(key, uuid4(), aud="auth", sub="service:gateway"), "expires_at": expiry}
    answers: dict[str, Any] = {
        "/.well-known/jwks.json": {"keys": [key.public_jwk()]},
        "/internal/service-tokens": inside,
        "/internal/revocations": {"revocations": []},
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(answers[self.path.partition("?")[0]]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  # the base class's spelling

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()


@contextmanager
def running(command: list[str], environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """A process of ours, ended with the block."""
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def wait_for(url: str, bearer: str) -> None:
    """Return when it answers 200."""
    deadline = time.monotonic() + 30
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {bearer}"})
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit(f"{url} does not answer")


def measure(url: str, bearer: str, connections: int) -> tuple[float, float]:
    """Requests a second, and the median in milliseconds."""
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{SECONDS}",
        "--latency",
        "-H",
        f"Authorization: Bearer {bearer}",
        url,
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        sys.exit(f"{url} refused some requests:\n{said}")
    rate, median = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"50%\s+([\d.]+)(us|ms|s)", said)
    assert rate is not None
    assert median is not None
    return float(rate[1]), float(median[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[median[2]]


def bring_tools() -> None:
    """nginx and wrk, installed where we may."""
    missing = [program for program in ("nginx", "wrk") if shutil.which(program) is None]
    if missing and not installing.may_install():
        sys.exit(f"{' and '.join(missing)} not found. Run this once: sudo apt-get install -y nginx-light wrk")
    if missing:
        with installing.nothing_starts_by_itself(installing.POLICY, installing.POLICY_KEPT):
            install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "nginx-light", "wrk"]
            subprocess.run(install, check=True, capture_output=True, stdin=subprocess.DEVNULL)


async def app(_: object, __: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """The smallest service: no framework, no work."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER.encode()})


@contextmanager
def service_of_nginx(home: Path, port: int) -> Iterator[None]:
    """A service that costs nothing."""
    with nginx(home, "service", port, SERVING):
        yield


@contextmanager
def service_of_uvicorn(_: Path, port: int) -> Iterator[None]:
    """A service like ours, without what they do."""
    options = ["--app-dir", str(Path(__file__).parent), "--port", str(port), "--lifespan", "off", "--no-access-log"]
    with running([sys.executable, "-m", "uvicorn", "gateway_bench:app", *options, "--log-level", "error"]):
        yield


@contextmanager
def nginx(home: Path, name: str, port: int, location: str, upstream: str = "") -> Iterator[None]:
    """One nginx with one worker."""
    config = home / f"{name}.conf"
    config.write_text(NGINX.format(home=home, name=name, port=port, location=location, upstream=upstream))
    with running(["nginx", "-c", str(config)]):
        yield


def compare(title: str, ours: str, theirs: str, bearer: str) -> None:
    """Print a table of the two, asked in turn."""
    for url in (ours, theirs):
        wait_for(url, bearer)
        measure(url, bearer, 16)
    print(f"{title:>22} {'gateway':>10} {'nginx':>10} {'share':>6} {'gateway p50':>12} {'nginx p50':>10}")
    for connections in CONNECTIONS:
        rounds = [(measure(ours, bearer, connections), measure(theirs, bearer, connections)) for _ in range(ROUNDS)]
        share = statistics.median(a[0] / b[0] for a, b in rounds)
        rates = [statistics.median(pair[side][0] for pair in rounds) for side in (0, 1)]
        medians = [statistics.median(pair[side][1] for pair in rounds) for side in (0, 1)]
        print(
            f"{connections:>10} connections {rates[0]:>8.0f}/s {rates[1]:>8.0f}/s {share:>6.2f} "
            f"{medians[0]:>9.3f} ms {medians[1]:>7.3f} ms"
        )


def main() -> None:
    bring_tools()
    service, proxy, gateway, authority = free_ports(4)
    key = new_signing_key("bench")
    bearer = user_token(key, uuid4())
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        home.chmod(0o755)  # nginx's workers run as another user
        stack.enter_context(nginx(home, "proxy", proxy, PROXYING, UPSTREAM.format(port=service)))
        servers = stack.enter_context(Stack(temporary_home(), Tuning.FAST, temporary=True))
        servers.redis.start()
        stack.enter_context(auth(key, authority))
        environment = {
            "AUTH_URL": f"http://127.0.0.1:{authority}",
            "GATEWAY_PORT": str(gateway),
            "GATEWAY_INGESTION_URL": f"http://127.0.0.1:{service}",
            "GATEWAY_LIMIT_GENERAL": "100000000",
            "REDIS_URL": servers.redis.url,
            # Revocations are loaded over HTTP; without a broker nothing else disturbs.
            "AMQP_URL": "amqp://guest:guest@127.0.0.1:1/",
            "LOG_LEVEL": "ERROR",
        }
        stack.enter_context(running([sys.executable, "-m", "gateway", "api"], {**os.environ, **environment}))
        ours, theirs = (f"http://127.0.0.1:{port}/api/v1/documents" for port in (gateway, proxy))
        for title, serve in (("service: nginx", service_of_nginx), ("service: uvicorn", service_of_uvicorn)):
            with serve(home, service):
                compare(title, ours, theirs, bearer)


if __name__ == "__main__":
    main()
