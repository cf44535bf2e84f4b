"""The first step from a bare Python."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[1] / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    found = importlib.util.spec_from_file_location("bootstrap", FILE)
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in ("VENV", "PYTHON", "STAMP"):
        monkeypatch.setattr(module, name, tmp_path / getattr(module, name).relative_to(FILE.parents[2]))
    (tmp_path / "requirements.lock").write_text("one==1\n")
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts/pyproject.toml").touch()
    return module


def test_an_old_python_is_told(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    with pytest.raises(SystemExit):
        bootstrap.main()
    assert "needs Python 3.11 or newer, and python3 is 3.10" in capsys.readouterr().err


def test_debian_without_venv_is_told_the_one_command(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr("shutil.which", lambda tool: f"/usr/bin/{tool}")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(SystemExit):
        bootstrap.main()
    major, minor = sys.version_info[:2]
    assert f"sudo apt-get install -y python{major}.{minor}-venv" in capsys.readouterr().err


def test_it_installs_again_only_when_something_changed(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []

    def install() -> None:
        installed.append("once")
        bootstrap.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        bootstrap.PYTHON.touch()

    monkeypatch.setattr(bootstrap, "install", install)
    bootstrap.main()
    bootstrap.main()
    assert len(installed) == 1
    (tmp_path / "requirements.lock").write_text("one==2\n")
    bootstrap.main()
    assert len(installed) == 2


def test_what_failed_is_told_in_its_own_words(bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bootstrap.run("Installing", ["sh", "-c", "echo the reason; exit 3"])
    told = capsys.readouterr().err
    assert "the reason" in told
    assert "Installing: it failed (3)" in told


def test_uv_is_told_what_pip_was_told(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = mirror\ncert = /certificates\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "SSL_CERT_FILE", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    assert bootstrap.uv_environment()["UV_DEFAULT_INDEX"] == "mirror"
    assert bootstrap.uv_environment()["SSL_CERT_FILE"] == "/certificates"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "its own")
    assert bootstrap.uv_environment()["UV_DEFAULT_INDEX"] == "its own"
