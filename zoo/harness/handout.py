"""Work handed out a little at a time: what waits and what is done take no room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Handout(Generic[T, R]):
    """Many pieces of work, of which a few are under way at any time.

    Args:
        items: The pieces, made as they are needed.
        work: What is done with each, in a thread of the pool.
        room: How many may be under way; asked again whenever one is done.
        pool: Where the threads come from.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with ThreadPoolExecutor(2) as pool:
        ...     handout = Handout(iter(range(5)), lambda n: n * n, lambda: 2, pool)
        ...     sorted(handout.done())
        [(0, 0), (1, 1), (2, 4), (3, 9), (4, 16)]
    """

    items: Iterator[T]
    work: Callable[[T], R]
    room: Callable[[], int]
    pool: Executor
    _flying: dict[Future[R], tuple[int, T]] = field(default_factory=dict)

    def done(self) -> Iterator[tuple[int, R]]:
        """Number and result of each piece, in the order in which they are done.

        Raises:
            Exception: Whatever the work on one of them raises.
        """
        numbered = enumerate(self.items)
        while True:
            room = max(1, self.room())
            while len(self._flying) < room and (piece := next(numbered, None)) is not None:
                self._flying[self.pool.submit(self.work, piece[1])] = piece
            if not self._flying:
                return
            for future in wait(self._flying, return_when=FIRST_COMPLETED).done:
                yield self._flying[future][0], future.result()
                del self._flying[future]  # only now: what is not dealt with is left

    def left(self) -> Iterator[tuple[T, R | None]]:
        """What had not been handed over when that came to an end, with its result if it has one.

        The pool has to be shut down first.
        """
        for future, (_, item) in self._flying.items():
            ended = not future.cancelled() and future.exception() is None
            yield item, future.result() if ended else None
        for item in self.items:
            yield item, None
