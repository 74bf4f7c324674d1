"""The SQL that facts come from. `engine.store.facts` turns rows into values.

Each part is one subject, grouped over all the clients asked for, so that many cost one pass over what is live and one
client a few look-ups in indexes. Arrays of one part belong together.
"""

OWING = """
owing as (
  -- Due today where it is latest.
  select i.client_id from invoices i
  where i.balance > 0 and i.due <= (%(now)s::timestamptz at time zone 'UTC' + interval '14 hours')::date
  union all
  select k.client_id from cases k where k.closed_at is null
  union all
  select ip.client_id from installment_plans ip where ip.ended_at is null
)"""
RESTING = """
resting as (
  -- A rest is void once anything was marked, decided or published that it had not seen; that of a database restored
  -- from a dump has seen the numbers of transactions yet to come.
  select t.client_id from rests t
  where t.until > (%(now)s::timestamptz at time zone 'UTC' + interval '14 hours')::date
    and t.newest_plan = (select max(id) from plans)
    and pg_snapshot_xmax(t.snapshot::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
    and not exists (select from changed_clients m where m.client_id = t.client_id)
    and not exists (
      select from settled_marks m
      where m.client_id = t.client_id and m.at <> t.written_by
        and not pg_visible_in_snapshot(m.at::text::xid8, t.snapshot::pg_snapshot))
)"""
COMING = """, coming as (
  select distinct o.client_id from owing o where o.client_id > %(after)s{awake}
)
select coalesce(array_agg(client_id order by client_id), '{{}}') from coming
"""
EVERYBODY = f"with {OWING}{COMING.format(awake='')}"
AWAKE = " and not exists (select from resting t where t.client_id = o.client_id)"
THE_AWAKE = f"with {OWING}, {RESTING}{COMING.format(awake=AWAKE)}"
"""Those who owe or are worked, by id: all, or those of them who do not rest (`engine.store.rests`)."""

ONE, MANY = "{client} = %(client)s", "{client} in (select id from asked)"
FEW = "{client} = any(%(clients)s::bigint[])"
"""A planner that knows no numbers takes an array for ten: for so many it looks each of them up."""
ASKED = """
asked as materialized (
  -- These it takes for a thousand.
  select (%(clients)s::bigint[])[no] as id from generate_subscripts(%(clients)s::bigint[], 1) no
), """

