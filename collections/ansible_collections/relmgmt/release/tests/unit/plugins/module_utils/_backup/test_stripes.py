# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in stripes: in order, bounded, and nothing runs on after an error."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import STRIPE, Stripe, in_order, stripes


def test_stripes_cover_a_dataset() -> None:
    size = 2 * STRIPE + 5
    assert list(stripes(size, 8192)) == [
        Stripe(0, 0, STRIPE), Stripe(STRIPE // 8192, STRIPE, STRIPE), Stripe(2 * STRIPE // 8192, 2 * STRIPE, 5),
    ]
    assert list(stripes(0, 8192)) == []


def test_results_come_in_order_though_the_work_does_not() -> None:
    second_done = threading.Event()
    used: list[tuple[int, int]] = []

    def work(item: int, _buffer: memoryview) -> int:
        if item == 0:
            assert second_done.wait(10)
        if item == 1:
            second_done.set()
        return item * item

    in_order(range(50), work, lambda item, result, _buffer: used.append((item, result)))
    assert used == [(item, item * item) for item in range(50)]


def test_a_buffer_belongs_to_its_item_until_it_was_used() -> None:
    def work(item: int, buffer: memoryview) -> None:
        buffer[:8] = item.to_bytes(8, "little")

    seen: list[int] = []
    in_order(
        range(100), work, lambda _item, _result, buffer: seen.append(int.from_bytes(buffer[:8], "little")),
        threads=3, capacity=4096,
    )
    assert seen == list(range(100))


def test_no_more_is_taken_than_there_are_buffers() -> None:
    taken = used = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(100):
            taken += 1
            assert taken - used <= 3 + 2 + 1
            yield item

    def use(_item: int, _result: None, _buffer: memoryview) -> None:
        nonlocal used
        used += 1

    in_order(items(), lambda _item, _buffer: None, use, threads=3, capacity=4096)
    assert used == 100


@pytest.mark.parametrize("where", ["work", "use", "items"])
def test_the_first_error_ends_all_and_no_thread_is_left(where: str) -> None:
    before = threading.active_count()
    used: list[int] = []

    def items() -> Iterator[int]:
        yield from range(10)
        if where == "items":
            raise ValueError("items")
        yield from range(10, 1000)

    def work(item: int, _buffer: memoryview) -> None:
        if where == "work" and item == 10:
            raise ValueError("work")

    def use(item: int, _result: None, _buffer: memoryview) -> None:
        used.append(item)
        if where == "use" and item == 10:
            raise ValueError("use")

    with pytest.raises(ValueError, match=where):
        in_order(items(), work, use, threads=3, capacity=4096)
    assert used == list(range(len(used)))
    assert len(used) <= 11
    assert threading.active_count() == before
