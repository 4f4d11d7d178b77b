//! `infinictl --fleet URL job`: one command for many machines of many hosts, signed by whoever orders it.

use super::follow::{Following, follow};
use super::{control, find, followed, now};
use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::hub::JobCommand;
use crate::cli::hub::job::{Report, RunArgs, ShowArgs, message, show};
use crate::cli::output::Output;
use crate::cli::{operator_key, trace};
use crate::fleet::{Followed, snapshot};
use crate::text::sanitize;
use infiniservice_engine::{Engine, Error};
use infiniservice_fleet::message::{What, text};
use infiniservice_fleet::subject::{JOBS, JobKey, RESULTS, job_key, parse_job_key, results_of};
use infiniservice_fleet::{MAX_BODY_BYTES, OperatorKey, Order, Signed};
use infiniservice_hub_core::job::{CONCURRENCY, NOT_AFTER_SECS, Share};
use infiniservice_protocol::clock::Now;
use infiniservice_protocol::trace::TraceContext;
use serde_json::Value;
use std::collections::BTreeMap;

/// Random digits at the end of a job's name.
const RANDOM_DIGITS: u64 = 0xff_ffff;

/// Runs it.
pub(in crate::cli) async fn run(global: &Global, command: JobCommand) -> Result<(), CliError> {
    let out = Output::new(global.json, global.no_color);
    match command {
        JobCommand::Run(args) => order_and_follow(global, &args, out).await,
        JobCommand::List => list(&global.engine().await?, out).await,
        JobCommand::Show(args) => one(&global.engine().await?, &args, out).await,
        JobCommand::Pause(job) => control::send(global, &job.id, What::Pause, out).await,
        JobCommand::Resume(job) => control::send(global, &job.id, What::Resume, out).await,
        JobCommand::Cancel(job) => control::send(global, &job.id, What::Cancel, out).await,
    }
}

/// A name that sorts by time and that nobody else takes.
fn new_id(now: Now) -> String {
    format!("j{}-{:06x}", now.wall_ms(), fastrand::u64(0..=RANDOM_DIGITS))
}

/// What is ordered, checked as each hub will check it.
fn order(
    global: &Global,
    args: &RunArgs,
    context: Option<&TraceContext>,
    now: Now,
) -> Result<Order, CliError> {
    let wrong = |error: String| CliError::Usage(error);
    let share = |text: &String| Share::parse(text).map_err(wrong);
    let mut message = message(&args.command)?;
    if let Some(context) = context {
        message.insert("traceparent".to_owned(), context.traceparent().into());
        if let Some(state) = context.tracestate() {
            message.insert("tracestate".to_owned(), state.into());
        }
    }
    let at_ms = now.wall_ms();
    let order = Order {
        id: args.id.clone().unwrap_or_else(|| new_id(now)),
        at_ms,
        not_after_ms: at_ms + args.not_after.unwrap_or(NOT_AFTER_SECS) * 1000,
        vms: args.vms.clone(),
        message,
        waves: args.waves.clone().unwrap_or_default(),
        max_concurrency: args.max_concurrency.as_ref().map_or(Ok(Share::Count(CONCURRENCY)), share)?,
        max_failures: args.max_failures.as_ref().map(share).transpose()?,
        timeout: global.timeout.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0)),
        operator: global.fleet.operator()?,
    };
    order.check(now).map_err(|it| CliError::Usage(it.error))?;
    Ok(order)
}

fn signed(order: &Order, key: &OperatorKey) -> Result<Signed, CliError> {
    let signed = Signed::order(order, key);
    if signed.body.len() > MAX_BODY_BYTES {
        let bytes = signed.body.len();
        return Err(CliError::Usage(format!(
            "the job has {bytes} bytes; at most {MAX_BODY_BYTES} are allowed"
        )));
    }
    Ok(signed)
}

