"""How long a lost watch stays away, and what is said meanwhile."""

from itertools import pairwise

import pytest

from probe.core.mailbox import Folder
from probe.core.observation import WatchCause
from tests.daemon.house import House, some_settings
from tests.daemon.turned import turned

QUIET = some_settings()


def gaps(house: House) -> list[float]:
    """Seconds between the logins at one mailbox."""
    logins = house.post.boxes["blue"].logins
    return [round(after - before, 3) for before, after in pairwise(logins)]


async def test_a_refused_login_is_not_tried_again_for_fifteen_minutes(house: House) -> None:
    house.post.boxes["blue"].lose(WatchCause.CREDENTIALS)
    await house.ready(QUIET)
    await house.passes(3650)

    assert gaps(house) == [900.0] * 4


async def test_a_throttling_answer_is_obeyed(house: House) -> None:
    house.post.boxes["blue"].lose(WatchCause.THROTTLED, retry=1234.0)
    await house.ready(QUIET)
    await house.passes(4000)

    assert gaps(house) == [1234.0] * 3


async def test_a_throttling_answer_without_a_time_means_five_minutes(house: House) -> None:
    house.post.boxes["blue"].lose(WatchCause.THROTTLED)
    await house.ready(QUIET)
    await house.passes(1000)

    assert gaps(house) == [300.0] * 3


@pytest.mark.parametrize(("told", "least", "most"), [(0.0, 1.0, 60.0), (1e9, 86400.0, 86400.0)])
async def test_a_server_cannot_make_us_storm_it_or_stay_away_for_ever(
    house: House, told: float, least: float, most: float
) -> None:
    house.post.boxes["blue"].lose(WatchCause.THROTTLED, retry=told)
    await house.ready(QUIET)
    await house.passes(60)
    for _ in range(11):
        turned().turn(min(most, 8640.0))
        await house.passes(1)

    assert gaps(house)
    assert min(gaps(house)) >= least


async def test_other_losses_back_off_doubled_up_to_a_minute(house: House) -> None:
    house.post.boxes["blue"].lose(WatchCause.CONNECT)
    await house.ready(QUIET)
    await house.passes(250)

    assert gaps(house) == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


async def test_the_back_off_begins_anew_once_a_folder_was_read(house: House) -> None:
    blue = house.post.boxes["blue"]
    blue.lose(WatchCause.CONNECT)
    await house.ready(QUIET)
    await house.passes(100)
    blue.mend()
    await house.passes(60)
    before = len(blue.logins)

    blue.lose(WatchCause.CLOSED)
    await house.passes(5)

    lost = blue.logins[before:]
    assert [round(b - a, 3) for a, b in pairwise(lost)] == [2.0]


async def test_a_login_is_kept_while_nothing_goes_wrong(house: House) -> None:
    await house.ready(QUIET)
    await house.passes(3600)

    assert [len(box.logins) for box in house.post.boxes.values()] == [1, 1, 1, 1]


async def test_after_silence_the_time_unwatched_counts_from_the_last_reading(
    house: House,
) -> None:
    await house.ready(QUIET)
    await house.passes(25)
    house.post.boxes["blue"].lose(WatchCause.SILENT)
    await house.passes(1)

    watch = next(w for w in house.engine.live().watches if w.mailbox == "blue")
    assert not watch.watched
    assert "gone for the test" in watch.detail
    assert watch.unwatched_seconds == pytest.approx(house.clock.now() - watch.since, abs=2.0)
    assert house.clock.now() - watch.since >= 25.0


async def test_after_a_closed_connection_it_counts_from_now(house: House) -> None:
    await house.ready(QUIET)
    await house.passes(59)
    house.post.boxes["blue"].lose(WatchCause.CLOSED)
    await house.passes(1)
    house.post.boxes["blue"].mend()
    await house.passes(10)

    watch = next(w for w in house.engine.live().watches if w.mailbox == "blue")
    assert watch.watched
    assert 0.5 <= watch.unwatched_seconds <= 3.0


async def test_what_lay_there_before_the_first_watch_is_read_once(house: House) -> None:
    house.post.boxes["blue"].put(b"Subject: old\r\n\r\n", Folder.JUNK)
    await house.ready(QUIET)
    await house.passes(5)

    place = await house.store.place("blue")
    assert place.bookmarks[Folder.JUNK].uid == 1
    assert place.bookmarks[Folder.INBOX].uid == 0


async def test_errands_for_a_blind_mailbox_are_refused_and_do_not_pile_up(house: House) -> None:
    house.post.boxes["blue"].lose()
    await house.ready(QUIET)

    assert not house.engine.watches.look("blue")
    assert house.engine.watches.look("green")


async def test_a_stream_that_ends_without_a_word_is_a_lost_watch(house: House) -> None:
    house.post.boxes["blue"].ends = True
    await house.ready(QUIET)
    await house.passes(10)

    watch = next(w for w in house.engine.live().watches if w.mailbox == "blue")
    assert not watch.watched
    assert "without a word" in watch.detail
    assert len(house.post.boxes["blue"].logins) >= 3
