"""`.env`: what is read from it, and how a mistake is told."""

from pathlib import Path

import pytest
from devstack import dotenv
from devstack.errors import DevstackError


def values(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / ".env"
    path.write_text(text, encoding="utf-8")
    return {name: setting.value for name, setting in dotenv.read(path).items()}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=plain", "plain"),
        ("KEY =  spaced out  ", "spaced out"),
        ("export KEY=exported", "exported"),
        ("KEY=value # comment", "value"),
        ("KEY=a#b", "a#b"),
        ("KEY='single # quoted' # comment", "single # quoted"),
        ('KEY="with \\"quotes\\""', 'with "quotes"'),
        ("KEY='back\\slash'", "back\\slash"),
        ("KEY=", ""),
        ("KEY=a=b", "a=b"),
    ],
)
def test_a_line_means_what_shells_make_of_it(tmp_path: Path, line: str, value: str) -> None:
    assert values(tmp_path, line) == {"KEY": value}


def test_comments_and_empty_lines_are_nothing(tmp_path: Path) -> None:
    assert values(tmp_path, "# a comment\n\n   \nKEY=1\r\n") == {"KEY": "1"}


def test_no_file_is_no_settings(tmp_path: Path) -> None:
    assert dotenv.read(tmp_path / ".env") == {}


@pytest.mark.parametrize(
    ("text", "line", "fault"),
    [
        ("A=1\njust words", 2, "not a setting"),
        ("A=1\n\n2B=3", 3, "no name of a variable"),
        ("A='open", 1, "does not end with it"),
        ("A=1\nA=2", 2, "already set in line 1"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(tmp_path: Path, text: str, line: int, fault: str) -> None:
    with pytest.raises(DevstackError, match=rf"\.env, line {line}: .*{fault}"):
        values(tmp_path, text)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DevstackError, match="cannot be read"):
        dotenv.read(tmp_path / ".env")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("CHAT_LMM_MODEL", "did you mean CHAT_LLM_MODEL?"),
        ("OPENAI_APIKEY", "did you mean CHAT_LLM_API_KEY?"),
        ("chat_llm_model", "did you mean CHAT_LLM_MODEL?"),
        ("XYZ", "see .env.example."),
    ],
)
def test_a_name_that_nothing_reads_is_told_with_the_likely_one(tmp_path: Path, name: str, advice: str) -> None:
    settings = {"LOG_LEVEL": dotenv.Setting("z", 3), name: dotenv.Setting("x", 4)}
    known = {"CHAT_LLM_MODEL", "CHAT_LLM_API_KEY", "LOG_LEVEL"}
    assert dotenv.unknown(settings, known, tmp_path / ".env") == [f".env, line 4: nothing reads {name}; {advice}"]


def test_documented_names_are_the_set_and_the_commented_out(tmp_path: Path) -> None:
    example = tmp_path / ".env.example"
    example.write_text("# Words about it.\nA_SET=1\n# B_COMMENTED=2\n#C_TOO=\n# not A_NAME=inside words\n")
    assert dotenv.documented(example) == {"A_SET", "B_COMMENTED", "C_TOO"}
