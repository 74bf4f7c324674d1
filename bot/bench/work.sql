-- the stages of every plan and the days of each since its start
create temporary table steps as
select p.id as plan_id, p.name as plan_name, p.group_id, p.standard, p.terms ? 'advance' as strictest, p.terms ? 'blinking' as blinking,
       (p.terms #>> '{start,after_days}')::int as after_days, 100 * (p.terms #>> '{start,min_debt}')::bigint as min_start,
       s.no::int - 1 as no, s.stage ->> 'stage' as name, coalesce(s.stage -> 'actions', '[]') as actions,
       sum(coalesce((s.stage ->> 'after_days')::int, 0)) over (partition by p.id order by s.no)::int as days,
       coalesce((s.stage ->> 'days_past_due')::int, 0) as past_due,
       coalesce((s.stage ->> 'min_unpaid_invoices')::int, 0) as min_invoices,
       100 * max(coalesce((s.stage ->> 'min_debt')::bigint, 0)) over (partition by p.id order by s.no) as min_debt,
       exists (select from jsonb_array_elements(p.terms -> 'stages') other
               where other ->> 'needs_delivered' = s.stage ->> 'stage') as needed
from plans p cross join jsonb_array_elements(p.terms -> 'stages') with ordinality s(stage, no);

-- the plan of every client
create temporary table followed as
select c.id as client_id, p.id as plan_id, p.name as plan_name, c.timezone, c.language
from clients c join plans p on p.group_id = c.group_id and (p.name = any(c.plans) or c.plans = '{}' and p.standard);
analyze followed;

-- cases that are over
insert into cases (client_id, plan_id, plan_name, currency, cycle, stage, started_on, stage_entered_on, entered,
                   closed_at, closed_on, ending, told)
select f.client_id, f.plan_id, f.plan_name, a.currency, 1, ended.stage, ended.day - 10 - ended.stage * 7,
       ended.day - 9, array(select generate_series(0, ended.stage)),
       (ended.day + interval '6 hours') at time zone 'UTC', ended.day, 'paid', 'closed'
from followed f join accounts a on a.client_id = f.client_id and a.ref = 'A' || f.client_id || '-1'
cross join lateral (select floor(4 * draw(f.client_id, 'ended in') ^ 2)::int as stage,
                           today() - 70 - floor(draw(f.client_id, 'ended on') * 300)::int as day) ended
where draw(f.client_id, 'worked before') < 0.5 order by f.client_id;

-- who is worked now, and where that has come to
create temporary table worked as
select d.*, f.plan_id, f.plan_name, f.timezone, f.language, d.oldest + s.after_days as started_on, reached.stage,
       case when reached.strictest then d.oldest + greatest(s.after_days, reached.past_due)
            else d.oldest + s.after_days + reached.days end as entered_on,
       d.client_id in (select p.client_id from promises p join debts o on o.client_id = p.client_id
                       where p.state = 'open' and p.amount >= o.owed
                       union all select client_id from installment_plans where ended_at is null) as frozen,
       d.client_id in (select client_id from cases) as before, reached.over
from debts d join followed f on f.client_id = d.client_id join steps s on s.plan_id = f.plan_id and s.no = 0
cross join lateral (
  select t.no as stage, t.days, t.past_due, t.strictest, t.blinking and t.no = 5 as over from steps t
  where t.plan_id = f.plan_id and d.owed >= t.min_debt and d.invoices >= t.min_invoices
    and case when t.strictest then d.oldest + t.past_due <= today() - 1
             else d.oldest + s.after_days + t.days <= today() - 1 end
  order by t.no desc limit 1
) reached
where d.owed >= s.min_start and d.oldest + s.after_days <= today() - 1;
analyze worked;

-- cases under way, and those that ended with their last stage
insert into cases (client_id, plan_id, plan_name, currency, cycle, stage, started_on, stage_entered_on, entered,
                   closed_at, closed_on, ending, told)
select client_id, plan_id, plan_name, currency, case when before then 2 else 1 end, stage, started_on, entered_on,
       array(select generate_series(0, stage)), case when over then (entered_on + interval '6 hours') at time zone 'UTC' end,
       case when over then entered_on end, case when over then 'worked' end,
       case when over then 'closed' when frozen then 'suspended' else 'open' end
from worked order by client_id;
analyze cases;

-- what was decided of them, with the facts of each decision
insert into decisions (client_id, plan_id, plan_name, currency, case_id, day, at, key, says, inputs)
select k.client_id, k.plan_id, k.plan_name, k.currency, k.id, k.day,
       (k.day + interval '6 hours') at time zone 'UTC',
       case when k.ending is null then concat_ws(';', k.told || ' ' || k.stage, w.owed, w.owed)
            else concat_ws(';', k.ending, 0, 0) end,
       jsonb_build_object('status', k.told, 'stage', k.stage, 'begins', k.stage = 0, 'enters', k.ending is null,
         'ending', k.ending, 'real_debt', coalesce(w.owed, 0), 'conditional_debt', coalesce(w.owed, 0),
         'contacts', '[]'::jsonb, 'orders', '[]'::jsonb, 'tasks', '[]'::jsonb, 'unmet', '[]'::jsonb),
       jsonb_build_object('owed', coalesce(w.lines, '[]'), 'left_alone', 0, 'holds', '[]'::jsonb, 'pauses', '[]'::jsonb,
         'case', jsonb_build_object('cycle', k.cycle, 'stage', k.stage, 'started_on', k.started_on,
           'stage_entered_on', k.stage_entered_on, 'deferrals', '[]'::jsonb), 'cycles', k.cycle)
from (select *, coalesce(closed_on, stage_entered_on) as day from cases) k
left join (
  select b.client_id, sum(b.balance)::bigint as owed,
         jsonb_agg(jsonb_build_object('invoice', b.id, 'account', b.account_id, 'due', b.due, 'balance', b.balance,
                                      'frozen', 0) order by b.due, b.id) as lines
  from bills b where b.balance > 0 and b.due <= today() group by b.client_id
) w on w.client_id = k.client_id and k.ending is null
order by k.day, k.id;

-- the history of all of them
insert into case_events (client_id, case_id, at, kind, detail)
select k.client_id, k.id, (told.day + interval '6 hours') at time zone 'UTC', told.kind,
       jsonb_build_object('stage', k.stage, 'cycle', k.cycle, 'currency', k.currency, 'ending', k.ending)
from cases k cross join lateral (
  select 'begun' as kind, k.started_on as day union all select 'stage', k.stage_entered_on
  union all select 'closed', k.closed_on where k.ending is not null
) told
order by told.day, k.id;

-- contacts of every stage that speaks; of cases that are over only the last ones are kept
create temporary table approached as
select row_number() over (order by k.id, s.no) as id, k.id as case_id, k.client_id, k.plan_id, k.currency,
       k.ending is null as running, s.no as stage, said.no::int - 1 as action, said.value ->> 'send' as script,
       array(select jsonb_array_elements_text(said.value -> 'by')) as channels, s.needed,
       (greatest(least(case when s.no = k.stage then k.stage_entered_on else k.started_on + s.days end,
                       k.stage_entered_on), k.started_on) + interval '7 hours') at time zone 'UTC' as at
from cases k join steps s on s.plan_id = k.plan_id and s.no = any(k.entered)
cross join lateral jsonb_array_elements(s.actions) with ordinality said(value, no)
where said.value ? 'send' and (k.ending is null or s.no = k.stage);
analyze approached;

-- contacts
insert into contacts (id, case_id, client_id, plan_id, currency, occasion, stage, action, touch, script, channels, tried,
                      state, planned_at, send_from, send_until)
select id, case_id, client_id, plan_id, currency, 'stage', stage, action, 0, script, channels, 1, 'opened', at,
       at + interval '1 hour', at + interval '12 hours'
from approached order by id;

-- the address each client is best reached at
create temporary table reached as
select distinct on (client_id) client_id, id as address_id, channel from addresses order by client_id, channel <> 'sms', id;
analyze reached;

-- talks of the cases under way
insert into conversations (id, client_id, contact_id, address_id, channel, currency, script, script_version, language,
                           state, thread, owner, opened_at, last_at)
select t.id, t.client_id, t.id, a.address_id, a.channel, t.currency, t.script, '1', c.language,
       '{"step": "told", "done": true}', 'T' || t.id, 'bot', t.at + interval '1 hour', t.at + interval '1 hour'
from approached t join clients c on c.id = t.client_id join reached a on a.client_id = t.client_id
where t.running order by t.id;

-- what was said in them
insert into messages (id, conversation_id, author, at, content, text)
select id, id, 'bot', opened_at, jsonb_build_object('key', script || '.opening', 'arguments', '{}'::jsonb),
       convert_to('You owe us for your services. Please pay, or tell us when you can.', 'UTF8')
from conversations order by id;

-- and how its sending went
insert into outbound (message_id, conversation_id, contact_id, address_id, channel, state, priority, parting, send_from,
                      send_until, tries, settled_at)
select t.id, t.id, t.contact_id, t.address_id, t.channel,
       case when draw(t.id, 'fate') < 0.93 then 'delivered' when draw(t.id, 'fate') < 0.97 then 'sent' else 'failed' end,
       1, false, t.opened_at, t.opened_at + interval '10 hours', 1, t.opened_at + interval '1 minute'
from conversations t order by t.id;

-- attempts
insert into attempts (id, outbound_id, no, state, body, digest, started_at)
select md5('attempt ' || o.id)::uuid, o.id, 1, o.state, m.text, sha256(m.text), m.at
from outbound o join messages m on m.id = o.message_id order by o.id;

-- orders to other systems
insert into service_orders (case_id, client_id, account_id, stage, verb, ordered_at, acknowledged_at, outcome)
select k.id, k.client_id, owed.account_id, s.no, said.value ->> 'do',
       (k.stage_entered_on + interval '6 hours') at time zone 'UTC',
       (k.stage_entered_on + interval '7 hours') at time zone 'UTC', 'done'
from cases k join steps s on s.plan_id = k.plan_id and s.no = any(k.entered)
cross join lateral jsonb_array_elements(s.actions) said(value)
join account_debts owed on owed.client_id = k.client_id and owed.owed >= 100 * coalesce((said.value ->> 'min_account_debt')::bigint, 0)
where k.ending is null and said.value ? 'do' order by k.id, s.no, owed.account_id;

-- tasks for people
insert into tasks (client_id, kind, reason, source, created_at)
select k.client_id, said.value ->> 'task', 'stage ' || s.name,
       concat_ws(':', 'stage', k.client_id, k.plan_id, k.currency, k.cycle, s.name, said.no - 1),
       (k.stage_entered_on + interval '6 hours') at time zone 'UTC'
from cases k join steps s on s.plan_id = k.plan_id and s.no = any(k.entered)
cross join lateral jsonb_array_elements(s.actions) with ordinality said(value, no)
where k.ending is null and said.value ? 'task' order by k.id, s.no;

-- stages that people hold back
insert into deferrals (case_id, stage, until, reason, made_by, made_at)
select id, stage + 1, today() + 12, 'asked for time', 'operator', (today() - 1 + interval '9 hours') at time zone 'UTC'
from cases where closed_at is null and stage < 4 and draw(id, 'deferral') < 0.005 order by id;
