"""Target words of a question to exact filters over a catalog: which lines are meant.

What must match exactly (quoted text, identifiers, named values) is linked to fields first; the words
left are matched by meaning to a set of templates. A word that says how it ended ("failed") is never
dropped, and a phrase that nothing in the logs fits is looked for literally: better no line than the
wrong ones. The reading chosen, close other readings and words that nothing answers to are all said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from agent.offline.everyday import EVERYDAY
from agent.offline.target_choose import Choice, TemplateSearch, choose, same_words
from agent.offline.target_lexicon import ERROR_SIGNS, NEGATIONS, OUTCOMES
from agent.offline.target_link import Links, content, level_values, link
from agent.offline.target_terms import WEAK, cut, spoken
from agent.offline.target_vocabulary import Vocabulary
from agent.offline.words import SAME_STEM, likeness, match, singular, stem, tokens
from telemetry.models import Catalog, Filter, FilterOp, Template
from tools.spelling import shortened

_ENOUGH = 0.45
_ENOUGH_BESIDE_VALUES = 0.55
_LONGEST = 240
"""Characters of a message that are shown in a sentence: some are whole pages."""
_SHOWN = 3
_SHORT = 3
FAILED = OUTCOMES - {"succeed", "success"}
TROUBLE = ("warn", "error", "fatal")
"""Levels that tell of trouble."""

__all__ = ["Probe", "Target", "TemplateSearch", "resolve", "troubled"]


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
    by_meaning: bool = False
    """The messages were chosen by likeness of meaning, not by their words alone."""


Probe = Callable[[tuple[Filter, ...]], bool]
"""Whether any record meets all conditions."""


def resolve(
    words: str, catalog: Catalog, search: TemplateSearch | None, *, field: str | None = None, probe: Probe | None = None,
    lenient: bool = False,
) -> Target:
    """The filters that ``words`` mean over ``catalog``; ``search`` is asked when words do not settle it.

    ``field``: the parameter the question asks about; messages that carry it are tried first. ``probe`` tells whether
    a word that no message is made of stands in some record; one that does must match. ``lenient``: words that
    nothing answers to are left out.
    """
    vocabulary = Vocabulary(catalog)
    links = link(cut(words), vocabulary)
    asked = content(links.words)
    if links.quoted:
        return _by_quotes(links, asked, catalog)
    asked = [w for w in asked if w in links.level_words or w in NEGATIONS or not (w in EVERYDAY and not vocabulary.bears(w))]
    asked = _service(asked, links, vocabulary)
    if links.levels and not [w for w in asked if w not in WEAK and w not in links.level_words]:
        return _by_level(links, asked, vocabulary)
    asked = [w for w in asked if singular(w) not in links.levels]
    asked, links = _requests(asked, links, vocabulary)
    named = [w for w in asked if w not in WEAK]
    if not named:
        return _target(links, asked, Choice(), catalog, search)
    weak = WEAK | vocabulary.actors(named)
    holding = _holding(links, vocabulary)
    choice = Choice()
    kept = {template.id for template in holding.templates}
    carriers = tuple(template for template in _carriers(field, vocabulary) if template.id in kept)
    if carriers:
        choice = choose(asked, carriers, None, weak)
    if not _enough(choice, links):
        choice = choose(asked, holding.templates, search, weak)
        if len(holding.templates) < len(catalog.templates) and any(vocabulary.says(word) for word in choice.unmatched):
            links, choice = _as_text(links), choose(asked, catalog.templates, search, weak)
    if not _enough(choice, links):
        return _literal(links, asked, [spoken(w, words) for w in named], choice, vocabulary, search, probe, lenient=lenient)
    if NEGATIONS.intersection((*choice.unmatched, *choice.missing)):
        choice = _denied(choice, asked, links, holding, weak)
    if links.levels and not any(_tells_trouble(word) for word in named):
        choice = _restrict(choice, asked, links, vocabulary, weak)
    target = _standing(_target(links, asked, choice, catalog, search), probe, vocabulary)
    if probe is None or links.identifiers or probe(target.filters):
        return target
    in_text = _probed(links, asked, named, choice, vocabulary, search, probe, lenient=True, fields=False)
    return target if in_text.unmatched or not in_text.filters else in_text


def _service(asked: list[str], links: Links, vocabulary: Vocabulary) -> list[str]:
    """The words without the only one that names records, when it is a service's whole name: its records are meant, not messages that say the name."""
    info = vocabulary.fields.get("service")
    own = [word for word in asked if word not in WEAK and word not in links.level_words]
    name = next((value for value, _ in info.values if value.lower() == own[0].lower()), None) if info is not None and len(own) == 1 and info.distinct > 1 else None
    if name is None or any(item.field == "service" for item in links.filters):
        return asked
    links.filters.append(Filter(field="service", op="eq", value=name))
    links.said.append(f"service = {name}")
    return [word for word in asked if word != own[0]]