async fn order_and_follow(global: &Global, args: &RunArgs, out: Output) -> Result<(), CliError> {
    let context = global.trace.then(trace::context).transpose()?;
    let order = order(global, args, context.as_ref(), now())?;
    let signed = signed(&order, &operator_key::read(&global.fleet.key()?)?)?;
    let report = args.junit.as_deref().map(Report::new).transpose()?;
    let engine = global.engine().await?;
    let (order, signed) = place(&engine, order, signed).await?;
    if let Some(context) = context {
        eprintln!("trace {}", context.trace_id());
    }
    if args.detach {
        return if out.json {
            out.document(&Followed::default().document(&order).to_string())
        } else {
            out.text(&order.id)
        };
    }
    eprintln!("job {}", order.id);
    let following = Following { engine: &engine, order: &order, signed: &signed, out };
    let job = tokio::select! {
        job = follow(&following) => job?,
        _ = tokio::signal::ctrl_c() => return Err(CliError::Interrupted(format!(
            "interrupted; the job goes on: infinictl job show {0}, infinictl job cancel {0}", order.id
        ))),
    };
    if let Some(report) = report {
        report.write(&job.whole(&order))?;
    }
    told(&job, &order, out)?;
    ended(&job, &order)
}

/// Puts the order where coordinators look. One of the same name that asks for the same is followed instead.
async fn place(engine: &Engine, order: Order, signed: Signed) -> Result<(Order, Signed), CliError> {
    let key = job_key(&order.id, &JobKey::Order);
    let Err(error) = engine.create(JOBS, &key, text(&signed).into_bytes()).await else {
        return Ok((order, signed));
    };
    let Error::Conflict(_) = error else { return Err(error.into()) };
    let (there, signed) = find(engine, &order.id).await?;
    let same = there.vms == order.vms && without_trace(&there) == without_trace(&order);
    if same && there.operator == order.operator {
        return Ok((there, signed));
    }
    Err(CliError::Failed(format!("there is another job of the name {}: choose another --id", order.id)))
}

fn without_trace(order: &Order) -> Value {
    let mut message = order.message.clone();
    message.retain(|name, _| name != "traceparent" && name != "tracestate");
    Value::Object(message)
}

/// Shows what came of a job.
fn told(job: &Followed, order: &Order, out: Output) -> Result<(), CliError> {
    if out.json {
        let mut document = job.document(order);
        document["type"] = "job".into();
        return out.document(&document.to_string());
    }
    if job.unreadable() > 0 {
        eprintln!("infinictl: {} results cannot be read, or stand in another hub's place", job.unreadable());
    }
    out.text(&show::one(&job.whole(order), out, false))
}

/// Only a job that was done everywhere is a success.
fn ended(job: &Followed, order: &Order) -> Result<(), CliError> {
    if job.is_done_everywhere() && job.is_complete() {
        return Ok(());
    }
    let why = job
        .progress()
        .and_then(|progress| progress.why.as_deref())
        .map(|why| format!(": {}", sanitize::brief(why)));
    let sentence =
        show::not_done(&job.document(order)).unwrap_or_else(|| "not all results have come".to_owned());
    Err(CliError::Failed(format!("{sentence}{}", why.unwrap_or_default())))
}

async fn list(engine: &Engine, out: Output) -> Result<(), CliError> {
    let mut jobs: BTreeMap<String, (Option<Order>, Followed)> = BTreeMap::new();
    for entry in snapshot(engine, JOBS, "*.order").await? {
        let order = || serde_json::from_slice::<Signed>(entry.value.as_deref()?).ok();
        let order = order().and_then(|signed| serde_json::from_str(&signed.body).ok());
        if let Some((id, JobKey::Order)) = parse_job_key(&entry.key) {
            jobs.entry(id).or_default().0 = order;
        }
    }
    for entry in snapshot(engine, JOBS, "*.progress").await? {
        if let (Some((id, JobKey::Progress)), Some(value)) = (parse_job_key(&entry.key), &entry.value) {
            jobs.entry(id).or_default().1.take_progress(value);
        }
    }
    let mut jobs: Vec<_> = jobs.into_values().filter_map(|(order, job)| Some((order?, job))).collect();
    jobs.sort_by(|(a, _), (b, _)| b.at_ms.cmp(&a.at_ms).then_with(|| a.id.cmp(&b.id)));
    let jobs: Vec<_> = jobs.iter().map(|(order, job)| job.document(order)).collect();
    if out.json {
        return jobs.iter().try_for_each(|job| out.document(&job.to_string()));
    }
    out.text(&show::list(&jobs, out))
}

