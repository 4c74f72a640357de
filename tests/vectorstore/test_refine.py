"""Splitting and merging of drain's clusters, on shapes small enough to see."""

from tests.vectorstore.keying import key
from vectorstore.drawing import render, slot_names
from vectorstore.masking import mask
from vectorstore.patterns import normalise
from vectorstore.refine import merge, shape_of, split
from vectorstore.skeleton import skeleton


def groups(*messages: str) -> int:
    return len(merge(split([shape_of(key(m)) for m in dict.fromkeys(messages)])))


def drawn(*messages: str) -> tuple[str, str]:
    keys = list(dict.fromkeys(key(m) for m in messages))
    group = merge(split(list(dict.fromkeys(shape_of(k) for k in keys))))[0]
    found = render(group, keys)
    return found.pattern, found.display


def test_few_words_are_statements() -> None:
    assert groups("valve of tank opened", "valve of tank closed") == 2


def test_accounts_stay_one_statement() -> None:
    assert groups("session closed for user ann", "session closed for user bob") == 1


def test_kinds_of_a_bracketed_value_are_statements() -> None:
    assert groups("deploying application archive [/a/b.war]", "deploying application folder [/a/b]") == 2


def test_names_before_a_number_stay_one_statement() -> None:
    assert groups("restarted service cart 3 times", "restarted service mail 4 times") == 1


def test_values_are_one_statement() -> None:
    assert groups("no answer from rack[A8] yet", "no answer from rack[B7] yet") == 1


def test_affix_stays_in_pattern() -> None:
    assert drawn("refused; rhost=alpha1", "refused; rhost=beta2")[0] == "refused; rhost=<*>"


def test_display_names_every_variable() -> None:
    pattern, display = drawn("link from 10.0.0.7:80 took 5 ms", "link from 10.0.0.8:81 took 7 ms")

    assert pattern == "link from <*>:<*> took <*> ms"
    assert display == "link from <ip>:<port> took <duration> ms"


def test_known_names_are_shown() -> None:
    text = key("stored blk_9 for good")
    group = merge(split([shape_of(text)]))[0]

    assert render(group, [text]).display == "stored <id> for good"
    assert render(group, [text], ["block"]).display == "stored <block> for good"


def test_words_of_keys_are_values() -> None:
    keys = [key(f"session closed for user {name}") for name in ("ann", "bob")]
    group = merge(split([shape_of(k) for k in keys]))[0]

    found = render(group, keys)

    assert [word[:2] for words in found.words for word in words] == [("user", "ann"), ("user", "bob")]


def test_keys_name_slots_as_masks() -> None:
    message = "copy src: /10.0.0.1:80 size 12 status=200 after 5 retries"

    assert slot_names(key(message)) == [slot.name for slot in mask(skeleton(message))]


def test_adjoining_variables_are_one() -> None:
    assert normalise("copy from /\x01 as \x01\x01") == "copy from <*> as <*>"


def test_single_shape_splits_nowhere() -> None:
    assert len(split([shape_of("all quiet")])) == 1


def test_varying_words_name_nothing() -> None:
    keys = [key(f"unit {name}{n} ran {n}x{name} badly") for n, name in enumerate(("oak", "elm", "ash"), start=1)]
    group = merge(split([shape_of(k) for k in keys]))[0]

    found = render(group, keys)

    assert len({tuple(name for name, _, _ in words) for words in found.words}) == 1


def test_processes_are_values() -> None:
    messages = ("denied by cron(12) at boot", "denied by postfix(13) at boot")

    assert (groups(*messages), drawn(*messages)[0]) == (1, "denied by <*>(<*>) at boot")


def test_word_after_equals_is_value() -> None:
    assert groups("link lost, reason = timeout after retry", "link lost, reason = shutdown after retry") == 1


def test_list_in_brackets_is_one_value() -> None:
    messages = ("users are Set(ann); done", "users are Set(ann, bob); done")

    assert (groups(*messages), drawn(*messages)[0]) == (1, "users are Set(<*>); done")


def test_names_in_spaces_are_values() -> None:
    assert groups("no secret default/reg for pod", "no secret prod/store for pod") == 1


def test_missing_value_is_another_statement() -> None:
    messages = ("login refused uid=0 host=10.0.0.1", "login refused uid=0 host=10.0.0.2", "login refused uid=0 host=")

    assert groups(*messages) == 2


def test_columns_of_brackets_are_drawn_by_part() -> None:
    pattern, _ = drawn("moved [db1][gw] to [8]", "moved [db2][lb] to [9]", "moved [x3][proxy] to [7]")

    assert pattern == "moved [<*>][<*>] to [<*>]"
