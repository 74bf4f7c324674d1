"""What came of the sends, written down in batches: each answer's class says what may follow.

Accepted: with the carrier's reference. Refused for good: failed, and the contact goes on to its next channel. Certainly
not taken: ready again later, a few times. In doubt: unknown, in quarantine until `bot.resolver` asks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError

from bot.application import Application
from bot.delivery import News, Progress, record_all
from bot.sending.claim import Claimed
from bot.sending.pace import Answer, learn
from bot.sending.parking import MOST_TRIES, alert, complain, pause
from channels.port import NotSent, Receipt, Rejected, Uncertain
from engine.contact import ChannelKind, Delivery
from engine.store.session import WriteSession

Outcome = tuple[Claimed, Answer]

QUARANTINE = text("""
update outbound set lease_until = now() + make_interval(secs => :seconds)
where id = any(:doubtful) and state = 'unknown'
""")

AGAIN = text("""
with again as (
  select * from unnest(cast(:outbound as bigint[]), cast(:attempts as uuid[]), cast(:tries as int[]),
                       cast(:reasons as text[]), cast(:laters as timestamptz[])) n(outbound, attempt, no, reason, later)
), back as (
  update outbound o set state = 'ready', lease_until = null, send_from = again.later, reason = again.reason
  from again
  where o.id = again.outbound and o.tries = again.no and o.state in ('sending', 'unknown') and o.settled_at is null
)
update attempts a set state = 'failed', code = again.reason, updated_at = :now
from again where a.id = again.attempt and a.state in ('sending', 'unknown')
""")
"""Only the latest attempt sends its message back to the queue; what is certain ends a doubt."""

PARKED = text("""
update outbound o set parked_at = :now
from conversations t
where o.id = :outbound and o.state = 'failed' and o.parked_at is null and t.id = o.conversation_id
returning t.client_id
""")


async def acknowledge(app: Application, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Write what came of these sends, in one transaction; where one of them breaks it, each has its own.

    An answer that cannot be written by itself leaves its message in doubt. Raises where the store is not there.
    """
    try:
        async with app.database.write() as session:
            await _acknowledge(session, app, outcomes, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:  # noqa: BLE001 whatever is in an answer
        complain("answers could not be written", fault, answers=len(outcomes))
        if len(outcomes) > 1:
            for outcome in outcomes:
                await acknowledge(app, [outcome], now)


async def _acknowledge(session: WriteSession, app: Application, outcomes: Sequence[Outcome], now: datetime) -> None:
    over = [(job, answer) for job, answer in outcomes if not _goes_back(job, answer)]
    await record_all(session, [_news(job, answer) for job, answer in over], now)
    doubtful = sorted(job.outbound for job, answer in over if isinstance(answer, Uncertain))
    if doubtful:
        await session.execute(QUARANTINE, {"doubtful": doubtful, "seconds": app.quarantine_seconds})
    await _queue_again(session, ((job, answer) for job, answer in outcomes if _goes_back(job, answer)), now)
    for job, answer in over:
        if isinstance(answer, NotSent):
            await _given_up(session, job, answer, now)
    told = defaultdict[ChannelKind, list[Answer]](list)
    for job, answer in outcomes:
        told[job.lane.channel].append(answer)
    await learn(session, told, now)


def _goes_back(job: Claimed, answer: Answer) -> bool:
    return isinstance(answer, NotSent) and job.tries < MOST_TRIES


def _news(job: Claimed, answer: Answer) -> News:
    match answer:
        case Receipt(reference, state):
            progress = Progress(state, reference)
        case Rejected():
            code = answer.code or _plain(answer)
            progress = Progress(Delivery.FAILED, None, code, answer.address_dead, answer.opted_out)
        case NotSent():
            progress = Progress(Delivery.FAILED, code=f"not sent: {_plain(answer)}")
        case Uncertain():
            progress = Progress(Delivery.UNKNOWN, code=_plain(answer))
    return job.attempt, progress


def _plain(answer: Exception) -> str:
    """A carrier's words as the store takes them."""
    return str(answer).replace("\0", "")[:200]


async def _queue_again(session: WriteSession, held: Iterable[Outcome], now: datetime) -> None:
    """The carrier certainly has not got these."""
    again = sorted(
        ((job, answer) for job, answer in held if isinstance(answer, NotSent)), key=lambda one: one[0].outbound
    )
    if not again:
        return
    values = {
        "outbound": [job.outbound for job, _ in again],
        "attempts": [job.attempt for job, _ in again],
        "tries": [job.tries for job, _ in again],
        "reasons": [_plain(answer) for _, answer in again],
        "laters": [now + timedelta(seconds=pause(job.tries, answer.retry_after)) for job, answer in again],
    }
    await session.execute(AGAIN, values | {"now": now})


async def _given_up(session: WriteSession, job: Claimed, answer: NotSent, now: datetime) -> None:
    """A contact goes on to its next channel; an answer has none, so a person is told."""
    if not job.answers:
        return
    client = await session.scalar(PARKED, {"outbound": job.outbound, "now": now})
    if client is not None:
        await alert(session, client, job.outbound, f"an answer could not be sent: {_plain(answer)}", now)
