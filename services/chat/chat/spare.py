"""A mode with a model, and the same mode without one for when no model answers."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from logging import getLogger

from chat.model import ModelFailed
from chat.studying import Answered, Asked, Material, StudyMode

log = getLogger(__name__)


class Spared:
    """A `StudyMode`. What the offline mode writes says that it is offline, and is kept as written by no model."""

    def __init__(self, mode: StudyMode, offline: StudyMode) -> None:
        self.intents = mode.intents
        self._mode = mode
        self._offline = offline

    async def respond(self, asked: Asked, material: Material) -> AsyncGenerator[str | Answered]:
        """As the mode with a model does; where that fails before its first word, as the other one does."""
        spoke = False
        try:
            async with aclosing(self._mode.respond(asked, material)) as pieces:
                async for piece in pieces:
                    spoke = True
                    yield piece
            return
        except ModelFailed as failure:
            if spoke:
                raise
            log.warning("answer %s is written offline: %s", asked.answer_id, failure)
        async with aclosing(self._offline.respond(asked, material)) as pieces:
            async for piece in pieces:
                yield piece
