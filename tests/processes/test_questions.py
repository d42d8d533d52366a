"""Questions between two processes: how long an answer is waited for."""

import asyncio
import time

import pytest

from hactl.processes.questions import Questions


async def test_an_answer_and_none() -> None:
    """The answer to the number; and after the time nobody waits any more."""
    questions: Questions[str] = Questions()
    asyncio.get_running_loop().call_later(0.05, questions.answered, 1, "yes")
    assert await questions.ask(1, lambda: None, 10.0) == "yes"
    with pytest.raises(TimeoutError):
        await questions.ask(2, lambda: None, 0.05)
    questions.answered(2, "late")


async def test_whoever_stood_still_waits_anew() -> None:
    """The other side stood still as well, as on a host that was frozen, and answers a moment later."""
    questions: Questions[str] = Questions()
    asking = asyncio.create_task(questions.ask(1, lambda: None, 0.3))
    await asyncio.sleep(0.01)
    time.sleep(1.0)  # noqa: ASYNC251 - that is what it is about
    asyncio.get_running_loop().call_later(0.1, questions.answered, 1, "yes")
    assert await asking == "yes"
