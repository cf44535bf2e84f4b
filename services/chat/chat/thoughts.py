"""Thoughts that a reasoning model writes before its answer: they are not part of it.

Most servers send them apart (`reasoning_content`, `reasoning`), which we do not read. A server that was not told to do so (vLLM without
`--reasoning-parser`, older Ollama) sends them as text, between tags at the very beginning.
"""

_TAGS = {"<think>": "</think>", "<thinking>": "</thinking>"}


class ThoughtFilter:
    """Takes the text of an answer as it comes and gives it back without the thoughts at its beginning."""

    def __init__(self) -> None:
        self._held = ""
        self._closes = ""
        self._answering = False

    def feed(self, piece: str) -> str:
        """What of the text so far is answer, and was not given back yet."""
        if self._answering:
            return piece
        self._held += piece
        return self._after_thoughts() if self._closes else self._beginning()

    def close(self) -> str:
        """What was held back and is no thought after all."""
        return "" if self._answering or self._closes else self._held

    def _beginning(self) -> str:
        begins = self._held.lstrip()
        self._closes = next((closes for opens, closes in _TAGS.items() if begins.startswith(opens)), "")
        if self._closes:
            return self._after_thoughts()
        if any(opens.startswith(begins) for opens in _TAGS):
            return ""
        self._answering = True
        return self._held

    def _after_thoughts(self) -> str:
        _, _, after = self._held.partition(self._closes)
        answer = after.lstrip()
        self._answering = bool(answer)
        return answer
