"""The evaluation as a page of Markdown: figures by language and style, by intent, and what was taken for what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from dialogs.reading.evaluation import Case, confusion, intents, score

HEADS = (
    ("rows", "replies"),
    ("right", "right"),
    ("ours", "right, without other"),
    ("in_two", "among the first two"),
    ("acted", "acted on"),
    ("precise", "of these right"),
    ("other_acted", "other acted on"),
    ("opt_out_heard", "opt-out heard"),
    ("opt_out_done", "done at once"),
    ("opt_out_false", "false opt-outs"),
    ("opt_out_vain", "asked about in vain"),
    ("language", "language"),
    ("language_latin", "language in Latin letters"),
)
MOST = 6


def scorecard(cases: Sequence[Case]) -> str:
    """All tables of an evaluation."""
    return "\n".join([*_figures(cases), "", *_by_intent(cases), "", *_confused(cases)])


def _figures(cases: Sequence[Case]) -> Iterator[str]:
    groups = {"all": list(cases)}
    for style in sorted({case.style for case in cases if case.style}):
        groups[style] = [case for case in cases if case.style == style]
    for language in sorted({case.language for case in cases}):
        groups[language] = [case for case in cases if case.language == language]
    yield from _table("set", [head for _, head in HEADS])
    for name, group in groups.items():
        told = score(group)
        yield _row(name, [_shown(getattr(told, figure)) for figure, _ in HEADS])


def _by_intent(cases: Sequence[Case]) -> Iterator[str]:
    yield from _table("intent", ["replies", "heard", "of what was read so, right"])
    for intent in intents():
        meant = [case for case in cases if case.intent == intent]
        read = [case for case in cases if case.found == intent]
        heard = sum(case.right for case in meant) / max(1, len(meant))
        right = sum(case.right for case in read) / max(1, len(read))
        yield _row(intent, [str(len(meant)), _shown(heard), _shown(right)])


def _confused(cases: Sequence[Case]) -> Iterator[str]:
    yield from _table("language", ["most often taken for another: meant → read, times"])
    for language, counts in sorted(confusion(cases).items()):
        pairs = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST]
        yield _row(language, ["; ".join(f"{meant} → {found} {times}" for (meant, found), times in pairs)])


def _table(first: str, heads: Iterable[str]) -> Iterator[str]:
    heads = list(heads)
    yield _row(first, heads)
    yield "|" + " --- |" * (len(heads) + 1)


def _row(first: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join([first, *cells])} |"


def _shown(figure: float) -> str:
    return str(figure) if isinstance(figure, int) else f"{figure:.3f}"
