"""What goes wrong when text is made into vectors."""


class EmbeddingFailed(Exception):
    """The model did not give vectors. `passing`: it may do so later; else the settings or the installation are wrong."""

    def __init__(self, sentence: str, *, passing: bool) -> None:
        super().__init__(sentence)
        self.passing = passing
