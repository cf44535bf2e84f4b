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
import tempfile
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
    if not PYTHON.exists() or subprocess.call([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL) != 0:
        require_venv()
        run("Making a virtual environment in .venv", [sys.executable, "-m", "venv", "--clear", str(VENV)])
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    pinned = str(Path(__file__).with_name("uv.txt"))
    run("Installing the installer (uv)", [*pip, "install", "--require-hashes", "-r", pinned])
    uv = [str(VENV / "bin" / "uv"), "pip"]
    here = ["--quiet", "--python", str(PYTHON)]
    run(
        "Installing the packages of requirements.lock (some minutes where none was downloaded before)",
        [*uv, "sync", *here, "--require-hashes", "--compile-bytecode", "requirements.lock"],
    )
    ours = [word for project in projects() for word in ("--editable", str(project.parent))]
    run("Linking our own packages", [*uv, "install", *here, "--no-deps", "--no-build-isolation", *ours])


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
    # The lists of packages may be missing or old: refresh them only when it does not work without.
    if attempt(f"Installing {package}", command)[0] != 0:
        run("Refreshing the lists of Debian's packages", ["apt-get", "update", "-q"])
        run(f"Installing {package}", command)


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


def run(what: str, command: list[str]) -> None:
    """Run a command, show that it goes on, and stop with its own words when it fails."""
    code, output = attempt(what, command)
    if code != 0:
        stop(f"{output.strip()}\n\n{what}: it failed ({code}), and the reason stands above. Try again with: make setup")


def attempt(what: str, command: list[str]) -> tuple[int, str]:
    """Exit code and output of a command. On a terminal a clock runs meanwhile."""
    started = time.monotonic()
    clock = "\r· {} … {:.0f} s" if sys.stderr.isatty() else ""
    say(f"· {what} …" + ("" if clock else "\n"))
    environment = {**uv_environment(), "DEBIAN_FRONTEND": "noninteractive"}
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            command, cwd=str(ROOT), env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        while True:
            try:
                code = process.wait(1)
                break
            except subprocess.TimeoutExpired:
                say(clock.format(what, time.monotonic() - started))
        say("\n" if clock else "")
        output.seek(0)
        return code, output.read()


def say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def stop(reason: str) -> NoReturn:
    say(f"{reason}\n")
    sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("\nStopped. The next make goes on from here.")
