//! `PrepareGoldenImage`: seals the machine as a template. It refuses while packages change, waits for what the host still has
//! running, and takes no other commands from then on.

use super::power::end_soon;
use crate::context::{CommandContext, PowerAction};
use crate::seal::{self, Report, STEP_MAX, Work};
use crate::sealed::{OwnIdentity, Sealing};
use infiniservice_exec::{Cancellation, CommandError, CommandOutcome, CommandResult};
use infiniservice_platform::blocking::{self, Lane};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::action::CleanupLevel;
use infiniservice_protocol::data::SealData;
use std::sync::Arc;
use std::time::Duration;

/// The action's parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    pub(super) level: CleanupLevel,
    pub(super) users: bool,
    pub(super) power_off: bool,
}

/// The longest that all steps may take.
const SEALING_MAX: Duration = Duration::from_mins(20);

/// Seals. Half a template is none: what has begun is done to its end, whatever the host's patience is.
pub(super) async fn run(
    query: Query,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let sealing = context.seal.begin()?;
    let identity = context.seal.identity();
    until_quiet(context, cancellation).await?;
    let (context, committed) = (context.clone(), cancellation.commit(SEALING_MAX)?);
    let steps = tokio::spawn(async move { all(query, sealing, identity, &context, &committed).await });
    match cancellation.run_until_cancelled(steps).await {
        Ok(result) => result.unwrap_or_else(|fault| {
            Err(CommandError::new(ErrorCode::Internal, format!("the agent failed while sealing: {fault}")))
        }),
        Err(mut stop) => {
            stop.error.push_str("; the sealing goes on, and no command is taken meanwhile");
            Err(stop)
        }
    }
}

/// All steps; where one fails, the machine stays on and takes commands again.
async fn all(
    query: Query,
    sealing: Sealing,
    identity: Option<Arc<dyn OwnIdentity>>,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let (runner, services) = (context.runner.as_ref(), context.services.as_ref());
    let work = Work { level: query.level, users: query.users, runner, services, cancellation };
    if let Some(why) = seal::obstacle(&work).await {
        return Err(CommandError::new(ErrorCode::Unsupported, why));
    }
    log::warn!("the machine is sealed as a template: the host asked for it");
    let mut report = Report::default();
    forget_own(context, identity, &mut report).await;
    seal::machine(&work, &mut report).await;
    let failure = report.failure();
    let data = SealData { steps: report.0, power_off_in_secs: None };
    if let Some(why) = failure {
        let error = format!("the machine is not sealed, and stays on; these steps failed: {why}");
        let data = serde_json::to_value(data).unwrap_or_default();
        return Err(CommandError::new(ErrorCode::ExecutionFailed, error).with_data(data));
    }
    sealing.done();
    let power_off = query.power_off.then(|| end_soon(context, PowerAction::Shutdown));
    CommandOutcome::of(&SealData { power_off_in_secs: power_off, ..data })
}

/// Packages that change are the host's to wait for; scripts that it handed over are waited for, up to half of its time.
async fn until_quiet(context: &CommandContext, cancellation: &Cancellation) -> Result<(), CommandError> {
    let half = cancellation.shortened(cancellation.remaining() / 2);
    let settled = half.run_until_cancelled(context.scripts.settled()).await;
    settled.map_err(|_| busy("scripts of the host wait or run"))?;
    if context.changes.is_running() { Err(busy("packages are being changed")) } else { Ok(()) }
}

fn busy(what: &str) -> CommandError {
    CommandError::new(ErrorCode::Busy, format!("{what}; seal the machine when that has ended"))
}

/// What a copy must not have of the agent: its scripts, which it would run again, and its identity.
async fn forget_own(context: &CommandContext, identity: Option<Arc<dyn OwnIdentity>>, report: &mut Report) {
    report.take("agent_scripts", context.scripts.forget().await.map_err(|error| error.error));
    let Some(identity) = identity else { return };
    let forgetting = move || identity.forget();
    let forgotten = blocking::run(Lane::Walks, "the agent's own identity", STEP_MAX, forgetting).await;
    report.take("agent_identity", forgotten.unwrap_or_else(|blocked| Err(blocked.to_string())));
}
