"""What Presidio finds (the extra `pii`): an opinion beside our own, of kinds that our own does not know.

All of it happens in this process.  Presidio would fetch a model where none is installed, and a list of domains for its
e-mail addresses: here it has a pipeline without a model, or one of spaCy's that is installed, and the pattern of
addresses alone.  Without a model it finds what patterns can (passports, licences, wallets, network addresses, NHS
numbers); names and places need one.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from ...errors import UsageError, install_line
from .finder import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PRESIDIO = "presidio"
"""What is asked for in `--find` to have all that Presidio finds."""

_LANGUAGE = "en"
_MODELS = ("en_core_web_trf", "en_core_web_lg", "en_core_web_md", "en_core_web_sm")
"""spaCy's models of English, the surest first."""
_UNWANTED = frozenset({"DATE_TIME", "URL"})
"""What is no secret as such; measured: "around fifteen hours" is a date, and the domain of an address an URL."""
_LEAST_SCORE = 0.35
"""Chosen: below it are digits of the right count that nothing calls what they may be; Presidio adds 0.35 for a word."""


def find_by_presidio(texts: Sequence[str]) -> list[list[Hit]]:
    """What Presidio finds in each text, line by line (UsageError where the extra `pii` is not installed)."""
    analyzer = _analyzer()
    return [list(_found(analyzer, text)) for text in texts]


def _found(analyzer: Any, text: str) -> Iterator[Hit]:
    at = 0
    for line in text.split("\n"):
        for one in analyzer.analyze(line, language=_LANGUAGE) if line.strip() else ():
            if one.entity_type not in _UNWANTED:
                yield Hit(one.entity_type.lower().replace("_", "-"), at + one.start, at + one.end)
        at += len(line) + 1


@cache
def _analyzer() -> Any:
    try:
        from presidio_analyzer import AnalyzerEngine, PatternRecognizer  # noqa: PLC0415
        from presidio_analyzer.nlp_engine import SpacyNlpEngine  # noqa: PLC0415
        from presidio_analyzer.predefined_recognizers import EmailRecognizer  # noqa: PLC0415
    except ModuleNotFoundError as error:
        hint = f"{install_line('pii')}, or leave {PRESIDIO} out of --find"
        raise UsageError(f"--find {PRESIDIO} needs the package presidio-analyzer", hint=hint) from error
    engine: Any = SpacyNlpEngine()
    engine.nlp = {_LANGUAGE: _pipeline()}  # its own way to load one may fetch it
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=[_LANGUAGE], default_score_threshold=_LEAST_SCORE)
    analyzer.registry.remove_recognizer(EmailRecognizer.__name__)  # it fetches a list of domains
    analyzer.registry.add_recognizer(PatternRecognizer("EMAIL_ADDRESS", patterns=EmailRecognizer.PATTERNS))
    return analyzer


def _pipeline() -> Any:
    """The surest of the models that are installed; without one words alone, each of which is its own lemma."""
    import spacy  # noqa: PLC0415
    from spacy.language import Language  # noqa: PLC0415

    installed = [name for name in _MODELS if name in installed_models()]
    pipeline = spacy.load(installed[0]) if installed else spacy.blank(_LANGUAGE)
    if not installed:
        Language.component("own_lemma", func=_own_lemma)  # by lemmas Presidio knows what a number is called
        pipeline.add_pipe("own_lemma")
        pipeline.max_length = sys.maxsize  # which is for models that need memory by the length of a text
    return pipeline


def installed_models() -> list[str]:
    """The models of spaCy that are installed."""
    import spacy  # noqa: PLC0415

    return list(spacy.util.get_installed_models())


def _own_lemma(document: Any) -> Any:
    for token in document:
        token.lemma_ = token.lower_
    return document
