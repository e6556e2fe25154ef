//! The examples print what they say they show.

#[allow(dead_code, reason = "what is run here is `run`")]
#[path = "../../examples/bank_account.rs"]
mod bank_account;
#[allow(dead_code, reason = "what is run here is `run`")]
#[path = "../../examples/course_subscriptions.rs"]
mod course_subscriptions;
#[allow(dead_code, reason = "what is run here is `run`")]
#[path = "../../examples/enrolment.rs"]
mod enrolment;
#[allow(dead_code, reason = "what is run here is `run`")]
#[path = "../../examples/flight_delays.rs"]
mod flight_delays;
#[allow(dead_code, reason = "what is run here is `run`")]
#[path = "../../examples/history.rs"]
mod history;
#[allow(dead_code, reason = "what is run here is `run`")]
#[path = "../../examples/order_desk.rs"]
mod order_desk;
#[allow(dead_code, reason = "what is run here is `run`")]
#[path = "../../examples/orders.rs"]
mod orders;
#[allow(dead_code, reason = "what is run here is `run`")]
#[path = "../../examples/pipeline.rs"]
mod pipeline;
#[allow(dead_code, reason = "what is run here is `run`")]
#[path = "../../examples/tenants.rs"]
mod tenants;

use std::fmt::Debug;

