"""Leases: one holder of a name at a time, on the database's clock, each new hold with a higher epoch.

A lease saves work; it does not guard the data, which unique keys do. One who was stopped for longer than their lease
and wakes up finds the epoch gone at their next write, and writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from engine.store.session import Database, WriteSession

TAKE = text("""
insert into leases (name, holder, epoch, expires_at)
values (:name, :holder, 1, clock_timestamp() + make_interval(secs => :seconds))
on conflict (name) do update
set holder = excluded.holder, epoch = leases.epoch + 1, expires_at = excluded.expires_at
where leases.expires_at <= clock_timestamp()
returning epoch
""")
KEEP = text("""
update leases set expires_at = clock_timestamp() + make_interval(secs => :seconds) where name = :name and epoch = :epoch
returning epoch
""")
CHECK = text("select epoch from leases where name = :name and epoch = :epoch for share")
GIVE_BACK = text("update leases set expires_at = now() where name = :name and epoch = :epoch")
FREE = text("update leases set expires_at = now() where expires_at > now()")


class LeaseLost(RuntimeError):
    """Another process has taken this work over; it goes on where this one stopped."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A hold of `name` for `seconds` at a time; `epoch` is told apart from every earlier and later hold."""

    name: str
    epoch: int
    seconds: float

    async def check(self, session: WriteSession) -> None:
        """See that nobody has taken over, nor does until the transaction ends; others may do so beside this one, while
        only one can `keep`. Raises LeaseLost.
        """
        if await session.scalar(CHECK, {"name": self.name, "epoch": self.epoch}) is None:
            raise self._lost()

    async def keep(self, session: WriteSession) -> None:
        """Hold on for another `seconds`, in the transaction of what is written under it. Raises LeaseLost."""
        asked = {"name": self.name, "epoch": self.epoch, "seconds": self.seconds}
        if await session.scalar(KEEP, asked) is None:
            raise self._lost()

    def _lost(self) -> LeaseLost:
        return LeaseLost(f"'{self.name}' has been taken over by another process")


async def take_lease(database: Database, name: str, holder: str, seconds: float) -> Lease | None:
    """The lease, or None while somebody else holds it."""
    async with database.write() as session:
        epoch = await session.scalar(TAKE, {"name": name, "holder": holder, "seconds": seconds})
    return None if epoch is None else Lease(name, epoch, seconds)


async def give_back(database: Database, lease: Lease) -> None:
    """Let others have it at once."""
    async with database.write() as session:
        await session.execute(GIVE_BACK, {"name": lease.name, "epoch": lease.epoch})


async def free_leases(database: Database) -> None:
    """Take every lease from its holder: for a store of one program, whose holders have all been killed."""
    async with database.write() as session:
        await session.execute(FREE)