async fn one(engine: &Engine, args: &ShowArgs, out: Output) -> Result<(), CliError> {
    let (order, _) = find(engine, &args.id).await?;
    let mut job = followed(engine, &args.id).await?;
    for stored in engine.read(RESULTS, &results_of(&args.id)).await?.all_there().await? {
        job.take_result(&stored.subject, &stored.payload);
    }
    let mut whole = job.whole(&order);
    if !args.results {
        let machines = whole["machines"].as_array_mut().into_iter().flatten();
        machines.filter_map(Value::as_object_mut).for_each(|machine| drop(machine.remove("result")));
    }
    if out.json { out.document(&whole.to_string()) } else { out.text(&show::one(&whole, out, true)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser as _;
    use infiniservice_engine::{Layout, Memory};

    fn parsed(line: &str) -> (Global, RunArgs) {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let crate::cli::Command::Job(JobCommand::Run(args)) = cli.command else { panic!("{line}") };
        (cli.global, args)
    }

    fn of(flags: &str) -> Result<Order, String> {
        let line = format!("infinictl --operator alice job run {flags} -- service restart nginx");
        let (global, args) = parsed(&line);
        order(&global, &args, None, now()).map_err(|error| error.sentence())
    }

    async fn engine() -> Engine {
        let engine = Engine::in_memory(&Memory::new());
        engine.set_up(&Layout::of_fleet(1)).await.unwrap();
        engine
    }

    #[test]
    fn the_flags_become_the_order() {
        let order = of(
            "--vms web-* --waves canary:1,10%,rest --max-concurrency 20 --max-failures 5% --not-after 60 --timeout 30",
        );
        let order = order.unwrap();
        assert_eq!((order.operator.as_str(), order.vms.as_str()), ("alice", "web-*"));
        assert_eq!(order.not_after_ms - order.at_ms, 60_000);
        assert_eq!((order.max_concurrency, order.max_failures), (Share::Count(20), Some(Share::Percent(5))));
        assert_eq!((order.waves.len(), order.timeout), (3, Some(30)));
        assert_eq!(order.message["command_type"]["operation"], "restart");
        let plain = of("--vms all").unwrap();
        assert_eq!((plain.max_concurrency, plain.max_failures), (Share::Count(CONCURRENCY), None));
        assert_ne!(plain.id, of("--vms all").unwrap().id);
    }

    #[test]
    fn what_hubs_would_refuse_is_refused_here() {
        for (flags, told) in [
            ("--vms nonsense=7", "nonsense"),
            ("--vms all --id a.b", "letters, digits"),
            ("--vms all --max-concurrency 0", "at least 1"),
        ] {
            let error = of(flags).unwrap_err();
            assert!(error.contains(told), "{flags}: {error}");
        }
        let line = "infinictl job run --vms all --waves rest,1 -- service restart nginx";
        assert!(Cli::try_parse_from(line.split(' ')).unwrap_err().to_string().contains("last wave"));
        let (global, mut args) = parsed("infinictl --operator alice job run --vms all -- exec id");
        args.command[1] = "x".repeat(MAX_BODY_BYTES);
        let long = order(&global, &args, None, now()).unwrap();
        let error = signed(&long, &OperatorKey::generate([1; 32])).unwrap_err().sentence();
        assert!(error.contains("at most"), "{error}");
    }

    #[tokio::test]
    async fn the_same_job_twice_is_one_and_another_of_its_name_is_refused() {
        let (engine, key) = (engine().await, OperatorKey::generate([1; 32]));
        let order = of("--vms web-* --id nightly").unwrap();
        let placed = place(&engine, order.clone(), signed(&order, &key).unwrap()).await.unwrap();
        assert_eq!(placed.0, order);
        let again = Order { at_ms: order.at_ms + 1, ..order.clone() };
        let found = place(&engine, again.clone(), signed(&again, &key).unwrap()).await.unwrap();
        assert_eq!(found.0, order, "the first one counts");
        for other in [Order { vms: "db".into(), ..order.clone() }, Order { operator: "bob".into(), ..order }]
        {
            let error = place(&engine, other.clone(), signed(&other, &key).unwrap()).await.unwrap_err();
            assert!(error.sentence().contains("another job of the name nightly"), "{}", error.sentence());
        }
        let none = find(&engine, "other").await.unwrap_err().sentence();
        assert!(none.contains("no job other"), "{none}");
    }
}
