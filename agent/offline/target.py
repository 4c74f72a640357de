"""Target words of a question to exact filters over a catalog: which lines are meant.

What must match exactly (quoted text, identifiers, named values) is linked to fields first; the words
left are matched by meaning to a set of templates. The reading chosen, close other readings and words
that nothing in the logs answers to are all said.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.offline.target_choose import Choice, TemplateSearch, choose, same_words
from agent.offline.target_lexicon import ERROR_SIGNS
from agent.offline.target_link import Links, Vocabulary, content, level_values, link
from agent.offline.target_terms import WEAK, cut
from agent.offline.words import SAME_STEM, likeness, singular, support, tokens
from telemetry.models import Catalog, Filter, Template

_ENOUGH = 0.45
_SHOWN = 3

__all__ = ["Target", "TemplateSearch", "resolve"]


@dataclass(frozen=True, slots=True)
class Target:
    """The lines a phrase denotes."""

    filters: tuple[Filter, ...]
    rank: tuple[str, ...]
    """Words whose presence ranks lines."""
    templates: tuple[tuple[str, float], ...]
    """Chosen (template id, score), best first; empty when any template will do."""
    reading: str
    ambiguities: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    lexical: bool = False
    """Meaning was asked for and only spelling could be compared."""
    identifiers: tuple[str, ...] = ()
    """Values that must stand in the line."""


def resolve(words: str, catalog: Catalog, search: TemplateSearch | None) -> Target:
    """The filters that ``words`` mean over ``catalog``; ``search`` is asked only when words do not settle it."""
    vocabulary = Vocabulary(catalog)
    links = link(cut(words), vocabulary)
    asked = content(links.words)
    templates = {template.id: template for template in catalog.templates}
    if links.quoted:
        return _by_quotes(links, asked, templates)
    level = tuple(w for w in links.level_words)
    named = [w for w in asked if w not in WEAK]
    if level and not named:
        return _by_level(links, asked, list(level), vocabulary)
    asked = [w for w in asked if singular(w) not in level]
    choice = choose(asked, catalog.templates, search) if asked else _nothing()
    weak_only = not named
    if choice.coverage < _ENOUGH and not choice.by_meaning or weak_only:
        choice = Choice((), tuple(w for w in choice.unmatched if w not in WEAK), (), choice.coverage, False)
    if level and not any(_tells_trouble(word) for word in named):
        choice = _restrict(choice, templates)
    return _target(links, asked, choice, templates, search)


def _nothing() -> Choice:
    return Choice((), (), (), 0.0, by_meaning=False)


def _restrict(choice: Choice, templates: dict[str, Template]) -> Choice:
    """Of "X errors", keep the templates of X that tell of trouble, when some do and some do not."""
    bad = tuple(pair for pair in choice.chosen if troubled(templates[pair[0]]))
    if not bad or len(bad) == len(choice.chosen):
        return choice
    return Choice(bad, choice.unmatched, choice.near, choice.coverage, choice.by_meaning, choice.corrected)


def troubled(template: Template) -> bool:
    """Whether a template tells of trouble, by its levels, else by its words."""
    if set(template.levels) & {"error", "fatal", "warn"}:
        return True
    return any(_tells_trouble(token.word) for token in tokens(template.pattern))


def _tells_trouble(word: str) -> bool:
    return any(likeness(sign, word) >= SAME_STEM for sign in ERROR_SIGNS)


def _by_level(links: Links, asked: list[str], level: list[str], vocabulary: Vocabulary) -> Target:
    values = level_values(level, vocabulary)
    if values:
        condition = Filter(field="level", op="in", value=values)
        reading = _sentence([*links.said, f"level {' or '.join(values)}"], ())
        return Target((*links.filters, condition), tuple(asked), (), reading, identifiers=tuple(links.identifiers))
    bad = tuple((t.id, 1.0) for t in vocabulary.catalog.templates if troubled(t))
    condition = Filter(field="template", op="in", value=tuple(id_ for id_, _ in bad))
    reading = _sentence([*links.said, "these logs state no levels, so lines whose words tell of trouble"], ())
    return Target((*links.filters, condition), tuple(asked), bad, reading, identifiers=tuple(links.identifiers))


def _by_quotes(links: Links, asked: list[str], templates: dict[str, Template]) -> Target:
    filters, said, held = list(links.filters), list(links.said), dict.fromkeys(templates, 1.0)
    for phrase in links.quoted:
        exact = {t.id for t in templates.values() if any(phrase in text for text in _texts(t))}
        loose = {t.id for t in templates.values() if any(phrase.lower() in text.lower() for text in _texts(t))}
        spaced = {t.id for t in templates.values() if same_words(phrase, t.pattern)}
        if exact or loose or not spaced:
            filters.append(Filter(field="text", op="contains" if exact or not loose else "icontains", value=phrase))
            said.append(f"the text '{phrase}'")
        else:
            filters.append(_one_of(tuple(sorted(spaced))))
            said.append(f"the words '{phrase}' with other text between them")
        held = {id_: 1.0 for id_ in held if id_ in (exact or loose or spaced)}
    return Target(
        tuple(filters), tuple(asked), tuple(held.items()), _sentence(said, ()),
        identifiers=(*links.identifiers, *links.quoted),
    )  # fmt: skip


def _texts(template: Template) -> tuple[str, ...]:
    return (template.pattern, *template.examples)


def _target(
    links: Links, asked: list[str], choice: Choice, templates: dict[str, Template], search: TemplateSearch | None
) -> Target:
    filters = list(links.filters)
    said = list(links.said)
    if choice.chosen and len(choice.chosen) < len(templates):
        filters.append(_one_of(tuple(id_ for id_, _ in choice.chosen)))
        said.append(_shown(choice, templates))
    notes = [f"read {wrong} as {right}" for wrong, right in choice.corrected]
    return Target(
        filters=tuple(filters),
        rank=tuple(asked),
        templates=choice.chosen,
        reading=_sentence(said, notes),
        ambiguities=_ambiguities(choice, templates),
        unmatched=tuple(w for w in choice.unmatched if w not in WEAK),
        lexical=choice.by_meaning and search is not None and search.lexical,
        identifiers=tuple(links.identifiers),
    )


def _one_of(ids: tuple[str, ...]) -> Filter:
    if len(ids) == 1:
        return Filter(field="template", op="eq", value=ids[0])
    return Filter(field="template", op="in", value=ids)


def _shown(choice: Choice, templates: dict[str, Template]) -> str:
    names = [f"'{templates[id_].display}'" for id_, _ in choice.chosen[:_SHOWN]]
    more = len(choice.chosen) - len(names)
    how = " (by meaning)" if choice.by_meaning else ""
    return f"messages like {', '.join(names)}{f' and {more} more' if more > 0 else ''}{how}"


def _ambiguities(choice: Choice, templates: dict[str, Template]) -> tuple[str, ...]:
    near = sorted(choice.near, key=lambda id_: -templates[id_].count)[:_SHOWN]
    out = [f"not counted, but close: '{templates[id_].display}' ({templates[id_].count} records)" for id_ in near]
    for id_, _ in choice.chosen:
        pattern = templates[id_].pattern
        if len(choice.chosen) > 1 and support("repeated", pattern) >= 0.97 and support("times", pattern) >= 0.97:
            out.append(f"counted once each although it stands for several: '{templates[id_].display}'")
    return tuple(out)


def _sentence(said: list[str], notes: list[str] | tuple[str, ...]) -> str:
    text = "lines with " + ", and ".join(said) if said else "all lines"
    return text + "".join(f"; {note}" for note in notes)
