"""The ways to study, with a language model or without one."""

from contracts.chat import Mode

from chat import prompts
from chat.feynman import FeynmanMode
from chat.judging import Judge, OfflineJudge
from chat.model import LanguageModel
from chat.model_judging import ModelJudge
from chat.structured import Structured
from chat.studying import StudyMode
from chat.tokens import token_counter
from chat.tutoring import Budget, ModelTutor, OfflineTutor, Tutor, TutorMode


def modes(model: LanguageModel | None, budget: Budget) -> dict[Mode, StudyMode]:
    """Each mode, written by the model where there is one."""
    return {"tutor": TutorMode(_tutor(model, budget)), "feynman": FeynmanMode(_judge(model, budget))}


def _tutor(model: LanguageModel | None, budget: Budget) -> Tutor:
    if model is None:
        return OfflineTutor()
    return ModelTutor(model, prompts.load(prompts.TUTOR), token_counter(model.name), budget)


def _judge(model: LanguageModel | None, budget: Budget) -> Judge:
    if model is None:
        return OfflineJudge()
    tokens = token_counter(model.name)
    return ModelJudge(Structured(model, tokens), prompts.load(prompts.FEYNMAN), tokens, budget)
