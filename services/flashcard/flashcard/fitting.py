"""What of a file from elsewhere fits into a student's decks; what is left out, cut or put elsewhere is told."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flashcard.decks import DEEPEST, DEFAULT, LONGEST_NAME, deck_name
from flashcard.incoming import counted, listed

_LONGEST_TAG, _MOST_TAGS, _LONGEST_GUID = 100, 100, 200


@dataclass(slots=True)
class Fitting:
    """What a file's notes may have, and what was lost of it so far."""

    tags_left: list[str] = field(default_factory=list)
    tags_cut: list[str] = field(default_factory=list)
    decks_left: dict[str, None] = field(default_factory=dict)
    guids_cut: int = 0

    def tags(self, tags: Sequence[str]) -> list[str]:
        """As many of a note's tags as it may have, as long as they may be."""
        self.tags_left += tags[_MOST_TAGS:]
        self.tags_cut += [tag for tag in tags[:_MOST_TAGS] if len(tag) > _LONGEST_TAG]
        return [tag[:_LONGEST_TAG] for tag in tags[:_MOST_TAGS]]

    def deck(self, name: str) -> str:
        """The deck with this name; the default one where none may be called so."""
        try:
            return deck_name(name)
        except ValueError:
            self.decks_left[name] = None
            return DEFAULT

    def guid(self, guid: str) -> str:
        """As much of it as is kept."""
        self.guids_cut += len(guid) > _LONGEST_GUID
        return guid[:_LONGEST_GUID]

    def warnings(self) -> list[str]:
        """What is lost, and what to do."""
        told = []
        if self.decks_left:
            told.append(
                f"{counted(len(self.decks_left), 'deck goes', 'decks go')} into “{DEFAULT}”: a name has at most {LONGEST_NAME} characters"
                f" in at most {DEEPEST} parts, none of them empty: {listed(list(self.decks_left))}."
                " Give them other names where they come from, and export them again."
            )
        if self.guids_cut:
            told.append(
                f"{counted(self.guids_cut, 'note has', 'notes have')} a guid of more than {_LONGEST_GUID} characters, which is cut:"
                " another one that begins like it would be taken for the same."
            )
        if self.tags_left:
            told.append(
                f"{counted(len(self.tags_left), 'tag is', 'tags are')} left out, as a note has {_MOST_TAGS} at most:"
                f" {listed(self.tags_left)}. Take some off these notes where they come from, and import them again."
            )
        if self.tags_cut:
            told.append(
                f"{counted(len(self.tags_cut), 'tag is', 'tags are')} cut to {_LONGEST_TAG} characters: {listed(self.tags_cut)}."
                " Shorten them where they come from, and import them again."
            )
        return told
