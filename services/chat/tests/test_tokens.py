"""Counting tokens, or saying that it is an estimate."""

import hashlib
from pathlib import Path

import pytest
from chat import tokens
from chat.tokens import CountedTokens, EstimatedTokens, token_counter
from semantic_text_splitter import TextSplitter

ENGLISH = "Money acts as a common denominator, an accounting method that simplifies thinking about trade-offs. "
SAMPLES = {
    "english": ENGLISH * 5,
    "german": "Die Photosynthese ist ein physiologischer Prozess zur Erzeugung energiereicher Biomoleküle. " * 3,
    "russian": "Фотосинтез — сложный химический процесс преобразования энергии видимого света. " * 3,
    "chinese": "光合作用是植物、藻类等生产者和某些细菌，利用光能把二氧化碳、水变成碳水化合物。" * 3,
    "code": "for i in range(10):\n    if arr[i] > best[k]:\n        best[k] = arr[i]\n" * 3,
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_estimate_is_near_and_seldom_below_the_count(sample: str) -> None:
    text = SAMPLES[sample]
    ratio = EstimatedTokens().count(text) / counted(text)
    assert 0.85 < ratio < 2.1


def counted(text: str) -> int:
    """What OpenAI's encoding counts; the splitter has its ranks inside."""
    low, high = 1, len(text.encode())
    while low < high:
        middle = (low + high) // 2
        if len(TextSplitter.from_tiktoken_model("gpt-4o", middle, trim=False).chunks(text)) > 1:
            low = middle + 1
        else:
            high = middle
    return low


def test_without_ranks_it_estimates_and_asks_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    assert token_counter("gpt-4o").estimates
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert isinstance(token_counter("gpt-4o"), EstimatedTokens)
    name = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    (tmp_path / hashlib.sha1(name.encode()).hexdigest()).write_bytes(b"not the ranks")
    assert isinstance(token_counter("gpt-4o"), EstimatedTokens)


def test_with_ranks_it_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import tiktoken  # noqa: PLC0415 - only this test makes an encoding

    letters = tiktoken.Encoding(
        "o200k_base",
        pat_str=r"\S+|\s+",
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={"<|endoftext|>": 256},
    )
    ranks = b"the ranks"
    monkeypatch.setattr(tokens, "_SHA256", {"o200k_base": hashlib.sha256(ranks).hexdigest()})
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: letters)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    name = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    (tmp_path / hashlib.sha1(name.encode()).hexdigest()).write_bytes(ranks)
    counter = token_counter("gpt-4o")
    assert isinstance(counter, CountedTokens)
    assert not counter.estimates
    assert counter.count("ab <|endoftext|>") == 16
    assert token_counter("deepseek-chat").estimates
