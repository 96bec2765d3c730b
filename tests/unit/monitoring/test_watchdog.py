"""The watchdog: what is a stall, and what is done about it."""

from __future__ import annotations

import pytest

from skillstream.errors import RunError
from skillstream.monitoring.look import Look
from skillstream.monitoring.watchdog import Watchdog, WatchdogMetrics, watch


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class ScriptEndedError(Exception):
    """The script of looks is at its end."""


def script(looks):
    """A `look` that gives or raises these one after another; a fresh look sees what the last one saw."""
    remaining = iter(looks)
    last = None

    def look(afresh):
        nonlocal last
        if not afresh:
            last = next(remaining, ScriptEndedError)
        if last is ScriptEndedError or isinstance(last, Exception):
            raise last
        return last

    return look


def stalls_of(dog, clock, looks, every=10.0):
    found = []
    for seen in looks:
        found.append([stall.partition for stall in dog.look(seen)])
        clock.sleep(every)
    return found


def test_standing_still_with_records_waiting_is_a_stall():
    clock = Clock()
    dog = Watchdog(30, clock)
    looks = [Look({0: 5, 1: 7}, {0: 9, 1: 7})] * 5
    assert stalls_of(dog, clock, looks) == [[], [], [], [0], [0]]


def test_a_head_that_moves_is_no_stall_however_slowly():
    clock = Clock()
    dog = Watchdog(30, clock)
    looks = [Look({0: head // 2}, {0: 1000}) for head in range(10)]
    assert stalls_of(dog, clock, looks) == [[]] * 10


def test_waiting_begins_when_the_first_record_waits():
    clock = Clock()
    dog = Watchdog(30, clock)
    idle, waiting = Look({0: 5}, {0: 5}), Look({0: 5}, {0: 6})
    assert stalls_of(dog, clock, [idle] * 10 + [waiting] * 3) == [[]] * 13
    assert stalls_of(dog, clock, [waiting]) == [[0]]


def test_a_partition_without_any_output_can_stall():
    clock = Clock()
    dog = Watchdog(10, clock)
    assert stalls_of(dog, clock, [Look({}, {3: 1})] * 2) == [[], [3]]


def test_a_fresh_start_has_its_full_time():
    clock = Clock()
    dog = Watchdog(20, clock)
    looks = [Look({0: 0}, {0: 1})] * 3
    assert stalls_of(dog, clock, looks) == [[], [], [0]]
    dog.restarted()
    assert stalls_of(dog, clock, looks) == [[], [], [0]]


def run(looks, mend=None, stall_s=15.0):
    clock, metrics = Clock(), WatchdogMetrics()
    try:
        watch(
            script(looks),
            Watchdog(stall_s, clock),
            metrics,
            topic="postings",
            every_s=10,
            mend=mend,
            sleep=clock.sleep,
        )
    finally:
        run.metrics = metrics
    return metrics


STUCK = Look({0: 5}, {0: 9})


def value(name, **labels):
    return run.metrics.registry.get_sample_value(f"skillstream_watchdog_{name}", labels)


def test_a_stall_ends_the_watch_with_one_line():
    with pytest.raises(RunError, match="partition 0: 4 records wait, and the output has ended at 5 for 20 s"):
        run([STUCK] * 3)
    assert value("alarms_total") == 1
    assert value("stalled", topic="postings", partition="0") == 1
    assert value("lag", topic="postings", partition="0") == 4


def test_a_look_that_fails_is_no_stall():
    with pytest.raises(ScriptEndedError):
        run([STUCK, *[RunError("Kafka is away")] * 9])
    assert value("alarms_total") == 0


def test_mending_starts_afresh_and_watching_goes_on():
    started = []
    gets_on = [Look({0: 5 + i}, {0: 99}) for i in range(9)]
    with pytest.raises(ScriptEndedError):
        run([STUCK] * 3 + gets_on, mend=lambda: started.append(1) or "started")
    assert started == [1]
    assert value("mends_total") == 1
    assert value("stalled", topic="postings", partition="0") == 0


def test_mending_without_effect_ends_at_last():
    started = []
    with pytest.raises(RunError, match="after 3 fresh starts"):
        run([STUCK] * 99, mend=lambda: started.append(1) or "started")
    assert len(started) == 3


def test_a_partition_that_stays_where_it_is_ends_it_though_others_get_on():
    started = []
    looks = [Look({0: 5, 1: i}, {0: 9, 1: 1000}) for i in range(99)]
    with pytest.raises(RunError, match="after 3 fresh starts: partition 0: 4 records"):
        run(looks, mend=lambda: started.append(1) or "started")
    assert len(started) == 3


def test_each_stall_further_on_has_its_own_fresh_starts():
    started = []
    looks = [Look({0: i // 5}, {0: 1000}) for i in range(50)]
    with pytest.raises(ScriptEndedError):
        run(looks, mend=lambda: started.append(1) or "started")
    assert len(started) >= 10


def test_what_another_watchdog_starts_is_not_counted():
    asked = []
    with pytest.raises(ScriptEndedError):
        run([STUCK] * 99, mend=lambda: asked.append(1) or "theirs")
    assert len(asked) > 10
    assert value("mends_total") == 0


def test_a_mend_that_fails_is_tried_again():
    tried = []

    def mend():
        tried.append(1)
        raise RunError("no slots")

    with pytest.raises(RunError, match="after 3 fresh starts"):
        run([STUCK] * 99, mend=mend)
    assert len(tried) == 3
    assert value("mends_total") == 0


def test_a_stopped_job_is_left_alone_and_told():
    asked = []
    with pytest.raises(ScriptEndedError):
        run([STUCK] * 99, mend=lambda: asked.append(1) or "stopped")
    assert len(asked) > 10
    assert (value("mends_total"), value("stopped")) == (0, 1)


def test_time_in_which_nothing_could_be_seen_is_no_standing_still():
    """The job could not publish either: once the store is back, it resumes by itself."""
    away = [RunError("the store is away")] * 30
    with pytest.raises(ScriptEndedError):
        run([STUCK, *away, STUCK, STUCK, Look({0: 9}, {0: 9})], mend=pytest.fail)
    with pytest.raises(RunError, match="for 20 s"):
        run([STUCK, *away, STUCK, STUCK, STUCK])


def test_a_look_that_fails_now_and_then_hides_no_stall():
    looks = [STUCK, STUCK, RunError("a hiccup")] * 20
    with pytest.raises(RunError, match="partition 0: 4 records wait"):
        run(looks, stall_s=60)


def test_a_stall_is_confirmed_by_a_fresh_look():
    """The output was made anew: what was remembered of it says nothing."""
    clock, metrics = Clock(), WatchdogMetrics()
    heads = iter(range(1000))

    def look(afresh):
        if clock.time > 200:
            raise ScriptEndedError
        return Look({0: next(heads)}, {0: 2000}) if afresh else STUCK

    with pytest.raises(ScriptEndedError):
        watch(look, Watchdog(30, clock), metrics, topic="t", every_s=10, sleep=clock.sleep)
    assert metrics.registry.get_sample_value("skillstream_watchdog_alarms_total") == 0