FACTS = """
with {asked}scope as materialized (
  select c.id, c.group_id, c.plans, c.timezone, (%(now)s::timestamptz at time zone c.timezone)::date as today
  from clients c where {c.id}
), terms as materialized (
  -- What of a plan's terms asks for a part below: read once a plan, not once a client.
  select v.id, v.group_id, v.name, v.standard, v.in_force, (v.terms ->> 'min_days_between_contacts')::int as distance,
         array(
           select e.number::int - 1 from jsonb_array_elements(v.terms -> 'stages') with ordinality e(stage, number)
           where v.terms -> 'stages' @> jsonb_build_array(jsonb_build_object('needs_delivered', e.stage ->> 'stage'))
         ) as needed,
         v.terms -> 'include' ?| array['services', 'providers'] as looks_at_services
  from plans v
  where v.in_force or v.id in (select k.plan_id from cases k where k.closed_at is null and {k.client_id})
), assigned as materialized (
  select s.id as client_id, v.id as plan_id, v.name as plan_name
  from scope s join terms v on v.in_force and plan_applies(s.group_id, s.plans, v.group_id, v.name, v.standard)
), running as materialized (
  -- A case finishes on the plan and version it began with, also when its client has been put on another plan (A3).
  select k.id, k.client_id, k.plan_id, k.plan_name, k.currency, k.cycle, k.stage, k.started_on, k.stage_entered_on,
         k.told, k.entered, a.client_id is null as left_behind
  from cases k left join assigned a on a.client_id = k.client_id and a.plan_name = k.plan_name
  where k.closed_at is null and {k.client_id}
), unpaid as materialized (
  select i.client_id, i.account_id, i.id, i.ref, i.due, i.amount, i.balance, i.due > s.today as coming
  from invoices i join scope s on s.id = i.client_id where i.balance > 0 and {i.client_id}
), owed as materialized (
  select i.client_id, a.currency, array_agg(i.id order by i.due, i.ref) as invoices,
         array_agg(a.id order by i.due, i.ref) as accounts, array_agg(a.service order by i.due, i.ref) as services,
         array_agg(a.provider order by i.due, i.ref) as providers, array_agg(i.due order by i.due, i.ref) as dues,
         array_agg(i.amount order by i.due, i.ref) as billed, array_agg(i.balance order by i.due, i.ref) as balances
  from unpaid i join accounts a on a.id = i.account_id and {a.client_id} where not i.coming
  group by i.client_id, a.currency
), agreed as materialized (
  select ip.client_id, ip.currency, i.id, i.due, i.amount, i.due < s.today as late
  from installment_plans ip join scope s on s.id = ip.client_id join installments i on i.plan_id = ip.id
  where ip.ended_at is null and {ip.client_id}
), overdue as materialized (
  select i.client_id, i.currency, array_agg(i.id order by i.id) filter (
    where i.amount > coalesce((select sum(a.amount) from appropriations a where a.installment_id = i.id), 0)
      and known.task is null
  ) as ids
  from agreed i
  left join lateral (select t.id as task from tasks t where t.source = 'installment:' || i.id limit 1) known on true
  where i.late group by i.client_id, i.currency
), coming as (
  -- In any currency, also in one in which nothing is owed yet.
  select client_id, least(min(day), date '9999-12-31') as day from (
    select client_id, due as day from unpaid where coming
    union all select client_id, due + 1 from agreed where not late
  ) days group by client_id
), purses as (
  select client_id, currency from owed
  union select client_id, currency from running
  union select client_id, currency from overdue
), work as (
  select coalesce(k.client_id, w.client_id) as client_id, coalesce(k.currency, w.currency) as currency,
         coalesce(k.plan_id, w.plan_id) as plan_id, coalesce(k.plan_name, w.plan_name) as plan_name,
         k.id as case_id, k.cycle, k.stage, k.started_on, k.stage_entered_on, k.told, k.entered
  from (select a.*, p.currency from assigned a join purses p on p.client_id = a.client_id) w
  full join running k on k.client_id = w.client_id and k.plan_name = w.plan_name and k.currency = w.currency
), finishing as (
  select client_id, currency, min(plan_name) as plan_name from running where left_behind group by client_id, currency
), past as (
  select c.client_id, c.plan_name, c.currency, max(c.cycle) as cycles, max(c.stage_entered_on) as last_entered_on,
         max(c.closed_on) filter (where c.ending = 'worked' and c.closed_on < s.today) as worked_before,
         bool_or(c.ending = 'worked' and c.closed_on >= s.today) as worked_today
  from scope s join cases c on c.client_id = s.id where {c.client_id}
  group by c.client_id, c.plan_name, c.currency
), held as (
  -- In an order that is the same each time: what is frozen first decides what is frozen at all.
  select h.* from conditional_payments h where h.amount > 0 and {h.client_id}
  order by h.client_id, h.currency, h.since, h.until, h.kind, h.invoice_id, h.amount
), holds as (
  select h.client_id, h.currency, array_agg(h.kind) as kinds, array_agg(h.amount) as amounts,
         array_agg(h.invoice_id) as invoices, array_agg(h.account_id) as accounts, array_agg(h.until) as untils
  from held h group by h.client_id, h.currency
), deferred as (
  select d.case_id, array_agg(d.stage order by d.id) as stages, array_agg(d.until order by d.id) as untils
  from running k join deferrals d on d.case_id = k.id and d.ended_at is null group by d.case_id
), paused as (
  select p.client_id, array_agg(p.starts order by p.starts, p.id) as starts,
         array_agg(p.ends order by p.starts, p.id) as ends
  from dunning_pauses p where {p.client_id} group by p.client_id
)
select w.client_id, w.currency, s.timezone, s.today, w.plan_id,
       w.case_id, w.cycle, w.stage, w.started_on, w.stage_entered_on, w.told, w.entered,
       coalesce(past.cycles, 0), past.last_entered_on, past.worked_before, past.worked_today, latest.key,
       spoken.last_on, case when w.case_id is null then finishing.plan_name end,
       owed.invoices, owed.accounts, case when chosen.any then owed.services end,
       case when chosen.any then owed.providers end, owed.dues, owed.billed, owed.balances,
       holds.kinds, holds.amounts, holds.invoices, holds.accounts, holds.untils,
       orders.verbs, orders.accounts, elsewhere.accounts, heard.stages, heard.mail,
       deferred.stages, deferred.untils, paused.starts, paused.ends, overdue.ids, coming.day
from work w join scope s on s.id = w.client_id join terms v on v.id = w.plan_id
cross join (select bool_or(looks_at_services) as any from terms) chosen
left join finishing on finishing.client_id = w.client_id and finishing.currency = w.currency
left join past on past.client_id = w.client_id and past.plan_name = w.plan_name and past.currency = w.currency
left join owed on owed.client_id = w.client_id and owed.currency = w.currency
left join holds on holds.client_id = w.client_id and holds.currency = w.currency
left join overdue on overdue.client_id = w.client_id and overdue.currency = w.currency
left join lateral (
  select array_agg(o.verb) as verbs, array_agg(o.account_id) as accounts
  from service_orders o where o.case_id = w.case_id
) orders on true
left join lateral (
  select array_agg(o.account_id) as accounts
  from cases k join service_orders o on o.case_id = k.id and o.verb = 'suspend_service'
  where k.client_id = w.client_id and k.closed_at is null and k.id is distinct from w.case_id and not exists (
    select from service_orders r
    where r.case_id = o.case_id and r.account_id = o.account_id and r.verb = 'restore_service')
) elsewhere on true
left join lateral (
  -- Of the stages that another waits for. Mail counts as delivered once a relay took it and no bounce came within a
  -- day (ARCHITECTURE 16).
  select array_agg(distinct notice.stage) filter (where notice.arrived) as stages, bool_or(not notice.arrived) as mail
  from (
    select c.stage, o.state in ('delivered', 'read') or coalesce(%(now)s::timestamptz - interval '24 hours' >= (
             select max(a.started_at) from attempts a where a.outbound_id = o.id), false) as arrived
    from contacts c join outbound o on o.contact_id = c.id join conversations t on t.id = o.conversation_id
    where v.needed <> '{}' and c.case_id = w.case_id and c.stage = any(v.needed) and c.occasion = 'stage'
      and (o.state in ('delivered', 'read') or t.channel = 'email' and o.state in ('accepted', 'sent'))
  ) notice
) heard on true
left join deferred on deferred.case_id = w.case_id
left join paused on paused.client_id = w.client_id
left join coming on coming.client_id = w.client_id
left join lateral (
  select d.key from decisions d
  where d.client_id = w.client_id and d.plan_name = w.plan_name and d.currency = w.currency order by d.id desc limit 1
) latest on true
left join lateral (
  -- The day it was made, which a person's talk or a pause may have put off; until then the day it was planned. Of
  -- contacts whose hours ended so long ago that the plan's distance is kept there is nothing to know.
  select max((coalesce(t.opened_at, c.planned_at) at time zone s.timezone)::date) as last_on
  from contacts c left join conversations t on t.contact_id = c.id
  where v.distance > 0 and c.client_id = w.client_id and c.state in ('planned', 'opened')
    and c.occasion not in ('service_restored', 'promise_kept', 'dispute_opened')
    and c.send_until > %(now)s::timestamptz - make_interval(days => v.distance + 1)
) spoken on true
order by w.client_id, w.currency, w.plan_id
"""


def facts_about(clients: str) -> str:
    """FACTS about ONE client, a FEW or MANY."""
    many = clients == MANY
    # Into what is held an array is looked up, another table is not: it would be made of everybody's agreements.
    text = FACTS.replace("{h.client_id}", FEW.format(client="h.client_id")) if many else FACTS
    for table in ("i", "k", "ip", "a", "c", "h", "p"):
        text = text.replace(f"{{{table}.client_id}}", clients.format(client=f"{table}.client_id"))
    return text.replace("{c.id}", clients.format(client="c.id")).replace("{asked}", ASKED if many else "")