def _as_text(links: Links) -> Links:
    """The same links with values of parameters looked for as words of the text, wherever they stand."""
    links.filters = [Filter(field="text", op="word", value=item.value) if item.op == "eq" and item.field.startswith("param:") else item
                     for item in links.filters]
    return links


def _standing(target: Target, probe: Probe | None, vocabulary: Vocabulary) -> Target:
    """Words that no message is made of, but that stand in some of these records as a value, must match."""
    if probe is None or not target.unmatched:
        return target
    held, lost = list(target.filters), []
    said = []
    for word in target.unmatched:
        if vocabulary.names(word):
            lost.append(word)
            continue
        condition = Filter(field="text", op="word", value=word)
        if probe((*held, condition)):
            held.append(condition)
            said.append(f", and the word {word}")
        else:
            lost.append(word)
    return replace(target, filters=tuple(held), unmatched=tuple(lost), reading=target.reading + "".join(said))


def _holding(links: Links, vocabulary: Vocabulary) -> Catalog:
    """The catalog with only the templates that can hold the values linked so far; all when that leaves none."""
    kept = list(vocabulary.catalog.templates)
    for item in links.filters:
        info = vocabulary.fields.get(item.field)
        if item.op != "eq" or info is None or not info.templates:
            continue
        name, value = item.field.removeprefix("param:"), str(item.value).lower()
        held = set(info.templates)
        others = [v.lower() for v, _ in info.values if v.lower() != value]
        kept = [t for t in kept if t.id in held and (
            any(p.name == name for p in t.params) or value in t.pattern.lower() or not any(v in t.pattern.lower() for v in others))]
    return replace(vocabulary.catalog, templates=tuple(kept)) if kept else vocabulary.catalog


_REQUESTS = frozenset({"requests", "responses", "hits", "visits", "requested"})


def _requests(asked: list[str], links: Links, vocabulary: Vocabulary) -> tuple[list[str], Links]:
    """"requests" of a log that records requests, each with a status, a method or a path, are those records."""
    generic = [w for w in asked if w in _REQUESTS]
    if not generic:
        return asked, links
    by = {name: set(vocabulary.fields[f"param:{name}"].templates) for name in ("status", "status_code", "response_code", "http_status", "code", "method", "path", "url", "uri")
          if f"param:{name}" in vocabulary.fields}
    coded = set().union(*(by[n] for n in ("status", "status_code", "response_code", "http_status", "code", "method") if n in by))
    placed = set().union(*(by[n] for n in ("path", "url", "uri") if n in by))
    carriers = coded & placed
    if not carriers:
        return asked, links
    rest = [w for w in asked if w not in generic]
    if len(carriers) < len(vocabulary.catalog.templates):
        links.filters.append(_one_of(tuple(sorted(carriers))))
        links.said.append("requests")
    return rest, links


def _carriers(field: str | None, vocabulary: Vocabulary) -> tuple[Template, ...]:
    info = vocabulary.fields.get(field or "")
    held = set(info.templates) if info else set()
    return tuple(template for template in vocabulary.catalog.templates if template.id in held)


def _enough(choice: Choice, links: Links) -> bool:
    least = _ENOUGH_BESIDE_VALUES if links.filters else _ENOUGH
    return bool(choice.chosen) and (choice.coverage >= least or choice.by_meaning)


def troubled(template: Template, levels: Collection[str] = TROUBLE) -> bool:
    """Whether a template tells of trouble, by its levels, else by its words."""
    if set(template.levels) & set(levels):
        return True
    return any(_tells_trouble(token.word) for token in tokens(template.pattern))


