"""Reading replies one by one, beside langdetect alone as it comes out of the box on the same texts.

The texts are the packaged examples. Time is that of the processor, for a machine that does other work as well.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import AsyncIterator, Sequence

import langdetect

from bot.bench.figures import Asked, Baseline, Figures
from dialogs.reading.examples import packaged
from dialogs.reading.model import model, model_of
from dialogs.reading.reader import read
from dialogs.reading.traits import LEARNED_ON

MEAN_MS, P95_MS, LOAD_S, MOST_MB = 1.0, 2.0, 0.3, 40.0
WARM = 100
"""Replies read before any is timed: patterns are compiled when they are first needed."""
MILLIONTHS = 2**20


async def bench(asked: Asked) -> AsyncIterator[Figures]:
    """One figure; it holds where mean, p95, loading and memory keep to what was promised."""
    model()  # learned now, should it not have been before
    texts = _texts(asked.size)
    asked.watch("loading what was learned", 0, 0)
    loaded, peak = _loading()
    asked.watch("reading replies", 0, len(texts))
    for text in texts[:WARM]:
        read(text, "en", LEARNED_ON)
    spent = [_timed(text) for text in texts]
    asked.watch("langdetect", 0, 0)
    baseline = Baseline("langdetect.detect of the same texts", _langdetect(texts))
    mean, p95 = statistics.fmean(spent) * 1000, statistics.quantiles(spent, n=20)[-1] * 1000
    yield Figures(
        bench="understand",
        size=len(texts),
        seconds=sum(spent),
        baseline=baseline,
        peak_mb=peak,
        more={"mean_ms": round(mean, 3), "p95_ms": round(p95, 3), "load_seconds": round(loaded, 3)},
        holds=mean < MEAN_MS and p95 < P95_MS and loaded < LOAD_S and peak < MOST_MB,
    )


def _texts(size: int) -> Sequence[str]:
    texts = [example.text for example in packaged()]
    return [texts[place * 7919 % len(texts)] for place in range(size)]


def _loading() -> tuple[float, float]:
    """Seconds from the disk to the first answer, and megabytes that stay in use."""
    examples = packaged()
    before = time.process_time()
    model_of(examples)
    loaded = time.process_time() - before
    tracemalloc.start()
    kept = model_of(examples)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    read("ok", "en", LEARNED_ON, learned=kept)
    return loaded, held / MILLIONTHS


def _timed(text: str) -> float:
    before = time.process_time()
    read(text, "en", LEARNED_ON)
    return time.process_time() - before


def _langdetect(texts: Sequence[str]) -> float:
    before = time.process_time()
    for text in texts:
        try:
            langdetect.detect(text)
        except langdetect.LangDetectException:
            continue
    return time.process_time() - before
