//! One command: whose order it is, whether he may, and which of its machines begin here.
//!
//! Neither the engine nor the coordinator is believed: the operator's signature is looked at here, and what the rules say.

use super::super::clock;
use super::super::job_turns::Part;
use super::super::peer::Actor;
use super::place::Place;
use super::results;
use infiniservice_fleet::message::What;
use infiniservice_fleet::orders::{Asked, Begin, Decision, Meant, actor};
use infiniservice_fleet::sign::Opened;
use infiniservice_fleet::{Command, Control, Order, Signed, TargetResult};
use infiniservice_hub_core::Which;
use infiniservice_hub_core::job::NotTaken;
use infiniservice_hub_core::policy::{Ask, CANCEL, OWN};
use infiniservice_protocol::clock::Now;
use std::fmt::Display;
use std::time::Duration;

/// When a command comes again for which there is no room now.
const NO_ROOM: Duration = Duration::from_secs(5);
/// When one comes again whose results could not be told.
const NOT_TOLD: Duration = Duration::from_secs(2);

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is done with.
    Done,
    /// It is to come again.
    Again(Duration),
}

/// Takes one command.
pub(super) async fn take(place: &Place, payload: &[u8]) -> Verdict {
    match Command::read(payload) {
        Ok(Command::Run { order, wave, targets, close, coordinator, .. }) => {
            let now = clock::now();
            let opened = place.hub.policy.keys().open_past_order(&order, now);
            match opened {
                Ok(opened) => {
                    let asked = Asked { wave, targets: &targets, close };
                    run(&Turn { place, opened, now, from: &coordinator }, asked).await
                }
                Err(refusal) => refuse(place, &refusal, &coordinator),
            }
        }
        Ok(Command::Cancel { job, control, coordinator, .. }) => cancel(place, &job, &control, &coordinator),
        Err(wrong) => refuse(place, &wrong, "the engine"),
    }
}

/// Nothing is told to the fleet of what no operator signed: somebody else's word must not end an order's machines.
fn refuse(place: &Place, why: &dyn Display, from: &str) -> Verdict {
    place.hub.engine(|engine| engine.refused += 1);
    if let Some(untold) = place.hub.policy.tells_of_stranger(clock::now()) {
        let more = if untold == 0 { String::new() } else { format!(" ({untold} more were not logged)") };
        log::warn!("fleet: a command from {from:.80?} is not carried out: {why}{more}");
    }
    Verdict::Done
}

/// A command whose order is an operator's.
struct Turn<'a> {
    place: &'a Place,
    opened: Opened,
    now: Now,
    /// The coordinator.
    from: &'a str,
}

async fn run(turn: &Turn<'_>, asked: Asked<'_>) -> Verdict {
    let Turn { place, opened, .. } = turn;
    place.hub.engine(|engine| engine.commands += 1);
    let Decision { jobs, mut results } = match decide(turn, asked) {
        Ok(decision) => decision,
        Err(busy) => return no_room(opened, &busy),
    };
    for begin in jobs {
        match start(turn, asked.wave, begin).await {
            Ok(refused) => results.extend(refused),
            Err(why) => return no_room(opened, &why),
        }
    }
    // Also of what was begun by an earlier command, which may have been given before its job was on the disk.
    if let Err(error) = results::all_recorded(place).await {
        return no_room(opened, &error);
    }
    match results::publish(place, &results).await {
        Ok(()) => Verdict::Done,
        Err(error) => {
            log::info!("fleet: cannot publish results of {}, will retry: {error}", opened.order.id);
            Verdict::Again(NOT_TOLD)
        }
    }
}

fn no_room(opened: &Opened, why: &dyn Display) -> Verdict {
    log::warn!("fleet: the order {} waits for room on this host: {why}", opened.order.id);
    Verdict::Again(NO_ROOM)
}

fn decide(turn: &Turn<'_>, asked: Asked<'_>) -> Result<Decision, infiniservice_fleet::orders::Busy> {
    let Turn { place, opened, now, .. } = turn;
    let which = Which::parse(&opened.order.vms).ok();
    let state = place.hub.state.borrow();
    let meant = |vm: &str| match state.fleet.get(vm).filter(|entry| entry.vanished.is_none()) {
        None => Meant::Absent,
        Some(entry) if which.as_ref().is_some_and(|which| which.matches(vm, entry, *now)) => Meant::Yes,
        Some(_) => Meant::No,
    };
    place.orders.borrow_mut().run(*now, opened, asked, &state.jobs.planner, &meant)
}

