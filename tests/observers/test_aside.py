"""What is slow is told in a thread of its own, and what is too much is dropped."""

import threading

from reviewbot.observers.aside import Aside


def test_all_is_handed_on_in_order_before_the_end() -> None:
    taken: list[int] = []
    with Aside[int](taken.append) as tell:
        for number in range(1_000):
            tell(number)
    assert list(range(1_000)) == taken
    assert 0 == tell.dropped


def test_it_is_taken_in_another_thread() -> None:
    threads: list[threading.Thread] = []
    with Aside[int](lambda _: threads.append(threading.current_thread())) as tell:
        tell(1)
    assert threading.current_thread() not in threads
    assert 1 == len(threads)


def test_what_comes_while_too_much_waits_is_dropped_and_counted_without_waiting() -> None:
    begun, go_on, taken = threading.Event(), threading.Event(), list[int]()

    def slowly(number: int) -> None:
        begun.set()
        assert go_on.wait(20)
        taken.append(number)

    with Aside[int](slowly, most=3) as tell:
        tell(0)
        assert begun.wait(20)
        for number in range(1, 10):
            tell(number)
        assert 6 == tell.dropped
        go_on.set()
    assert [0, 1, 2, 3] == taken


def test_a_disk_that_hangs_holds_up_no_end() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hang(_: int) -> None:
        begun.set()
        assert go_on.wait(20)

    for waiting in (0, 1):
        with Aside[int](hang, most=1, last_s=0.01) as tell:
            tell(0)
            assert begun.wait(20)
            for number in range(waiting):
                tell(number)
        begun.clear()
    go_on.set()