def _tells_trouble(word: str) -> bool:
    return any(likeness(sign, word) >= SAME_STEM for sign in ERROR_SIGNS)


def _denied(choice: Choice, asked: list[str], links: Links, catalog: Catalog, weak: frozenset[str]) -> Choice:
    """Of "X could not be done", the messages that say so in other words: that X was done is the opposite."""
    rest = [word for word in asked if word not in NEGATIONS]
    denying = tuple(t for t in catalog.templates if any(token.word in NEGATIONS or stem(token.word) in FAILED for token in tokens(t.pattern)))
    others = choose(rest, denying, None, weak)
    return others if _enough(others, links) and not others.missing and not others.unmatched else choice


def _restrict(choice: Choice, asked: list[str], links: Links, vocabulary: Vocabulary, weak: frozenset[str]) -> Choice:
    """Of "X errors", keep the templates of X that are of that level or say so.

    When none is, other messages of X may; else the level must hold: what is routine is no error, whatever it is
    asked as. "Problems" are warnings too.
    """
    templates = {template.id: template for template in vocabulary.catalog.templates}
    values = level_values(links.levels, vocabulary, links.exact)
    if values and set(links.levels) <= {"problem", "issue"}:
        values = TROUBLE
    if not values:
        kept = tuple(pair for pair in choice.chosen if troubled(templates[pair[0]]))
        return replace(choice, chosen=kept or choice.chosen)
    kept = tuple(pair for pair in choice.chosen if troubled(templates[pair[0]], values))
    if kept:
        return replace(choice, chosen=kept)
    others = choose(asked, tuple(t for t in templates.values() if troubled(t, values)), None, weak)
    if _enough(others, links) and not others.missing and not others.unmatched:
        return others
    links.filters.append(Filter(field="level", op="in", value=values))
    links.said.append(f"level {' or '.join(values)}")
    return choice


def _by_level(links: Links, asked: list[str], vocabulary: Vocabulary) -> Target:
    values = level_values(links.levels, vocabulary, links.exact)
    bad: tuple[tuple[str, float], ...] = ()
    if values:
        condition = Filter(field="level", op="in", value=values)
        said = f"level {' or '.join(values)}"
    else:
        bad = tuple((t.id, 1.0) for t in vocabulary.catalog.templates if troubled(t))
        condition = _one_of(tuple(id_ for id_, _ in bad))
        said = "words that tell of trouble (these logs state no levels)"
    return Target(
        (*links.filters, condition), tuple(asked), bad, _sentence([*links.said, said]),
        identifiers=tuple(links.identifiers),
    )  # fmt: skip


def _by_quotes(links: Links, asked: list[str], catalog: Catalog) -> Target:
    filters, said = list(links.filters), list(links.said)
    held = dict.fromkeys((template.id for template in catalog.templates), 1.0)
    for phrase in links.quoted:
        exact = {t.id for t in catalog.templates if any(phrase in text for text in _texts(t))}
        wild = _wildcards(phrase) if not exact else None
        if wild is not None:
            filters.append(Filter(field="text", op="regex", value=wild))
            said.append(f"the text '{phrase}' with anything in its gaps")
            loose = {t.id for t in catalog.templates if any(re.search(wild, text) for text in _texts(t))}
            held = {id_: 1.0 for id_ in held if id_ in loose}
            continue
        folded = phrase.lower()
        loose = {t.id for t in catalog.templates if any(folded in text.lower() for text in _texts(t))}
        spaced = {t.id for t in catalog.templates if same_words(phrase, t.pattern)}
        if exact or loose or not spaced:
            op: FilterOp = "icontains" if loose and not exact else "contains"
            filters.append(Filter(field="text", op=op, value=phrase))
            said.append(f"the text '{phrase}'")
        else:
            filters.append(_one_of(tuple(sorted(spaced))))
            said.append(f"the words '{phrase}' with other text between them")
        held = {id_: 1.0 for id_ in held if id_ in (exact or loose or spaced)}
    return Target(
        tuple(filters), tuple(asked), tuple(held.items()), _sentence(said),
        identifiers=(*links.identifiers, *links.quoted),
    )  # fmt: skip


