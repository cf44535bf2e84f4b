"""Where servers keep their data, and which system user they run as."""

import contextlib
import hashlib
import os
import pwd
import secrets
import stat
import tempfile
from pathlib import Path

from devstack.errors import DevstackError

SHARED = Path("/var/lib/studyteddy")


def open_to_others(path: Path) -> bool:
    """Whether a user who owns nothing here can walk down to `path` (its last parts need not exist yet)."""
    resolved = path.resolve()
    existing = [folder for folder in (resolved, *resolved.parents) if folder.exists()]
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in existing)


def data_home(checkout: Path) -> Path:
    """The folder of this checkout's own servers, which outlives a run.

    It lies in the clone. Run by root, servers have users of their own, and those cannot enter, say, /root/study-teddy: then it
    lies under /var/lib, named after the clone's path.
    """
    inside = checkout.resolve() / ".local" / "servers"
    if os.geteuid() != 0 or open_to_others(inside):
        return inside
    return SHARED / hashlib.sha256(str(checkout.resolve()).encode()).hexdigest()[:16]


def temporary_home() -> Path:
    """A path for servers that live as long as one test run; nothing is there yet."""
    bases = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108  # nobody can guess the name
    base = next((b for b in bases if b.is_dir() and (os.geteuid() != 0 or open_to_others(b))), bases[0])
    return base / f"devstack-{secrets.token_hex(8)}"


def system_user(name: str) -> str | None:
    """The user that server `name` is to run as: its own when we are root, else None for whoever we are."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(name)
    except KeyError:
        raise DevstackError(
            f"{name} must not run as root, and there is no system user '{name}' to run it. "
            f"Make one with: useradd --system {name}"
        ) from None
    return name


def private_folder(path: Path, user: str | None) -> Path:
    """Make `path` a folder that only `user` (or we ourselves) can read."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(path, account.pw_uid, account.pw_gid)
    return path


def passage_folder(path: Path) -> Path:
    """Make `path` a folder of ours that servers' users can walk through but not list or write."""
    for folder in reversed((path, *path.parents)):
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(0o711)
    if path.stat().st_uid != os.geteuid():
        raise DevstackError(f"{path} belongs to somebody else. Remove it, or have its owner remove it.")
    path.chmod(0o711)
    return path


def write_private(path: Path, content: str, user: str | None = None) -> Path:
    """Write a file that only `user` (or we ourselves) can read, in one step."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(content)
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(fresh, account.pw_uid, account.pw_gid)
    fresh.replace(path)
    return path
