//! `infinictl apps`: the guest's installed applications, whoever installed them.

use super::error::CliError;
use super::output::{Columns, Output, number, text};
use super::session::Session;
use crate::text::{sanitize, units};
use comfy_table::Cell;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::{Application, ApplicationInventoryData};

/// Which applications.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Show at most this many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Show only those with this text in their name or publisher
    #[arg(long)]
    filter: Option<String>,
}

impl Args {
    /// The action that it asks for.
    pub(super) fn action(self) -> Action {
        Action::ApplicationInventory { limit: self.limit, filter: self.filter }
    }
}

/// Runs it.
pub(super) async fn run(session: &Session, args: Args) -> Result<(), CliError> {
    session.long_command(&args.action(), "listing applications", show).await
}

/// From so many columns of a terminal on all is shown.
const WIDE: u16 = 120;

fn show(data: &ApplicationInventoryData, out: Output) -> String {
    let narrow = out.width.is_some_and(|width| width < WIDE);
    let headings = ["application", "version", "source", "size", "installed", "arch", "publisher", "location"];
    let shown = if narrow { 5 } else { headings.len() };
    let mut table = Columns::new(out, headings.get(..shown).unwrap_or(&headings));
    for application in &data.applications {
        table.row(cells(application).into_iter().take(shown));
    }
    let note = if narrow { " (a wider terminal or --json shows more)" } else { "" };
    let mut parts = vec![table.finish()];
    parts.extend(data.incomplete.iter().map(|why| format!("incomplete: {}", sanitize::brief(why))));
    parts.push(format!("{} of {} applications{note}", data.applications.len(), data.count));
    parts.join("\n")
}

fn cells(application: &Application) -> [Cell; 8] {
    let or_dash = |content: &Option<String>| text(content.as_deref().unwrap_or("-"));
    [
        text(&application.name),
        text(&with_state(application)),
        text(&application.source),
        number(application.size_mb.map_or_else(|| "-".into(), units::mb)),
        or_dash(&application.install_date),
        or_dash(&application.architecture),
        or_dash(&application.publisher),
        or_dash(&application.install_location),
    ]
}

/// The version, and the state where it is not ready for use.
fn with_state(application: &Application) -> String {
    let version = &application.version;
    application.state.as_ref().map_or_else(|| version.clone(), |state| format!("{version} ({state})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};

    #[test]
    fn what_is_not_known_is_a_dash() {
        let bare = Application {
            name: "tool".into(),
            version: "1".into(),
            source: "appimage".into(),
            ..Default::default()
        };
        let known = Application {
            state: Some("unpacked".into()),
            size_mb: Some(6.5),
            install_date: Some("2026-11-23".into()),
            ..bare.clone()
        };
        let data =
            ApplicationInventoryData { applications: vec![bare, known], count: 9, ..Default::default() };
        let shown = show(&data, Output::default());
        let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1], ["tool", "1", "appimage", "-", "-", "-", "-", "-"]);
        assert_eq!(
            rows[2],
            ["tool", "1", "(unpacked)", "appimage", "6.2", "MiB", "2026-11-23", "-", "-", "-"]
        );
        assert!(shown.ends_with("2 of 9 applications"));
    }

    #[test]
    fn a_narrow_terminal_shows_whole_dates_and_says_that_there_is_more() {
        let application = Application {
            name: "base-passwd".into(),
            version: "1:2.38.1-5+deb12u3".into(),
            publisher: Some("Debian Base System Maintainers <base@example.org>".into()),
            install_date: Some("2026-11-23".into()),
            source: "dpkg".into(),
            ..Default::default()
        };
        let data =
            ApplicationInventoryData { applications: vec![application], count: 1, ..Default::default() };
        let shown = show(&data, Output { width: Some(80), ..Output::default() });
        assert!(shown.contains("APPLICATION  VERSION"), "{shown}");
        assert!(shown.contains("1:2.38.1-5+deb12u3") && shown.contains("2026-11-23"), "{shown}");
        assert!(!shown.contains("PUBLISHER") && shown.ends_with("(a wider terminal or --json shows more)"));
    }

    #[test]
    fn hostile_applications_stay_in_their_rows() {
        let evil = || Some(EVIL.to_owned());
        let application = Application {
            name: EVIL.repeat(40_000),
            version: EVIL.into(),
            publisher: evil(),
            install_date: evil(),
            install_location: evil(),
            size_mb: Some(f64::NAN),
            source: EVIL.into(),
            architecture: evil(),
            state: evil(),
        };
        let data =
            ApplicationInventoryData { applications: vec![application; 2], count: 2, ..Default::default() };
        let shown = show(&data, Output::default());
        assert_harmless(&shown);
        assert_eq!(shown.lines().count(), 4);
    }
}
