"""Where files are kept, as the environment says it."""

from pathlib import Path

import pytest
from ingestion.settings import Settings
from pydantic import ValidationError


def test_the_default_is_a_folder_of_the_data(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).storage == (tmp_path / "ingestion" / "files").as_uri()
    assert Settings(storage_url="s3://bucket/prefix").storage == "s3://bucket/prefix"


@pytest.mark.parametrize("url", ["ftp://host/x", "files", "file://relative"])
def test_an_unknown_storage_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="s3://bucket"):
        Settings(storage_url=url)
