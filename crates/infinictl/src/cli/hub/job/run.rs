//! `infinictl job run`: starts a job and stays with it, also while the hub is started anew.

use super::{Report, address, show, words};
use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::output::Output;
use crate::cli::trace;
use crate::hub::{Api, HubError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use infiniservice_fleet::wave::{self, Wave};
use infiniservice_protocol::trace::TraceContext;
use serde_json::{Value, json};
use std::io::{IsTerminal as _, stderr};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// From one look at the job to the next.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long a hub may be away before it is given up.
const HUB_BACK_WITHIN: Duration = Duration::from_secs(60);

/// Which command, where and how.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// Which machines: names separated by commas, with `*` for any text; `all`; or a selector such as
    /// os=debian,load5>4,tag.env=prod
    #[arg(long, value_name = "SELECTOR")]
    pub(in crate::cli) vms: String,
    /// Of a fleet: which machines begin together, as numbers or in per cent, one wave after the other. A wave begins when all
    /// machines of the one before have ended; `canary:` stops the job if one of that wave fails, `rest` is all others, such as
    /// canary:1,10%,rest
    #[arg(long, value_name = "WAVES", value_parser = waves)]
    pub(in crate::cli) waves: Option<Waves>,
    /// How many machines at a time, as a number or in per cent [default: 50]
    #[arg(long, value_name = "N|P%", value_parser = share)]
    pub(in crate::cli) max_concurrency: Option<String>,
    /// Stop if more machines fail than this: no further machine begins [default: never stop]
    #[arg(long, value_name = "N|P%", value_parser = share)]
    pub(in crate::cli) max_failures: Option<String>,
    /// Seconds within which each machine must begin [default: 3600]
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub(in crate::cli) not_after: Option<u64>,
    /// The job's name. If the hub has a job of this name, infinictl follows it and starts no other [default: the hub chooses]
    #[arg(long)]
    pub(in crate::cli) id: Option<String>,
    /// Do not wait: print the job's name
    #[arg(long)]
    pub(in crate::cli) detach: bool,
    /// When all machines have ended, write what came of them to this file as XML of the kind of junit: each machine is a test
    #[arg(long, value_name = "FILE", conflicts_with = "detach")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// The command, as you would give it to infinictl, such as: service restart nginx
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<String>,
}

/// Waves of a fleet's job.
pub(in crate::cli) type Waves = Vec<Wave>;

fn waves(text: &str) -> Result<Waves, String> {
    wave::parse(text)
}

/// `20` or `5%`.
fn share(text: &str) -> Result<String, String> {
    let number = text
        .strip_suffix('%')
        .map_or_else(|| text.parse(), |part| part.parse().map(|part: u32| part.min(101)));
    match number {
        Ok(101) if text.ends_with('%') => Err("must be at most 100%".to_owned()),
        Ok(_) => Ok(text.to_owned()),
        Err(_not_a_number) => Err("must be a whole number or a percentage such as 5%".to_owned()),
    }
}

fn request(global: &Global, args: &Args, context: Option<&TraceContext>) -> Result<Value, CliError> {
    let mut body = json!({ "vms": args.vms, "message": words::message(&args.command)? });
    let timeout = global.timeout.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0));
    let optional = [
        ("max_concurrency", args.max_concurrency.clone().map(Value::from)),
        ("max_failures", args.max_failures.clone().map(Value::from)),
        ("not_after_secs", args.not_after.map(Value::from)),
        ("id", args.id.clone().map(Value::from)),
        ("timeout", timeout.map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    if let Some(context) = context {
        body["message"]["traceparent"] = context.traceparent().into();
        if let Some(state) = context.tracestate() {
            body["message"]["tracestate"] = state.into();
        }
    }
    Ok(body)
}

/// Runs it.
pub(super) async fn run(global: &Global, args: Args) -> Result<(), CliError> {
    if args.waves.is_some() {
        let text = "waves are for a fleet: give --fleet URL (or INFINICTL_FLEET)";
        return Err(CliError::Usage(text.to_owned()));
    }
    let (api, out) = (global.api()?, Output::new(global.json, global.no_color));
    let report = args.junit.as_deref().map(Report::new).transpose()?;
    let context = global.trace.then(trace::context).transpose()?;
    let job = api.post("/v1/jobs", &request(global, &args, context.as_ref())?).await?;
    if let Some(context) = context {
        eprintln!("trace {}", context.trace_id());
    }
    let id = job["id"].as_str().unwrap_or_default().to_owned();
    if args.detach {
        return if out.json { out.document(&job.to_string()) } else { out.text(&show::word(&job["id"])) };
    }
    let followed = tokio::select! {
        followed = follow(&api, &id) => followed?,
        _ = tokio::signal::ctrl_c() => return Err(CliError::Interrupted(format!(
            "interrupted; the job goes on: infinictl job show {id}, infinictl job cancel {id}"
        ))),
    };
    if let Some(report) = report {
        report.write(&api.get(&format!("{}?results=true", address(&id))).await?)?;
    }
    if out.json {
        out.document(&followed.to_string())?;
    } else {
        out.text(&show::one(&followed, out, false))?;
    }
    match show::not_done(&followed) {
        None => Ok(()),
        Some(sentence) => Err(CliError::Failed(sentence)),
    }
}

/// Looks at the job until it is finished.
async fn follow(api: &Api, id: &str) -> Result<Value, CliError> {
    let bar = bar();
    let mut away: Option<Instant> = None;
    loop {
        match api.get(&address(id)).await {
            Ok(job) if job["state"] == "finished" => {
                bar.finish_and_clear();
                return Ok(job);
            }
            Ok(job) => {
                away = None;
                bar.set_length(job["targets"].as_u64().unwrap_or(0));
                bar.set_position(show::ended(&job));
                bar.set_message(show::counts(&job));
            }
            Err(HubError::NoConnection { .. })
                if away.is_none_or(|since| since.elapsed() < HUB_BACK_WITHIN) =>
            {
                away.get_or_insert_with(Instant::now);
                bar.set_message("the hub is away; the job goes on when it is back");
            }
            Err(error) => return Err(error.into()),
        }
        sleep(LOOK_EVERY).await;
    }
}

/// How far a job is, where standard error is a terminal.
pub(in crate::cli) fn bar() -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser as _;

    #[test]
    fn the_flags_become_the_request() {
        let line = "infinictl job run --vms web-* --max-concurrency 20 --max-failures 5% --timeout 30 -- service restart nginx";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let crate::cli::Command::Job(super::super::Command::Run(args)) = cli.command else { panic!() };
        let body = request(&cli.global, &args, None).unwrap();
        assert!(body["message"].get("traceparent").is_none());
        assert_eq!((&body["vms"], &body["timeout"]), (&json!("web-*"), &json!(30)));
        assert_eq!((&body["max_concurrency"], &body["max_failures"]), (&json!("20"), &json!("5%")));
        assert_eq!(body["message"]["command_type"]["operation"], "restart");
        assert!(body.get("id").is_none());
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let body = request(&cli.global, &args, TraceContext::read(parent, Some("v=1")).as_ref()).unwrap();
        assert_eq!(
            (&body["message"]["traceparent"], &body["message"]["tracestate"]),
            (&json!(parent), &json!("v=1"))
        );
    }

    #[test]
    fn shares_are_checked_before_anything_is_sent() {
        assert!(["0", "20", "5%", "100%"].iter().all(|text| share(text).is_ok()));
        assert!(["", "%", "101%", "-1", "some"].iter().all(|text| share(text).is_err()));
    }
}
