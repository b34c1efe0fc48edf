"""Names in captions that are spelled like one that no caption has."""

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

from slug_lightning.data.captions import concept_words, fold

CUTOFF = 0.75
_MOST = 50_000  # phrases that are compared, the most frequent first


def near_misses(captions: Iterable[str], names: str | Sequence[str], count: int = 3) -> list[str]:
    """Phrases in captions that are most like one of the names, best first.

    Args:
        captions: Where to look.
        names: What was looked for.
        count: At most so many.

    Example:
        >>> near_misses(["A photo of Elon Musk.", "a lake"], "Elon Mask")
        ['elon musk']
    """
    wanted = [" ".join(words) for words in concept_words(names)]
    phrases: Counter[str] = Counter()
    lengths = {len(name.split()) for name in wanted}
    for caption in captions:
        words = [word.strip(_AROUND) for word in fold(caption).split()]
        for length in lengths:
            starts = range(len(words) - length + 1)
            phrases.update({" ".join(words[start : start + length]) for start in starts})
    frequent = [phrase for phrase, _ in phrases.most_common(_MOST)]
    scored: dict[str, float] = {}
    for name in wanted:
        for phrase in difflib.get_close_matches(name, frequent, count, CUTOFF):
            ratio = difflib.SequenceMatcher(None, phrase, name).ratio()
            scored[phrase] = max(scored.get(phrase, 0.0), ratio)
    return sorted(scored, key=lambda phrase: (-scored[phrase], phrase))[:count]


_AROUND = ".,;:!?\"'()[]{}|-\u201c\u201d\u2018\u2019"
