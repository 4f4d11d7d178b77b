//! `infinictl apps`: the guest's installed applications, whoever installed them.

use super::error::CliError;
use super::output::Output;
use super::session::Session;
use super::table::{Columns, number, text};
use crate::text::units;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::ApplicationInventoryData;

/// Which applications.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// At most this many
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Only those with this text in their name or publisher
    #[arg(long)]
    filter: Option<String>,
}

/// Runs it.
pub(super) async fn run(session: &Session, args: Args) -> Result<(), CliError> {
    let action = Action::ApplicationInventory { limit: args.limit, filter: args.filter };
    session.long_command(&action, "listing applications", show).await
}

fn show(data: &ApplicationInventoryData, out: Output) -> String {
    let headings = ["application", "version", "source", "arch", "size", "installed", "publisher", "location"];
    let mut table = Columns::new(out, &headings);
    let or_dash = |content: &Option<String>| text(content.as_deref().unwrap_or("-"));
    for application in &data.applications {
        table.row([
            text(&application.name),
            text(&application.version),
            text(&application.source),
            or_dash(&application.architecture),
            number(application.size_mb.map_or_else(|| "-".into(), units::mb)),
            or_dash(&application.install_date),
            or_dash(&application.publisher),
            or_dash(&application.install_location),
        ]);
    }
    format!("{}\n{} of {} applications", table.finish(), data.applications.len(), data.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::hostile::{EVIL, assert_harmless};
    use infiniservice_protocol::data::Application;

    #[test]
    fn what_is_not_known_is_a_dash() {
        let bare = Application {
            name: "tool".into(),
            version: "1".into(),
            source: "appimage".into(),
            ..Default::default()
        };
        let known =
            Application { size_mb: Some(6.5), install_date: Some("2026-11-23".into()), ..bare.clone() };
        let data = ApplicationInventoryData { applications: vec![bare, known], count: 9 };
        let shown = show(&data, Output::default());
        let rows: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1], ["tool", "1", "appimage", "-", "-", "-", "-", "-"]);
        assert_eq!(rows[2], ["tool", "1", "appimage", "-", "6.5", "MB", "2026-11-23", "-", "-"]);
        assert!(shown.ends_with("2 of 9 applications"));
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
        };
        let data = ApplicationInventoryData { applications: vec![application; 2], count: 2 };
        let shown = show(&data, Output::default());
        assert_harmless(&shown);
        assert_eq!(shown.lines().count(), 4);
    }
}
