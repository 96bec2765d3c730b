from itertools import count

import pytest

from skillstream.postings.budget import Budget, TooComplexError
from skillstream.postings.parse import JobPosting
from skillstream.postings.sentences import segment


def test_a_budget_is_spent_by_its_clock_alone() -> None:
    times = iter([10.0, 11.0, 12.0, 12.1])
    budget = Budget(2.0, lambda: next(times), count(0, 100).__next__)
    budget.check()
    budget.check()
    with pytest.raises(TooComplexError, match="more than 2 seconds of processor time"):
        budget.check()


def test_processor_time_is_not_asked_for_before_that_much_time_has_passed() -> None:
    asked, passing = iter([10.0, 99.0]), iter([0.0, 1.0, 2.0, 2.1])
    budget = Budget(2.0, asked.__next__, passing.__next__)
    budget.check()
    budget.check()
    with pytest.raises(TooComplexError):
        budget.check()


def test_reading_ends_between_two_sentences() -> None:
    ticks = count()
    posting = JobPosting(None, "Cook", "You cook. You bake. " * 50)
    with pytest.raises(TooComplexError):
        segment(posting, Budget(20.0, ticks.__next__, count(0, 100).__next__))
    assert next(ticks) == 22  # no sentence more was looked at
    assert len(segment(posting, Budget(200.0, ticks.__next__, count(0, 100).__next__)).sentences) == 101
