"""Which images are generated to measure a host: prompts and seeds, the same for every edit of it."""

import itertools
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from slug_lightning.data.prompts import fill
from slug_lightning.errors import ConceptNotFoundError, SettingError, closest
from slug_lightning.hosts.host_metric import Split

# Seeds of the kinds of images are so far apart that none is ever used twice.
_RANGE = 1_000_000
_FIRST = {("search", True): 0, ("search", False): 1, ("final", True): 2, ("final", False): 3}


@dataclass(frozen=True)
class Case:
    """One image to generate.

    Attributes:
        shown: What it must show, by field of the template.
        prompt: The prompt.
        seed: Seed of its noise.
    """

    shown: Mapping[str, str]
    prompt: str
    seed: int


@dataclass(frozen=True)
class PromptTable:
    """Every combination of names, put into a template.

    Attributes:
        template: Prompt with a field in braces for each key of ``names``.
        names: What can be in each field.

    Raises:
        SettingError: If fields and keys differ, or a field has no names, or one twice.
    """

    template: str
    names: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        fields = {field for _, field, _, _ in string.Formatter().parse(self.template) if field is not None}
        if fields != set(self.names) or not fields:
            msg = (
                f"Expected names for each field of the template {self.template!r}, {sorted(fields)}, but got "
                f"names for {sorted(self.names)}. Put fields in braces: 'a {{style}} of a {{digit}}'."
            )
            raise SettingError(msg)
        for field, names in self.names.items():
            if not names or len(set(names)) < len(names):
                msg = f"Expected different names for the field {field!r}, but got {list(names)}."
                raise SettingError(msg)

    def field_of(self, concept: str) -> str:
        """The field that a concept is a name of.

        Raises:
            ConceptNotFoundError: If it is one of none, or of several.
        """
        found = [field for field, names in self.names.items() if concept in names]
        if len(found) == 1:
            return found[0]
        every = [name for names in self.names.values() for name in names]
        near = closest(concept, every) or every[:10]
        msg = (
            f"Expected data.concept to be in one field of the names of model.host_metric, but {concept!r} is "
            f"in {found or 'none'}. Closest names: {near}."
        )
        raise ConceptNotFoundError(msg)

    def cases(
        self,
        concept: str,
        of_concept: bool,
        count: int,
        split: Split,
        seed: int,
        wordings: Sequence[str] = (),
    ) -> list[Case]:
        """The images of one kind: a shuffled round through all prompts of the kind, then the next.

        Args:
            concept: What is to be forgotten.
            of_concept: Those whose prompts name it, or those whose prompts do not.
            count: How many.
            split: Seeds of the two splits differ.
            seed: Of order and noise.
            wordings: Further sentences with ``{}`` for the concept. In a round each prompt has another
                sentence than its neighbours and than in the round before: the template, then these in turn.
        """
        own = self.field_of(concept)
        rows = [dict(zip(self.names, row, strict=True)) for row in itertools.product(*self.names.values())]
        kind = [row for row in rows if (row[own] == concept) == of_concept]
        if not kind:  # a single name: nothing else to keep
            return []
        first = (4 * seed + _FIRST[split, of_concept]) * _RANGE
        order = torch.randperm(len(kind), generator=torch.Generator().manual_seed(first)).tolist()
        places = [divmod(i, len(kind)) for i in range(count)]
        sentences = [None, *wordings]
        said = [sentences[(turn + place) % len(sentences)] for turn, place in places]
        chosen = [kind[order[place]] for _, place in places]
        prompts = [
            self.template.format(**row) if way is None else fill([way], concept)[0]
            for row, way in zip(chosen, said, strict=True)
        ]
        return [
            Case(row, prompt, first + i) for i, (row, prompt) in enumerate(zip(chosen, prompts, strict=True))
        ]