_GAP = re.compile(r"\s*\.\.\.\s*|\s*…\s*|<[^<>\s]*>|\*|(?<![\w.])[NXYZ](?![\w.])")


def _wildcards(phrase: str) -> str | None:
    """A pattern for a quoted phrase with gaps: ``tried N time(s)``, ``Received block ... of size``; None without gaps."""
    pieces = _GAP.split(phrase)
    if len(pieces) == 1 or not any(re.search(r"\w{3,}", piece) for piece in pieces):
        return None
    return "(?i)" + ".*".join(re.escape(piece) for piece in pieces)


def _texts(template: Template) -> tuple[str, ...]:
    return (template.pattern, *template.examples)


def _literal(
    links: Links,
    asked: list[str],
    named: list[str],
    choice: Choice,
    vocabulary: Vocabulary,
    search: TemplateSearch | None,
    probe: Probe | None,
    *,
    lenient: bool,
) -> Target:
    """Beside exact values the words only rank; alone they are looked for as they stand."""
    if probe is not None and not links.identifiers:
        return _probed(links, asked, named, choice, vocabulary, search, probe, lenient=lenient)
    if links.filters or lenient:
        kept = replace(choice, chosen=(), missing=(), unmatched=tuple(named), near=())
        target = _target(links, asked, kept, vocabulary.catalog, search)
        of_service = bool(links.filters) and all(item.field == "service" for item in links.filters)
        return _standing(target, probe, vocabulary) if of_service else target
    filters = [Filter(field="text", op="word", value=word) for word in named]
    values = level_values(links.levels, vocabulary, links.exact) if links.levels else ()
    if values:
        filters.append(Filter(field="level", op="in", value=values))
    said = [f"'{word}'" for word in named] + ([f"level {' or '.join(values)}"] if values else [])
    templates = {template.id: template for template in vocabulary.catalog.templates}
    close = [f"closest message: '{templates[id_].display}'" for id_, _ in choice.chosen[:_SHOWN]]
    return Target(
        tuple(filters), tuple(asked), (), _sentence(said) + "; no message was found to mean this",
        ambiguities=tuple(close), unmatched=tuple(named),
        lexical=search is not None and search.lexical,
    )  # fmt: skip


def _probed(
    links: Links, asked: list[str], named: list[str], choice: Choice, vocabulary: Vocabulary, search: TemplateSearch | None, probe: Probe,
    *, lenient: bool, fields: bool = True,
) -> Target:
    """Words that stand in records must match; those that stand in none are left out beside others that do.

    ``fields``: a word that names a field is not looked for.
    """
    filters, said = list(links.filters), list(links.said)
    values = level_values(links.levels, vocabulary, links.exact) if links.levels else ()
    if values:
        filters.append(Filter(field="level", op="in", value=values))
        said.append(f"level {' or '.join(values)}")
    lost: list[str] = []
    for word in named:
        if word in NEGATIONS:
            continue
        if fields and vocabulary.names(word) and len(named) > 1:
            lost.append(word)
            continue
        condition = Filter(field="text", op="word", value=word)
        bare = singular(word)
        loose = Filter(field="text", op="regex", value=rf"(?i)\b{re.escape(bare)}") if bare != word and bare.isalpha() and len(bare) > 3 else None
        if (word in links.names and (loose is None or not probe((*filters, loose)))) or probe((*filters, condition)):
            filters.append(condition)
            said.append(f"'{word}'")
        elif loose is not None and probe((*filters, loose)):
            filters.append(loose)
            said.append(f"a word like '{bare}'")
        elif bare.isalpha() and len(bare) > _SHORT and probe((*filters, named_so := Filter(field="text", op="regex", value=rf"[A-Za-z0-9_]{bare.capitalize()}\b"))):
            filters.append(named_so)
            said.append(f"a name that ends in {bare.capitalize()}")
        else:
            lost.append(word)
    templates = {template.id: template for template in vocabulary.catalog.templates}
    close = tuple(f"closest message: '{templates[id_].display}'" for id_, _ in choice.chosen[:_SHOWN])
    if lost and not filters and not lenient:
        filters = [Filter(field="text", op="word", value=word) for word in lost]
        reading = _sentence([f"'{word}'" for word in lost]) + "; no message was found to mean this"
    else:
        reading = _sentence(said)
    return Target(
        tuple(filters), tuple(asked), (), reading, ambiguities=close if lost else (), unmatched=tuple(lost),
        lexical=search is not None and search.lexical, identifiers=tuple(links.identifiers),
    )


