"""Every service refuses to start on limits for a handler that it does not have, and says which it has."""

import os
import subprocess
import sys

import pytest
from devstack.parts import PARTS


@pytest.mark.parametrize("name", [part.name for part in PARTS])
def test_a_wrong_handler_keeps_a_service_from_starting(name: str) -> None:
    variable = f"{name.upper()}_HANDLERS"
    environment = {**os.environ, "ENVIRONMENT": "development", "LOG_FORMAT": "console", variable: "no_such_handler=3"}
    process = subprocess.run(
        [sys.executable, "-m", name, "api"], env=environment, capture_output=True, text=True, timeout=50, check=False
    )
    assert process.returncode == 1
    assert f"{variable}: no_such_handler is no handler of {name}. There is: " in process.stderr + process.stdout
    assert "Traceback" not in process.stderr + process.stdout
