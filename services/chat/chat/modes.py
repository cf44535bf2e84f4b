"""The ways to study, with a language model or without one."""

from contracts.chat import Mode

from chat import prompts
from chat.feynman import FeynmanMode
from chat.judging import Judge, OfflineJudge
from chat.model import LanguageModel
from chat.model_judging import ModelJudge
from chat.practice.model_setter import ModelSetter
from chat.practice.setters import OfflineSetter, Setter
from chat.practice.turn import PracticeTurn
from chat.recall.examiner import Examiner, OfflineExaminer
from chat.recall.mode import RecallMode
from chat.recall.model_examiner import ModelExaminer
from chat.structured import Structured
from chat.studying import StudyMode
from chat.tokens import token_counter
from chat.tutoring import Budget, ModelTutor, OfflineTutor, Tutor, TutorMode


def modes(model: LanguageModel | None, budget: Budget, *, questions: int) -> dict[Mode, StudyMode]:
    """Each mode, written by the model where there is one; `questions` is how many a quiz has."""
    return {
        "tutor": TutorMode(_tutor(model, budget), PracticeTurn(_setter(model, budget))),
        "active_recall": RecallMode(_examiner(model, budget), questions),
        "feynman": FeynmanMode(_judge(model, budget)),
    }


def _tutor(model: LanguageModel | None, budget: Budget) -> Tutor:
    if model is None:
        return OfflineTutor()
    return ModelTutor(model, prompts.load(prompts.TUTOR), token_counter(model.name), budget)


def _setter(model: LanguageModel | None, budget: Budget) -> Setter:
    if model is None:
        return OfflineSetter()
    return ModelSetter(Structured(model), prompts.load(prompts.PRACTICE), token_counter(model.name), budget)


def _judge(model: LanguageModel | None, budget: Budget) -> Judge:
    if model is None:
        return OfflineJudge()
    tokens = token_counter(model.name)
    return ModelJudge(Structured(model), prompts.load(prompts.FEYNMAN), tokens, budget)


def _examiner(model: LanguageModel | None, budget: Budget) -> Examiner:
    if model is None:
        return OfflineExaminer()
    tokens = token_counter(model.name)
    asking, grading = prompts.load(prompts.RECALL_ASKING), prompts.load(prompts.RECALL_GRADING)
    return ModelExaminer(Structured(model), asking, grading, tokens, budget)