def _target(
    links: Links, asked: list[str], choice: Choice, catalog: Catalog, search: TemplateSearch | None
) -> Target:
    templates = {template.id: template for template in catalog.templates}
    filters, said = list(links.filters), list(links.said)
    choice, outcomes = _outcomes(choice, templates)
    if choice.chosen and len(choice.chosen) < len(templates):
        filters.append(_one_of(tuple(id_ for id_, _ in choice.chosen)))
        said.append(_shown(choice, templates))
    for word in outcomes:
        root = stem(word)
        filters.append(Filter(field="text", op="regex", value=rf"(?i)\b{root}"))
        said.append(f"a word like '{word}'")
    exact = [name for name in links.names if name in choice.unmatched or (choice.chosen and name in choice.missing)]
    filters += [Filter(field="text", op="word", value=name) for name in exact]
    said += [f"the word {name}" for name in exact]
    return Target(
        filters=tuple(filters),
        rank=tuple(asked),
        templates=choice.chosen,
        reading=_sentence(said, [f"read {wrong} as {right}" for wrong, right in choice.corrected]),
        ambiguities=_ambiguities(choice, templates),
        unmatched=tuple(w for w in choice.unmatched if w not in WEAK and w not in exact),
        lexical=choice.by_meaning and search is not None and search.lexical,
        identifiers=tuple(links.identifiers),
        by_meaning=choice.by_meaning,
    )


def _outcomes(choice: Choice, templates: dict[str, Template]) -> tuple[Choice, list[str]]:
    """Hold the choice to words of success or trouble that its messages do not state.

    Of trouble, messages that tell of any trouble stay; when none does, and of success, the lines
    themselves must state the words returned.
    """
    words = [w for w in choice.missing if stem(w) in OUTCOMES or _tells_trouble(w)]
    words += [w for w in choice.unmatched if _tells_trouble(w)]
    if not choice.chosen or not words:
        return choice, []
    bad = tuple(pair for pair in choice.chosen if troubled(templates[pair[0]]))
    good = tuple(pair for pair in choice.chosen if pair not in bad)
    if good and bad and not any(_tells_trouble(word) for word in words):
        return replace(choice, chosen=good), []
    if bad and all(_tells_trouble(word) for word in words):
        return replace(choice, chosen=bad), []
    return choice, words


def _one_of(ids: tuple[str, ...]) -> Filter:
    if len(ids) == 1:
        return Filter(field="template", op="eq", value=ids[0])
    return Filter(field="template", op="in", value=ids)


def _shown(choice: Choice, templates: dict[str, Template]) -> str:
    names = [f"'{shortened(templates[id_].display, _LONGEST)}'" for id_, _ in choice.chosen[:_SHOWN]]
    more = len(choice.chosen) - len(names)
    how = " (by meaning)" if choice.by_meaning else ""
    return f"messages like {', '.join(names)}{f' and {more} more' if more > 0 else ''}{how}"


def _ambiguities(choice: Choice, templates: dict[str, Template]) -> tuple[str, ...]:
    near = sorted(choice.near, key=lambda id_: -templates[id_].count)[:_SHOWN] if choice.chosen else []
    out = [
        f"not counted, but close: '{shortened(templates[id_].display, _LONGEST)}' ({templates[id_].count} records)" for id_ in near
    ]
    for id_, _ in choice.chosen:
        pattern = templates[id_].pattern
        if len(choice.chosen) > 1 and min(match("repeated", pattern)[0], match("times", pattern)[0]) >= 0.97:
            out.append(f"counted once each although it stands for several: '{templates[id_].display}'")
    return tuple(out)


def _sentence(said: list[str], notes: list[str] | None = None) -> str:
    text = "lines with " + ", and ".join(dict.fromkeys(said)) if said else "all lines"
    return text + "".join(f"; {note}" for note in notes or [])
