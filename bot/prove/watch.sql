-- what is seen, in the order of the database's clock: under the locks that every change takes, the order is the true one
create table seen (
  at timestamptz not null default clock_timestamp(), what text not null, subject bigint, attempt uuid, was text, now text)

-- how messages fare
create function see_message() returns trigger language plpgsql as $$
begin
  insert into seen (what, subject, was, now) values ('message', new.id, old.state, new.state);
  return null;
end $$

create trigger see_message after update on outbound for each row when (old.state is distinct from new.state)
execute function see_message()

-- attempts are never taken back, and what was sent is never rewritten
create function see_attempt() returns trigger language plpgsql as $$
begin
  insert into seen (what, subject, attempt) values ('rewritten', old.outbound_id, old.id);
  return null;
end $$

create trigger see_deleted after delete on attempts for each row execute function see_attempt()

create trigger see_rewritten after update on attempts for each row
when ((old.id, old.outbound_id, old.no, old.body, old.digest, old.started_at)
      is distinct from (new.id, new.outbound_id, new.no, new.body, new.digest, new.started_at))
execute function see_attempt()

-- who wants no more messages
create function see_opt_out() returns trigger language plpgsql as $$
begin
  insert into seen (what, subject) values ('opted out', new.id);
  return null;
end $$

create trigger see_opt_out after update on addresses for each row
when (old.opted_out_at is null and new.opted_out_at is not null) execute function see_opt_out()

-- who has paid
create function see_payment() returns trigger language plpgsql as $$
begin
  insert into seen (what, subject) values ('paid', new.client_id);
  return null;
end $$

create trigger see_payment after insert on ledger_entries for each row when (new.kind = 'payment')
execute function see_payment()
