"""Makes `.venv` with everything in it: `python3 libs/devstack/bootstrap.py`, from a clone and a bare Python.

Runs on the machine's own Python before anything is installed, so it uses the standard library alone, and says what to do in a
sentence where it cannot go on. Called again it does nothing unless what it was made from has changed.
"""

from __future__ import annotations  # an older Python must get as far as being told that it is too old

import configparser
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "complete"
OLDEST = (3, 11)


def main() -> None:
    if sys.version_info < OLDEST:
        version = ".".join(map(str, sys.version_info[:2]))
        stop(f"Study Teddy needs Python 3.11 or newer, and python3 is {version}. Run: make PYTHON=/path/to/python3.11")
    (ROOT / ".local").mkdir(exist_ok=True)
    with (ROOT / ".local" / "bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = fingerprint()
        if not (STAMP.exists() and STAMP.read_text() == wanted and PYTHON.exists()):
            install()
            STAMP.write_text(wanted)
        STAMP.touch()


def fingerprint() -> str:
    """What the environment is made from: the lock, the packages' metadata, this file, the Python."""
    digest = hashlib.sha256(sys.version.encode())
    for path in [Path(__file__), *sorted(Path(__file__).parent.glob("*.txt")), ROOT / "requirements.lock", *projects()]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def projects() -> list[Path]:
    return sorted(
        [
            *ROOT.glob("libs/*/pyproject.toml"),
            *ROOT.glob("services/*/pyproject.toml"),
            ROOT / "contracts/pyproject.toml",
        ]
    )


def install() -> None:
    STAMP.unlink(missing_ok=True)
    if not PYTHON.exists() or subprocess.call([str(PYTHON), "-c", ""], stderr=subprocess.DEVNULL) != 0:
        require_venv()
        step("Making a virtual environment in .venv")
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    step("Installing the installer (uv)")
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run([*pip, "install", "--require-hashes", "-r", str(Path(__file__).with_name("uv.txt"))])
    step("Installing the packages named in requirements.lock (once; a few minutes where none is cached)")
    uv = [str(VENV / "bin" / "uv"), "pip"]
    run([*uv, "sync", "--require-hashes", "--compile-bytecode", "--python", str(PYTHON), "requirements.lock"])
    step("Linking our own packages")
    ours = [word for project in projects() for word in ("--editable", str(project.parent))]
    run([*uv, "install", "--quiet", "--no-deps", "--no-build-isolation", "--python", str(PYTHON), *ours])


def require_venv() -> None:
    """Debian's Python comes without venv; install it where we may, else say how."""
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return
    if shutil.which("apt-get") is None:
        stop("This Python comes without venv and ensurepip. Install them with your system's package manager.")
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", package]
    if os.geteuid() != 0:
        stop(f"Debian's Python comes without venv. Run this once, then try again:\n  sudo apt-get install -y {package}")
    step(f"Installing {package}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if quiet(command, environment) != 0:
        quiet(["apt-get", "update", "-q"], environment)
        run(command, environment)


def uv_environment() -> dict[str, str]:
    """What pip was told about where packages come from holds for uv too, which does not read pip's configuration."""
    told = {**pip_configuration(), **{k[4:].lower(): v for k, v in os.environ.items() if k.startswith("PIP_")}}
    names = {
        "index_url": "UV_DEFAULT_INDEX",
        "extra_index_url": "UV_INDEX",
        "find_links": "UV_FIND_LINKS",
        "cert": "SSL_CERT_FILE",
    }
    passed_on = {names[key]: value for key, value in told.items() if key in names and value}
    return {**passed_on, "UV_HTTP_TIMEOUT": "180", **os.environ}


def pip_configuration() -> dict[str, str]:
    parser = configparser.RawConfigParser()
    home = Path(os.environ.get("HOME", "/"))
    named = [os.environ["PIP_CONFIG_FILE"]] if "PIP_CONFIG_FILE" in os.environ else []
    parser.read([Path("/etc/pip.conf"), home / ".pip/pip.conf", home / ".config/pip/pip.conf", *named])
    sections = [dict(parser.items(name)) for name in ("global", "install") if parser.has_section(name)]
    return {key.replace("-", "_"): value for section in sections for key, value in section.items()}


def step(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)


def quiet(command: list[str], environment: dict[str, str]) -> int:
    return subprocess.call(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def run(command: list[str], environment: dict[str, str] | None = None) -> None:
    started = time.monotonic()
    code = subprocess.call(
        command, cwd=str(ROOT), env=environment or uv_environment(), stdin=subprocess.DEVNULL, stdout=sys.stderr
    )
    if code != 0:
        shown = " ".join(command[:3])
        stop(
            f"Setting up failed: `{shown} …` ended with {code} after {time.monotonic() - started:.0f} s; the reason stands above. Try again with: make setup"
        )


def stop(reason: str) -> NoReturn:
    print(reason, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