/// Starts a job for the machines that begin; the results of those that may not.
///
/// # Errors
/// Why it cannot be taken now.
async fn start(turn: &Turn<'_>, wave: u32, begin: Begin) -> Result<Vec<TargetResult>, String> {
    let Turn { place, opened, now, from } = turn;
    let Begin { id, request, targets, cancelled_by, .. } = begin;
    let refused = |why: &str, code: &str| {
        Ok(place.orders.borrow_mut().refused(*now, opened, wave, &targets, why, code))
    };
    let actor = Actor::operator(&opened.operator, format!("order {} over {from:.80}", opened.order.id));
    if let Err(why) = may_read(place, opened, &actor) {
        return refused(&why, "PERMISSION_DENIED");
    }
    let before = before(place, &opened.order);
    let part = Part { id, request, targets: targets.clone(), before: &before, cancelled_by };
    match place.hub.start_part(&actor, part).await {
        Ok(_) => Ok(Vec::new()),
        Err(NotTaken::NotAllowed(why)) => refused(&why, "PERMISSION_DENIED"),
        Err(NotTaken::Wrong(wrong)) => refused(&wrong.error, "INVALID_PARAMETER"),
        Err(NotTaken::Exists) => refused("another job on this host has the order's id", "ID_IN_USE"),
        Err(NotTaken::Unavailable(why)) => Err(why),
    }
}

/// Whether an operator may have an order carried out that changes nothing: any rule that names him says so.
///
/// # Errors
/// That none does.
pub(super) fn may_read(place: &Place, opened: &Opened, actor: &Actor) -> Result<(), String> {
    if opened.is_change() || place.hub.policy.may_read(actor) {
        return Ok(());
    }
    Err(format!("{} may not read: no rule names this operator", actor.who))
}

/// The machines of all jobs of an order that are here: a rule's bound is for all of them.
fn before(place: &Place, order: &Order) -> Vec<String> {
    place.hub.look_at_jobs(|planner| {
        let prefix = format!("{}.", order.id);
        let of_order = planner.jobs().filter(|job| job.id().starts_with(&prefix));
        of_order.flat_map(|job| job.accepted.targets.iter().cloned()).collect()
    })
}

/// Ends an order's jobs here: its own operator may, and whom a rule lets end others' commands.
fn cancel(place: &Place, job: &str, control: &Signed, from: &str) -> Verdict {
    let opened = place.hub.policy.keys().open_control(control, clock::now());
    let control = match opened {
        Ok(control) if control.job == job && control.what == What::Cancel => control,
        Ok(_) => return refuse(place, &"the signed text does not match the command", from),
        Err(refusal) => return refuse(place, &refusal, from),
    };
    place.hub.engine(|engine| engine.commands += 1);
    let by = Actor::operator(&control.operator, format!("order {job} over {from:.80}"));
    let others = others(place, &control);
    let permit = if others.as_ref().is_some_and(Vec::is_empty) {
        Ok(OWN.to_owned())
    } else {
        let (changes, vms) = ([CANCEL.to_owned()], others.clone().unwrap_or_default());
        let ask = Ask { changes: &changes, vms: &vms };
        place.hub.look(|fleet| place.hub.policy.permit(fleet, clock::now(), &by, ask))
    };
    match permit {
        Ok(rule) => {
            let jobs = place.hub.look_at_jobs(|planner| place.orders.borrow_mut().cancel(&control, planner));
            for job in &jobs {
                place.hub.cancel_job(&by, job, &rule);
            }
        }
        // Whose order it is shows when it comes.
        Err(_) if others.is_none() => place.orders.borrow_mut().cancel_own(&control),
        Err(why) => place.hub.cancel_refused(&by, job, &why),
    }
    Verdict::Done
}

/// The machines of an order's jobs here which are another operator's; `None` where there is no job of it.
fn others(place: &Place, control: &Control) -> Option<Vec<String>> {
    place.hub.look_at_jobs(|planner| {
        let prefix = format!("{}.", control.job);
        let mut jobs = planner.jobs().filter(|job| job.id().starts_with(&prefix)).peekable();
        jobs.peek()?;
        let others = jobs.filter(|job| job.accepted.actor != actor(&control.operator));
        Some(others.flat_map(|job| job.accepted.targets.iter().cloned()).collect())
    })
}
