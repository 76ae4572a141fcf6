"""Sequence numbers move; the moment at which a message became visible stays with it."""

from hypothesis import given
from hypothesis import strategies as st

from probe.transport.imap.mirror import MAX_RUNS, Mirror, Visible


def at(moment: float) -> Visible:
    return Visible(moment, exact=True)


def moments(mirror: Mirror) -> list[float | None]:
    seen = [mirror.seen(number) for number in range(1, mirror.count + 1)]
    return [None if one is None else one.at for one in seen]


def test_new_numbers_are_those_above_the_old_count() -> None:
    mirror = Mirror()
    mirror.exists(2, at(1))
    mirror.exists(3, at(2))
    assert moments(mirror) == [1, 1, 2]


def test_an_expunge_moves_what_is_above_it() -> None:
    mirror = Mirror()
    mirror.exists(2, at(1))
    mirror.exists(3, at(2))
    mirror.expunge(1)
    mirror.exists(3, at(3))
    assert moments(mirror) == [1, 2, 3]


def test_a_smaller_count_without_expunge_forgets_the_end() -> None:
    mirror = Mirror()
    mirror.exists(3, at(1))
    mirror.exists(1, at(2))
    mirror.exists(2, at(3))
    assert moments(mirror) == [1, 3]


def test_vanished_by_uid_makes_the_moments_unknown_but_not_the_count() -> None:
    mirror = Mirror()
    mirror.exists(5, at(1))
    mirror.vanished(2)
    mirror.exists(4, at(2))
    assert moments(mirror) == [None, None, None, 2]


def test_more_vanished_than_there_were_leaves_none() -> None:
    mirror = Mirror()
    mirror.exists(5, at(1))
    mirror.vanished(4_294_967_295)
    assert mirror.count == 0


def test_nonsense_numbers_change_nothing() -> None:
    mirror = Mirror()
    mirror.exists(1, at(1))
    for number in (0, 2, 4_294_967_295):
        mirror.expunge(number)
    assert moments(mirror) == [1]
    assert mirror.seen(2) is None


def test_too_many_pushes_forget_the_oldest() -> None:
    mirror = Mirror()
    for count in range(1, MAX_RUNS + 2):
        mirror.exists(count, at(count))
    assert mirror.seen(1) is None
    assert mirror.seen(2) == at(2)
    assert mirror.seen(MAX_RUNS + 1) == at(MAX_RUNS + 1)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.integers(0, 3)),
        st.tuples(st.just("expunge"), st.integers(0, 12)),
    ),
    max_size=40,
)


@given(STEPS)
def test_it_agrees_with_a_plain_list(steps: list[tuple[str, int]]) -> None:
    mirror, model = Mirror(), []
    for moment, (what, number) in enumerate(steps):
        if what == "grow":
            model += [float(moment)] * number
            mirror.exists(len(model), at(moment))
        else:
            if 1 <= number <= len(model):
                del model[number - 1]
            mirror.expunge(number)
        assert moments(mirror) == model