fn output<E: Debug>(run: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> String {
    let mut out = Vec::new();
    run(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn seats_are_given_within_the_rules_and_whoever_is_late_looks_again() {
    let expected = "\
there is a chess course already, at position 1
ann has a seat in chess, at position 4
bob decided without the event at position 4
bob has a seat in chess, at position 5
eve has a seat in music, at position 6
eve has no seat in chess: all 2 seats are taken
eve has no seat in yoga: there is no such course
ann has no seat in chess: the student is in it already
ann has a seat in music, at position 7
ann has no seat in rust: the student takes 2 courses already
of 20 runners 9 have a seat in rust
about ann: StudentSubscribed [\"course:chess\", \"student:ann\"]
about ann: StudentSubscribed [\"course:music\", \"student:ann\"]
";
    assert_eq!(output(course_subscriptions::run), expected);
}

#[test]
fn orders_go_by_versions_with_their_state_beside_them() {
    let expected = "\
placed: position 1, version 1
paid: positions 2 to 3, [(\"order-1\", v2), (\"account-7\", v1)]
conflict: stream 'order-1' was expected at version 1, but is at version 2
its version is 2 now; since version 1:
  #2 order-1 v2 OrderPaid Domain schema 1
sent: state at revision 1
conflict: document 'order-1/state' was expected not to exist, but is at revision 1
state: {\"status\":\"sent\",\"total\":12}, as of position 4
staged: the head is still 4
returned: position 5, replayed: false
again: position 5, replayed: true
head 5, order at version 4
of the request:
  #1 order-1 v1 OrderPlaced Domain schema 2 {\"by\": \"ann\", \"context\": \"sales\"}
  #2 order-1 v2 OrderPaid Domain schema 1
  #3 account-7 v1 AmountBooked Integration schema 1
  #4 order-1 v3 OrderSent Domain schema 1
  #5 order-1 v4 OrderReturned Domain schema 1
page after 0: [1, 2]
page after 2: [3, 4]
page after 4: [5]
";
    assert_eq!(output(orders::run), expected);
}

#[test]
fn history_is_looked_up_looked_back_at_followed_and_counted() {
    let expected = "\
category card          #5 Issued, #8 Used
type Withdrawn         #4 Withdrawn, #9 Withdrawn
two newest deposits    #10 Deposited, #7 Deposited
of ann since day 5     #5 Issued, #7 Deposited, #8 Used, #9 Withdrawn
stream account-2       #3 Opened, #6 Deposited, #10 Deposited
account-1, v2 to v4    #2 Deposited, #4 Withdrawn, #7 Deposited
account-1, newest      #9 Withdrawn
day 3 to day 5         #3 Opened, #4 Withdrawn, #5 Issued
account-1 had   0 at version 1
account-1 had 100 at version 2
account-1 had  70 at version 3
account-1 had  65 at version 5
account-1 had 100 on day 3
account-1 had  85 on day 8
pruning all snapshots but two: 2 go
  kept snapshot/account-1/00000000000000000004
  kept snapshot/account-1/00000000000000000003
the newest: {\"amount\":85,\"version\":4}
with the events since: 65 at version 5
batch 1: 2 of 4 deposits, 150 in all
batch 2: 4 of 4 deposits, 190 in all
live: #11 card-9 Used
live: #13 card-9 Used
live: #14 card-9 Used
14 events, 22 bytes of payload, from 2026-03-01 to 2026-03-11
  Deposited  4
  Issued     1
  Opened     2
  Used       5
  Withdrawn  2
card-9: 5 events, 1 Issued, 4 Used
tag holder:ann: 7 events
tag holder:bob: 3 events
account-1: 5 events, whole
the store: 14 events, whole
";
    assert_eq!(output(history::run), expected);
}

#[test]
fn what_customers_owe_is_never_behind_their_orders() {
    let expected = "\
placed: position 1, version 1
customer 7 owes Some(120)
refused: expected Exact(v0), is 1
customer 7 owes Some(120)
customer 7 owes Some(20)
customer 8 owes Some(30)
as of position 4; the head is 4
order-1 v1: Some(Placed { customer: 7, total: 120 })
order-1 v2: Some(Paid { customer: 7, amount: 100 })
#1 OrderPlaced by Some(\"ann\") in Some(\"sales\")
#2 OrderPaid by Some(\"ann\") in Some(\"sales\")
";
    assert_eq!(output(order_desk::run), expected);
}

#[test]
fn an_account_is_decided_on_loaded_looked_back_at_and_rebuilt() {
    let expected = "\
deposit: refused, the account is not open
open: [Opened { owner: \"ann\" }], 0 cents at v1
deposit: [Deposited { cents: 500 }], 500 cents at v2
withdraw: [Withdrawn { cents: 200 }], 300 cents at v3
withdraw: refused, there are 300 cents
deposit: [Deposited { cents: 50 }], 350 cents at v4
open: refused, the account is open already
letter: welcome, ann
conflict: saw v2, it is at v4
  v3 at 1970-01-01T04:00:00.000000Z: Withdrawn { cents: 200 }
  v4 at 1970-01-01T06:00:00.000000Z: Deposited { cents: 50 }
loaded 350 cents, v4: from the snapshot of v3, 1 events read
loaded 356 cents, v7: from the snapshot of v6, 1 events read
kept: a snapshot of v3, 141 bytes
kept: a snapshot of v6, 141 bytes
at v5: 351 cents, v5: from the snapshot of v3, 2 events read
at #2: 500 cents, v2: from nothing, 2 events read
at 1970-01-01T03:00:00.000000Z: 500 cents, v2: from nothing, 2 events read
it came to 300 at v3, #3
looked at 3 events
loaded 356 cents, v7: from nothing, as the snapshot has schema 1, 7 events read
rebuilt account-7: 1 of 2
rebuilt account-8: 2 of 2
2 states of 8 events
loaded 356 cents, v7: from the snapshot of v7, 0 events read
close: [Withdrawn { cents: 356 }, Closed]
  lifecycle hook 'letters' failed: the printer is out of paper
";
    assert_eq!(output(bank_account::run), expected);
}

#[test]
fn who_enrols_goes_by_two_states_at_once_in_a_unit_of_work() {
    let expected = "\
staged at head 0, then at 1
staged at head 1, then at 2
staged at head 2, then at 3
error: `append` was called in a unit of work that is not begun: begin it first
error: `load` was called in a unit of work that is not begun: begin it first
in the unit: 1 seat taken, ann takes [\"chess\"]
for others: 0 seats taken
committed, up to #4
error: `append` was called in a unit of work that is committed: begin it first
error: `load` was called in a unit of work that is committed: begin it first
eve was too late: #5 has come
eve is not in chess: all 2 seats are taken
eve is in music
ann is in music
ann is not in rust: the student takes 2 courses already
ann is not in music: the student is in it already
eve is not in yoga: there is no such course
of 20 runners 9 are in rust
chess: 3 events up to 16
music: 2 events up to 6
both seen up to 6, one up to 16, none before 0
music since 6: Some([\"course:music\", \"student:ann\", \"campus:north\"])
enrolled at the north campus: 13
";
    assert_eq!(output(enrolment::run), expected);
}

#[test]
fn where_a_handler_fails_that_order_alone_stops_and_goes_on_when_it_is_told() {
    let expected = "\
the pipeline 'or/ders' can't be:
- 'or/ders' can't be the name of a pipeline: there is a '/' in it
- the handler 'nothing': nobody has said which events it handles: name types, or a query
- the handler 'nothing': it handles no aggregate at a time: its concurrency is 0
place order-1: version 1
place order-1: 'place' was refused: it was placed before
place order-2: version 1
place order-3: 'place' can't be: an order of nothing
place order-3: version 1
place order-4: this is no 'place': missing field `pieces` at line 1 column 18
place order-4: version 1
pay order-1: there is no command 'pay'; there are: cancel, place
cancel order-2: version 2
reserve has parked order-2 after 2 attempts:
  the handler 'orders~reserve' failed: the warehouse knows no 'ink'
reserve has parked order-4 after 2 attempts:
  the handler 'orders~reserve' failed: the warehouse knows no 'chalk'
warehouse: order-1 Reserved, order-3 Reserved
parked: 0
warehouse: order-1 Reserved, order-2 Reserved, order-2 Released, order-3 Reserved
pieces: Some(19)
reserve: 1 handled since, 0 parked
";
    assert_eq!(output(pipeline::run), expected);
}

#[test]
fn delays_are_followed_live_and_kept_the_same_in_the_store() {
    let expected = "\
4000 events loaded in 40 commits
both have seen all of it, 0 and 0 positions behind
and say the same: true
  EV 44.72 minutes, 257 arrivals
  MQ 22.37 minutes, 159 arrivals
  9E 16.35 minutes, 72 arrivals
cancelled: #3991 carrier-UA
cancelled: #3947 carrier-AA
4000 events of 5 types
batch 1: 500 events, 31 %
batch 2: 1000 events, 56 %
batch 3: 1500 events, 83 %
batch 4: 1814 events, 100 %
made anew, and the same: true
";
    assert_eq!(output(flight_delays::run), expected);
}

#[test]
fn tenants_see_their_own_and_know_who_did_it() {
    let expected = "\
'' can't be the name of a tenant: it is empty
'acme/eu' can't be the name of a tenant: there is a '/' in it
'ac-me' can't be the name of a tenant: there is a '-' in it
'.acme' can't be the name of a tenant: it begins with a mark
Some(\"acme\") sees [(1, \"order-1\"), (2, \"order-2\"), (5, \"order-1\")]
  3 events, streams [\"order-1\", \"order-2\"]
  documents [\"settings\"]
Some(\"bolt\") sees [(3, \"order-1\"), (4, \"order-2\")]
  2 events, streams [\"order-1\", \"order-2\"]
  documents [\"settings\"]
bolt has position 1: false
bolt is told: stream 'order-1' was expected at version 0, but is at version 1
whoever has the file sees [\"acme/order-1\", \"acme/order-2\", \"bolt/order-1\", \"bolt/order-2\"]
#1 OrderPlaced by Some(\"ann\"), span Some(f067aa0ba902b7)
#2 OrderPlaced by Some(\"ann\"), span Some(f067aa0ba902b7)
#5 OrderPaid by Some(\"ann\"), span Some(f067aa0ba902b7)
signed failed: nobody is logged in
Some(\"acme\") has a turnover of Some(19)
Some(\"bolt\") has a turnover of Some(3)
kept: acme/settings
kept: acme/~projection/turnover
kept: acme/~projection/turnover/1/state
kept: bolt/settings
kept: bolt/~projection/turnover
kept: bolt/~projection/turnover/1/state
";
    assert_eq!(output(tenants::run), expected);
}
