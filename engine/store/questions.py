"""The SQL that facts come from: which clients to look at, and all that a decision about them needs.

Each lateral part is one subject; arrays of one part belong together. `engine.store.facts` turns rows into values.
"""

CANDIDATES = """
select client_id from invoices where balance > 0 and due <= (%(now)s + interval '1 day')::date
union
select client_id from cases where closed_at is null
union
select ip.client_id from installment_plans ip join installments i on i.plan_id = ip.id
where ip.ended_at is null and i.due <= (%(now)s + interval '1 day')::date
order by client_id
"""

FACTS = """
with scope as (
  select c.id, c.group_id, c.plans, c.timezone, (%(now)s::timestamptz at time zone c.timezone)::date as today
  from clients c where c.id = any(%(clients)s::bigint[])
), assigned as (
  select s.id as client_id, v.id as plan_id, v.name as plan_name
  from scope s join plans v on v.in_force and v.group_id = s.group_id
    and (v.name = any(s.plans) or (s.plans = '{}' and v.standard))
), running as (
  -- A case finishes on the plan and version it began with, also when its client has been put on another plan (A3).
  select k.*, not exists (
    select from assigned a where a.client_id = k.client_id and a.plan_name = k.plan_name
  ) as left_behind
  from cases k join scope s on s.id = k.client_id where k.closed_at is null
), purses as (
  select i.client_id, a.currency
  from scope s join invoices i on i.client_id = s.id and i.balance > 0 and i.due <= s.today
  join accounts a on a.id = i.account_id
  union
  select client_id, currency from running
  union
  select ip.client_id, ip.currency
  from scope s join installment_plans ip on ip.client_id = s.id and ip.ended_at is null
  join installments i on i.plan_id = ip.id and i.due < s.today
), work as (
  select coalesce(k.client_id, w.client_id) as client_id, coalesce(k.currency, w.currency) as currency,
         coalesce(k.plan_id, w.plan_id) as plan_id, coalesce(k.plan_name, w.plan_name) as plan_name,
         k.id as case_id, k.cycle, k.stage, k.started_on, k.stage_entered_on, k.told, k.entered,
         case when k.id is null then (
           select min(other.plan_name) from running other
           where other.client_id = w.client_id and other.currency = w.currency and other.left_behind
         ) end as finishing
  from (select a.*, p.currency from assigned a join purses p on p.client_id = a.client_id) w
  full join running k on k.client_id = w.client_id and k.plan_name = w.plan_name and k.currency = w.currency
)
select w.client_id, w.currency, s.timezone, s.today, w.plan_id,
       w.case_id, w.cycle, w.stage, w.started_on, w.stage_entered_on, w.told, w.entered,
       past.cycles, past.last_entered_on, past.worked_before, past.worked_today, latest.key, spoken.last_on,
       w.finishing,
       owed.invoices, owed.accounts, owed.services, owed.providers, owed.dues, owed.billed, owed.balances,
       holds.kinds, holds.amounts, holds.invoices, holds.accounts, holds.untils,
       orders.verbs, orders.accounts, elsewhere.accounts, heard.stages, deferred.stages, deferred.untils,
       paused.starts, paused.ends, missed.ids
from work w join scope s on s.id = w.client_id join plans v on v.id = w.plan_id
left join lateral (
  select coalesce(max(c.cycle), 0) as cycles, max(c.stage_entered_on) as last_entered_on,
         max(c.closed_on) filter (where c.ending = 'worked' and c.closed_on < s.today) as worked_before,
         bool_or(c.ending = 'worked' and c.closed_on >= s.today) as worked_today
  from cases c where c.client_id = w.client_id and c.plan_name = w.plan_name and c.currency = w.currency
) past on true
left join lateral (
  select d.key from decisions d
  where d.client_id = w.client_id and d.plan_name = w.plan_name and d.currency = w.currency order by d.id desc limit 1
) latest on true
left join lateral (
  -- The day it was made, which a person's talk or a pause may have put off; until then the day it was planned.
  select max((coalesce(t.opened_at, c.planned_at) at time zone s.timezone)::date) as last_on
  from contacts c left join conversations t on t.contact_id = c.id
  where c.client_id = w.client_id and c.state in ('planned', 'opened') and v.terms ? 'min_days_between_contacts'
) spoken on true
left join lateral (
  select array_agg(i.id order by i.due, i.ref) as invoices, array_agg(a.id order by i.due, i.ref) as accounts,
         array_agg(a.service order by i.due, i.ref) as services,
         array_agg(a.provider order by i.due, i.ref) as providers,
         array_agg(i.due order by i.due, i.ref) as dues, array_agg(i.amount order by i.due, i.ref) as billed,
         array_agg(i.balance order by i.due, i.ref) as balances
  from invoices i join accounts a on a.id = i.account_id and a.currency = w.currency
  where i.client_id = w.client_id and i.balance > 0 and i.due <= s.today
) owed on true
left join lateral (
  select array_agg(h.kind order by h.since) as kinds, array_agg(h.amount order by h.since) as amounts,
         array_agg(h.invoice_id order by h.since) as invoices, array_agg(h.account_id order by h.since) as accounts,
         array_agg(h.until order by h.since) as untils
  from conditional_payments h where h.client_id = w.client_id and h.currency = w.currency and h.amount > 0
) holds on true
left join lateral (
  select array_agg(o.verb) as verbs, array_agg(o.account_id) as accounts
  from service_orders o where o.case_id = w.case_id
) orders on true
left join lateral (
  select array_agg(distinct o.account_id) as accounts
  from running k join service_orders o on o.case_id = k.id and o.verb = 'suspend_service'
  where k.client_id = w.client_id and k.id is distinct from w.case_id and not exists (
    select from service_orders r
    where r.case_id = o.case_id and r.account_id = o.account_id and r.verb = 'restore_service')
) elsewhere on true
left join lateral (
  -- Mail counts as delivered once a relay took it and no bounce came within a day (ARCHITECTURE 16).
  select array_agg(distinct c.stage) as stages
  from contacts c join outbound o on o.contact_id = c.id join conversations t on t.id = o.conversation_id
  where c.case_id = w.case_id and c.occasion = 'stage' and v.terms @? '$.stages[*].needs_delivered'
    and (o.state in ('delivered', 'read') or (
      t.channel = 'email' and o.state in ('accepted', 'sent') and %(now)s - interval '24 hours' >= (
        select max(a.started_at) from attempts a where a.outbound_id = o.id)))
) heard on true
left join lateral (
  select array_agg(d.stage order by d.id) as stages, array_agg(d.until order by d.id) as untils
  from deferrals d where d.case_id = w.case_id and d.ended_at is null
) deferred on true
left join lateral (
  select array_agg(p.starts order by p.starts, p.id) as starts, array_agg(p.ends order by p.starts, p.id) as ends
  from dunning_pauses p where p.client_id = w.client_id
) paused on true
left join lateral (
  select array_agg(i.id order by i.id) as ids
  from installment_plans ip join installments i on i.plan_id = ip.id
  where ip.client_id = w.client_id and ip.currency = w.currency and ip.ended_at is null and i.due < s.today
    and i.amount > coalesce((select sum(a.amount) from appropriations a where a.installment_id = i.id), 0)
    and not exists (select from tasks t where t.source = 'installment:' || i.id)
) missed on true
order by w.client_id, w.currency, w.plan_id
"""

TYPES = [
    *("int8", "text", "text", "date", "int8"),
    *("int8", "int4", "int4", "date", "date", "text", "int4[]"),
    *("int4", "date", "date", "bool", "text", "date", "text"),
    *("int8[]", "int8[]", "text[]", "text[]", "date[]", "int8[]", "int8[]"),
    *("text[]", "int8[]", "int8[]", "int8[]", "date[]"),
    *("text[]", "int8[]", "int8[]", "int4[]", "int4[]", "date[]", "date[]", "date[]"),
    "int8[]",
]
"""The types of the columns of FACTS, as the binary form of COPY needs them."""
