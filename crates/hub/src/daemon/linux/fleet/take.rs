//! One command: whose order it is, whether he may, and which of its machines begin here.
//!
//! Neither the engine nor the coordinator is believed: the operator's signature is looked at here, and what the rules say.

use super::super::clock;
use super::super::orders::{self, order_of};
use super::super::peer::Actor;
use super::place::Place;
use super::results;
use infiniservice_fleet::sign::{Opened, Refusal, Signed};
use infiniservice_fleet::{Command, Control, TargetResult, message};
use infiniservice_hub_core::Which;
use infiniservice_hub_core::job::{NotTaken, Outcome};
use infiniservice_hub_core::policy::{Ask, CANCEL, OPERATOR, OWN};
use infiniservice_protocol::clock::Now;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::Duration;

/// When a command comes again for which there is no room now.
const NO_ROOM: Duration = Duration::from_secs(5);
/// When one comes again whose results could not be told.
const NOT_TOLD: Duration = Duration::from_secs(2);

/// Said where somebody on this host was faster.
const TAKEN: &str = "another job on this host has the order's id";

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is done with.
    Done,
    /// It is to come again.
    Again(Duration),
}

/// Where a command's machines go.
#[derive(Debug, Default)]
struct Sorted {
    /// Those that begin now.
    run: Vec<String>,
    /// Those that this hub does not have.
    absent: Vec<String>,
    /// Those that the order does not mean, or does not mean any more.
    others: Vec<String>,
    /// Jobs of this order that have some of them already.
    parts: BTreeSet<String>,
    /// The machines of all jobs of this order.
    before: Vec<String>,
    /// Who cancelled one of them.
    cancelled: Option<String>,
}

/// Takes one command.
pub(super) async fn take(place: &Place, payload: &[u8]) -> Verdict {
    match Command::read(payload) {
        Ok(Command::Run { order, wave, targets, coordinator, .. }) => {
            run(place, &order, wave, targets, &coordinator).await
        }
        Ok(Command::Cancel { job, control, coordinator, .. }) => cancel(place, &job, &control, &coordinator),
        Err(wrong) => refuse(place, &wrong, "the engine"),
    }
}

/// Nothing is told to the fleet of what no operator signed: somebody else's word must not end an order's machines.
fn refuse(place: &Place, why: &dyn Display, from: &str) -> Verdict {
    place.hub.engine(|engine| engine.refused += 1);
    if let Some(untold) = place.hub.policy.tells_of_stranger(clock::now()) {
        let more = if untold == 0 { String::new() } else { format!(" ({untold} more were not told)") };
        log::warn!("fleet: a command of {from:.80?} is not carried out: {why}{more}");
    }
    Verdict::Done
}

async fn run(place: &Place, signed: &Signed, wave: u32, targets: Vec<String>, from: &str) -> Verdict {
    let now = clock::now();
    let opened = place.hub.policy.keys().open_order(signed, now);
    let (opened, is_over) = match opened {
        Ok(opened) => (opened, false),
        Err(Refusal::Expired) => match place.hub.policy.keys().open_past_order(signed, now) {
            Ok(opened) => (opened, true),
            Err(refusal) => return refuse(place, &refusal, from),
        },
        Err(refusal) => return refuse(place, &refusal, from),
    };
    place.hub.engine(|engine| engine.commands += 1);
    let mut sorted = sort(place, &opened, targets, now);
    if !sorted.parts.is_empty() && !results::is_recorded(place).await {
        return Verdict::Again(NO_ROOM);
    }
    // The engine may have lost them, or a coordinator would not ask again.
    sorted.parts.iter().for_each(|part| results::again(place, part));
    let actor = Actor::operator(&opened.operator, format!("order {} over {from:.80}", opened.order.id));
    let word = Word { place, opened: &opened, wave, now };
    let run = std::mem::take(&mut sorted.run);
    let mut results = word.ended(&sorted.absent, Outcome::Absent, None, "this hub does not have it");
    results.extend(word.ended(&sorted.others, Outcome::Skipped, None, "the order does not mean it now"));
    if is_over {
        let text = "the order's time was over when it came to this hub";
        results.extend(word.ended(&run, Outcome::Expired, None, text));
    } else if let Some(who) = &sorted.cancelled {
        results.extend(word.ended(&run, Outcome::Skipped, None, &format!("{who} cancelled the job")));
    } else if !run.is_empty() {
        match begin(&word, &actor, &sorted, run).await {
            Ok(more) => results.extend(more),
            Err(verdict) => return verdict,
        }
    }
    if results::publish(place, results).await { Verdict::Done } else { Verdict::Again(NOT_TOLD) }
}

