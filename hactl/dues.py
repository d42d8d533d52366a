"""When things are to be looked at again because time alone changes them: one timer for all, the earliest first."""

import asyncio
from collections.abc import Callable, Collection, Mapping


class Dues:
    """Calls `look` with the names that are due. Times are monotonic seconds."""

    def __init__(self, look: Callable[[Collection[str]], None]) -> None:
        self._look = look
        self._times: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._times

    def __bool__(self) -> bool:
        return bool(self._times)

    def set(self, times: Mapping[str, float | None]) -> None:
        """From now on these names are due then; None is never."""
        if not times and not self._times:
            return
        for name, when in times.items():
            self._times.pop(name, None)
            if when is not None:
                self._times[name] = when
        self.close()
        if self._times:
            when = min(self._times.values())
            self._timer = asyncio.get_running_loop().call_at(when, self._turn)

    def keep(self, names: Collection[str]) -> None:
        """Forget all others."""
        self.set({name: None for name in self._times if name not in names})

    def close(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        names = [name for name, when in self._times.items() if when <= now]
        self.set(dict.fromkeys(names))
        self._look(names)
