//! A spinner with the elapsed time, for work that takes longer than a second.

use crate::text::sanitise;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::future::Future;
use std::io::{IsTerminal, stderr};
use std::pin::pin;
use std::time::Duration;

/// Shorter work shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// Of what is waited for; a line that wraps would not be cleared.
const MAX_COLUMNS: usize = 60;
const FRAME: Duration = Duration::from_millis(100);

/// Waits for `work`; on a terminal, and on standard error only, says what is waited for.
pub(super) async fn while_waiting<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    tokio::select! {
        result = &mut work => return result,
        () = tokio::time::sleep(PATIENCE) => {}
    }
    let spinner = spinner(what);
    let result = work.await;
    spinner.finish_and_clear();
    result
}

fn spinner(what: &str) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_elapsed(PATIENCE);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.set_message(sanitise::fit(what, MAX_COLUMNS));
    bar.enable_steady_tick(FRAME);
    bar
}