/// Starts a job for these machines; the results of those that may not.
async fn begin(
    word: &Word<'_>,
    actor: &Actor,
    sorted: &Sorted,
    run: Vec<String>,
) -> Result<Vec<TargetResult>, Verdict> {
    let Word { place, opened, wave, now } = *word;
    let refused = |why: &str| word.ended(&run, Outcome::Refused, Some("PERMISSION_DENIED"), why);
    if !opened.is_change() && !place.hub.policy.may_read(actor) {
        return Ok(refused(&format!("{} may not read: no rule names this operator", actor.who)));
    }
    let id = orders::id(&opened.order.id, wave);
    let machines = u32::try_from(run.len()).unwrap_or(u32::MAX);
    let request = opened.order.request(now, machines);
    match place.hub.start_part(actor, id, request, run.clone(), &sorted.before).await {
        Ok(_) => Ok(Vec::new()),
        Err(NotTaken::NotAllowed(why)) => Ok(refused(&why)),
        Err(NotTaken::Wrong(wrong)) => {
            Ok(word.ended(&run, Outcome::Refused, Some("INVALID_PARAMETER"), &wrong.error))
        }
        Err(NotTaken::Exists) => Ok(word.ended(&run, Outcome::Refused, Some("DUPLICATE_ID"), TAKEN)),
        Err(NotTaken::Unavailable(why)) => {
            log::warn!("fleet: the order {} waits for room on this host: {why}", opened.order.id);
            Err(Verdict::Again(NO_ROOM))
        }
    }
}

fn sort(place: &Place, opened: &Opened, targets: Vec<String>, now: Now) -> Sorted {
    let order = &opened.order;
    // It was read when the order was.
    let which = Which::parse(&order.vms).ok();
    let state = place.hub.state.borrow();
    let mut sorted = Sorted::default();
    let mut known = std::collections::HashMap::new();
    for job in state.jobs.planner.jobs() {
        if order_of(job).is_none_or(|(id, _)| id != order.id) {
            continue;
        }
        sorted.cancelled = sorted.cancelled.or_else(|| job.cancelled().map(str::to_owned));
        known.extend(job.targets().iter().map(|target| (target.name.as_str(), job.id())));
    }
    for vm in targets.into_iter().collect::<BTreeSet<_>>() {
        let entry = state.fleet.get(&vm);
        if let Some(part) = known.get(vm.as_str()) {
            sorted.parts.insert((*part).to_owned());
        } else if let Some(entry) = entry.filter(|entry| entry.vanished.is_none()) {
            let is_meant = which.as_ref().is_some_and(|which| which.matches(&vm, entry, now));
            if is_meant { sorted.run.push(vm) } else { sorted.others.push(vm) }
        } else {
            sorted.absent.push(vm);
        }
    }
    sorted.before = known.into_keys().map(str::to_owned).collect();
    if sorted.cancelled.is_none() {
        let by = place.cancelled_by(&order.id).into_iter();
        sorted.cancelled = by.map(|by| format!("{OPERATOR}{by}")).find(|by| {
            let owner = format!("{OPERATOR}{}", opened.operator);
            *by == owner
        });
    }
    sorted
}

/// What this hub itself says of machines for which it starts no job.
#[derive(Clone, Copy)]
struct Word<'a> {
    place: &'a Place,
    opened: &'a Opened,
    wave: u32,
    now: Now,
}

impl Word<'_> {
    fn ended(&self, vms: &[String], outcome: Outcome, code: Option<&str>, text: &str) -> Vec<TargetResult> {
        let result = |vm: &String| TargetResult {
            job: self.opened.order.id.clone(),
            hub: self.place.name.clone(),
            vm: vm.clone(),
            outcome,
            code: code.map(str::to_owned),
            text: Some(text.to_owned()),
            result: None,
            started_at_ms: None,
            ended_at_ms: self.now.wall_ms(),
            wave: self.wave,
            traceparent: None,
            coordinator: None,
        };
        vms.iter().map(result).collect()
    }
}

/// Ends an order's jobs here: its own operator may, and whom a rule lets end others' commands.
fn cancel(place: &Place, job: &str, control: &Signed, from: &str) -> Verdict {
    let opened = place.hub.policy.keys().open_control(control, clock::now());
    let control = match opened {
        Ok(control) if control.job == job && control.what == message::What::Cancel => control,
        Ok(_) => return refuse(place, &"the signed text says something else", from),
        Err(refusal) => return refuse(place, &refusal, from),
    };
    place.hub.engine(|engine| engine.commands += 1);
    place.cancel(job, &control.operator);
    for (part, owner, vms) in parts(place, job) {
        end(place, &control, from, (&part, &owner, &vms));
    }
    Verdict::Done
}

/// The jobs of an order that run here, whose they are, and their machines.
fn parts(place: &Place, order: &str) -> Vec<(String, String, Vec<String>)> {
    place.hub.look_at_jobs(|planner| {
        let parts = planner.jobs().filter(|job| order_of(job).is_some_and(|(id, _)| id == order));
        let open = parts.filter(|job| job.finished_at().is_none());
        open.map(|job| (job.id().to_owned(), job.accepted.actor.clone(), job.accepted.targets.clone()))
            .collect()
    })
}

fn end(place: &Place, control: &Control, from: &str, (part, owner, vms): (&str, &str, &[String])) {
    let actor = Actor::operator(&control.operator, format!("order {} over {from:.80}", control.job));
    let changes = [CANCEL.to_owned()];
    let ask = Ask { changes: &changes, vms };
    let permit = if actor.who.name() == owner {
        Ok(OWN.to_owned())
    } else {
        place.hub.look(|fleet| place.hub.policy.permit(fleet, clock::now(), &actor, ask))
    };
    match permit {
        Ok(rule) => drop(place.hub.cancel_job(&actor, part, &rule)),
        Err(why) => place.hub.cancel_refused(&actor, part, &why),
    }
}
