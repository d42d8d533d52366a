"""What is known of everything that routers track, besides interfaces; core.

Owns the verdicts that the failover worker is told: those of checks by the check's id, those of services by their name. The
law: the last verdict stands. A result without a verdict, a service whose servers are not judged yet and a dead health worker
change nothing.
"""

from collections.abc import Callable, Iterable, Mapping

from failover.permit import Permit
from failover.priority import Judgement, Word
from failover.spec import TrackKind
from hactl.config.model import Config
from hactl.processes.messages import Judged
from hactl.services.state import Availability, ServiceState, State
from health.result import Health, Outcome, Result

_WORDS = {Health.UP: Word.UP, Health.DOWN: Word.DOWN}


class Tracking:
    """The verdicts on what the configuration tracks, and whether the first round of checks is finished.

    `tell` gets all of it after each change; a failover worker that starts anew is given `judged`.
    """

    def __init__(self, config: Config, tell: Callable[[Judged], object]) -> None:
        self._tell = tell
        self._verdicts: dict[str, Judgement] = {}
        self._settled = False
        self._permits: Mapping[str, Permit] = {}
        self._take(config)
        self._told = self.judged()

    def apply(self, config: Config) -> None:
        """A reload: what is still tracked keeps its verdict."""
        self._take(config)
        self._tell_news()

    def _take(self, config: Config) -> None:
        tracked = [t for router in config.failover.routers for t in router.track]
        self._checks = {t.id for t in tracked if t.kind not in (TrackKind.INTERFACE, TrackKind.SERVICE)}
        self._services = {t.object: t.id for t in tracked if t.kind is TrackKind.SERVICE}
        self._all_services = {service.name for service in config.services}
        self._settled = self._settled or not self._all_services
        wanted = self._checks | set(self._services.values())
        self._verdicts = {id_: verdict for id_, verdict in self._verdicts.items() if id_ in wanted}

    def permit(self, permits: Mapping[str, Permit]) -> None:
        """What witnesses allow each router."""
        self._permits = permits
        self._tell_news()

    def judge(self, judgement: Judgement) -> None:
        """The verdict on something that is no check and no service."""
        if judgement.id in self._checks:
            self._verdicts[judgement.id] = judgement
            self._tell_news()

    def learn(self, outcomes: Iterable[Outcome]) -> None:
        """Results and verdicts of checks. A failure that is not a verdict yet changes nothing, nor does a first one."""
        for outcome in outcomes:
            word = _WORDS.get(outcome.health)
            if outcome.check in self._checks and word is not None:
                before = self._verdicts.get(outcome.check)
                self._verdicts[outcome.check] = _judgement(outcome, word, before)
        self._tell_news()

    def see(self, state: State, unserved: Mapping[str, str]) -> None:
        """How services are; `unserved` says why the kernel takes some of them not at all."""
        for service, id_ in self._services.items():
            judged = _of_service(id_, state.services.get(service), unserved.get(service))
            if judged is not None:
                self._verdicts[judged.id] = judged
        self._settled = self._settled or all(
            name in state.services and not state.services[name].unsettled for name in self._all_services
        )
        self._tell_news()

    def judged(self) -> Judged:
        """All of it, as the failover worker is told."""
        return Judged(
            tuple(self._verdicts[id_] for id_ in sorted(self._verdicts)), self._settled, dict(self._permits)
        )

    def _tell_news(self) -> None:
        judged = self.judged()
        if judged != self._told:
            self._told = judged
            self._tell(judged)


def _judgement(outcome: Outcome, word: Word, before: Judgement | None) -> Judgement:
    """A result that speaks against the verdict leaves it as it was, the number of a file included."""
    result = outcome.result
    if result.passed is not (word is Word.UP):
        return before if before is not None and before.word is word else Judgement(outcome.check, word)
    return Judgement(outcome.check, word, _words(result, word), result.number)


def _words(result: Result, word: Word) -> str:
    if word is Word.UP:
        return "" if result.number is None else f"says {result.number}"
    return f"{result.reason.text} ({result.detail})" if result.detail else result.reason.text


def _of_service(id_: str, state: ServiceState | None, unserved: str | None) -> Judgement | None:
    """The verdict on a service as it was last made known; None while there is none."""
    if unserved is not None:
        return Judgement(id_, Word.DOWN, unserved)
    if state is None or state.told is None:
        return None
    if state.told is Availability.DOWN:
        return Judgement(id_, Word.DOWN, state.reason)
    return Judgement(id_, Word.UP)
