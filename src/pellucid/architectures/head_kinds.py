"""The kinds of heads, by the names that `transformers` gives their classes and outputs.

A family hands in what is its own: the vector that a whole text is judged by, and which of its layers may be new.
"""

from __future__ import annotations

from pellucid import heads
from pellucid.architectures.family import Head
from pellucid.heads import HeadForward, Summary


def base(output_class: str = "BaseModelOutput", summary: Summary | None = None, new: tuple[str, ...] = ()) -> Head:
    """The encoder alone, with a pooler if there is a summary."""
    return Head(heads.hidden_states if summary is None else heads.pooled(summary), "Model", output_class, new)


def masked_language_model(
    forward: HeadForward | None = None, twice: tuple[str, ...] = (), class_suffix: str = "ForMaskedLM"
) -> Head:
    """The word behind each mask."""
    return Head(
        heads.vocabulary() if forward is None else forward, class_suffix, "MaskedLMOutput", ("head",), "tokens",
        twice=twice, reads="chosen",
    )  # fmt: skip


def sequence_classification(summary: Summary, new: tuple[str, ...] = ()) -> Head:
    """Labels of whole texts."""
    return Head(
        heads.sequence_labels(summary), "ForSequenceClassification", "SequenceClassifierOutput", ("head", *new),
        "texts", reads="first",
    )  # fmt: skip


def token_classification(forward: HeadForward = heads.token_labels) -> Head:
    """Labels of tokens."""
    return Head(forward, "ForTokenClassification", "TokenClassifierOutput", ("head",), "tokens")


def question_answering(forward: HeadForward = heads.answer_span) -> Head:
    """Where the answer stands in a text."""
    return Head(
        forward, "ForQuestionAnswering", "QuestionAnsweringModelOutput", ("head",), "span",
        single=("start_logits", "end_logits"),
    )  # fmt: skip


def multiple_choice(summary: Summary, new: tuple[str, ...] = ()) -> Head:
    """The best of several texts."""
    return Head(
        heads.choices(summary), "ForMultipleChoice", "MultipleChoiceModelOutput", ("head", *new), "choices",
        single=("logits",), reads="first",
    )  # fmt: skip


def next_sentence_prediction(summary: Summary, new: tuple[str, ...] = ()) -> Head:
    """Whether the second text follows the first."""
    return Head(
        heads.next_sentence(summary), "ForNextSentencePrediction", "NextSentencePredictorOutput", ("head", *new),
        "pair", reads="first",
    )  # fmt: skip


def replaced_token_detection(output_class: str) -> Head:
    """Whether each token was put in place of another."""
    return Head(heads.replaced_tokens, "ForPreTraining", output_class, ("head",), "replaced", single=("logits",))
