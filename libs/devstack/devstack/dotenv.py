"""Reading `.env`: what it means, or which line is wrong."""

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import DevstackError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
QUOTED = re.compile(r"""(?P<quote>['"])(?P<value>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\s*(?:#.*)?""")


@dataclass(frozen=True)
class Setting:
    value: str
    line: int


class DotenvError(DevstackError):
    """`.env` cannot be read; the message names file, line and fault."""

    def __init__(self, path: Path, line: int, fault: str) -> None:
        super().__init__(f"{path}, line {line}: {fault}")


def read(path: Path) -> dict[str, Setting]:
    """The settings of a file of `NAME=value` lines; none when there is no file. A value may stand in quotes; # begins a comment."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, OSError) as error:
        raise DevstackError(f"{path} cannot be read: {error}. Make it a text file like .env.example.") from None
    settings: dict[str, Setting] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not (stripped := line.strip()) or stripped.startswith("#"):
            continue
        name, value = _parse(path, number, stripped.removeprefix("export ").lstrip())
        if name in settings:
            raise DotenvError(
                path, number, f"{name} is already set in line {settings[name].line}. Keep one of the two."
            )
        settings[name] = Setting(value, number)
    return settings


def _parse(path: Path, number: int, line: str) -> tuple[str, str]:
    name, separator, value = line.partition("=")
    if not separator:
        raise DotenvError(
            path, number, f"{line.split(maxsplit=1)[0]!r} is not a setting. Write NAME=value, or # before a comment."
        )
    name, value = name.strip(), value.strip()
    if not NAME.fullmatch(name):
        raise DotenvError(path, number, f"{name!r} is no name of a variable: letters, digits and _ only.")
    if value[:1] in {"'", '"'}:
        if (quoted := QUOTED.fullmatch(value)) is None:
            raise DotenvError(path, number, f"the value of {name} begins with {value[0]} and does not end with it.")
        return name, re.sub(r"\\(.)", r"\1", quoted["value"]) if quoted["quote"] == '"' else quoted["value"]
    return name, re.split(r"\s+#", value, maxsplit=1)[0]


def documented(example: Path) -> set[str]:
    """The names that `.env.example` explains, set there or commented out."""
    return set(re.findall(r"^#? ?([A-Z][A-Z0-9_]*)=", example.read_text(encoding="utf-8"), re.MULTILINE))


def unknown(settings: Mapping[str, Setting], known: Collection[str], path: Path) -> list[str]:
    """A sentence for each setting that nothing reads: it is most likely a slip of the pen."""
    sentences = []
    for name, setting in settings.items():
        if name not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.5)
            advice = f"did you mean {near[0]}?" if near else "see .env.example."
            sentences.append(f"{path.name}, line {setting.line}: nothing reads {name}; {advice}")
    return sentences
