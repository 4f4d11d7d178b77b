//! `infinictl plugins`: what the guest's own programs and files of figures told last, by its metrics.

use super::error::CliError;
use super::output::{Columns, Output, number, optional, state, text};
use super::session::{Session, wrong_answer};
use crate::text::{sanitize, units};
use infiniservice_protocol::HostMessage;
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::metrics::{Plugin, Series, SystemMetrics};

/// Which of them.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Show the figures of this plugin, or of this file with its ending .prom
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// Runs it.
pub(super) async fn run(session: &Session, args: &Args) -> Result<(), CliError> {
    let message = HostMessage::Metrics { id: Some(session.client.new_id()) };
    let name = args.name.as_deref();
    let render = |answer: &GuestMessage, out| match answer {
        GuestMessage::SystemMetrics(metrics) => match name {
            Some(name) => figures(metrics, name, out),
            None => Ok(overview(metrics, out)),
        },
        _ => Err(wrong_answer("Metrics")),
    };
    session.exchange(&message, render).await
}

fn overview(metrics: &SystemMetrics, out: Output) -> String {
    let plugins = &metrics.data.plugins;
    let mut table = Columns::new(out, &["name", "ok", "age", "series", "exit code", "error or message"]);
    for (name, plugin) in plugins {
        table.tall_row([
            text(name),
            state(if plugin.ok { "yes" } else { "no" }),
            number(units::age(plugin.age_ms / 1000)),
            number(series(metrics, name, plugin)),
            optional(plugin.exit_code),
            text(remark(plugin)),
        ]);
    }
    let mut parts = vec![table.finish()];
    if plugins.is_empty() {
        parts = vec!["no plugin has told anything; infinictl hello says whether there are any".into()];
    }
    let failed = metrics.collection.failed.iter().filter(|failed| failed.collector == "plugins");
    parts.extend(failed.map(|failed| format!("incomplete: {}", sanitize::brief(&failed.error))));
    parts.join("\n")
}

/// How many are told, and of how many.
fn series(metrics: &SystemMetrics, name: &str, plugin: &Plugin) -> String {
    let told = plugin.series.len();
    match metrics.collection.truncated.get(&format!("plugins.{name}")) {
        Some(total) => format!("{told} of {total}"),
        None => told.to_string(),
    }
}

fn remark(plugin: &Plugin) -> &str {
    plugin.error.as_deref().or(plugin.message.as_deref()).unwrap_or("-")
}

fn figures(metrics: &SystemMetrics, name: &str, out: Output) -> Result<String, CliError> {
    let plugin = metrics.data.plugins.get(name).ok_or_else(|| {
        let names: Vec<&str> = metrics.data.plugins.keys().map(String::as_str).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let error = format!("no plugin {name:?} has told anything; those that have: {names}");
        CliError::Failed(sanitize::line(&error))
    })?;
    let mut table = Columns::new(out, &["series", "labels", "type", "value"]);
    for series in &plugin.series {
        table.row([text(&series.name), text(&labels(series)), text(kind(series)), number(value(series))]);
    }
    let told = format!(
        "{}, {} old, {} series: {}",
        if plugin.ok { "ok" } else { "failed" },
        units::age(plugin.age_ms / 1000),
        series(metrics, name, plugin),
        sanitize::brief(remark(plugin))
    );
    Ok([table.finish(), told].join("\n"))
}

fn labels(series: &Series) -> String {
    let labels = series.labels.iter().map(|(name, value)| format!("{name}={value}"));
    labels.collect::<Vec<_>>().join(" ")
}

/// By its name on the wire.
fn kind(series: &Series) -> &'static str {
    use infiniservice_protocol::metrics::SeriesType as Kind;
    match series.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
        Kind::GaugeHistogram => "gaugehistogram",
        Kind::Summary => "summary",
        Kind::Info => "info",
        Kind::StateSet => "stateset",
        Kind::Unknown => "unknown",
    }
}

fn value(series: &Series) -> String {
    series.value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::test_support::{EVIL, assert_harmless};
    use infiniservice_protocol::metrics::FailedCollector;

    fn told(name: &str, plugin: Plugin) -> SystemMetrics {
        let mut metrics = SystemMetrics::default();
        metrics.data.plugins = [(name.to_owned(), plugin)].into();
        metrics
    }

    fn one(name: &str) -> Series {
        Series { name: name.into(), value: Some(-0.5), ..Series::default() }
    }

    #[test]
    fn a_plugin_is_a_row_with_its_state_its_age_and_how_many_series_are_told() {
        let plugin = Plugin { ok: true, age_ms: 61_000, series: vec![one("a"); 2], ..Plugin::default() };
        let mut metrics = told("disk", plugin);
        metrics.collection.truncated.insert("plugins.disk".into(), 900);
        let shown = overview(&metrics, Output::default());
        let row = shown.lines().nth(1).unwrap();
        assert!(row.starts_with("disk  yes") && row.contains("2 of 900"), "{shown}");
        let failed = Plugin { error: Some("it hangs".into()), exit_code: Some(7), ..Plugin::default() };
        let shown = overview(&told("gpu", failed), Output::default());
        assert!(shown.contains("no") && shown.contains('7') && shown.contains("it hangs"), "{shown}");
    }

    #[test]
    fn one_plugin_s_figures_are_a_table_and_an_unknown_name_tells_the_known_ones() {
        let mut series = one("temperature");
        series.labels.insert("gpu".into(), "0".into());
        let metrics = told("gpu", Plugin { ok: true, series: vec![series], ..Plugin::default() });
        let shown = figures(&metrics, "gpu", Output::default()).unwrap();
        assert!(
            shown.contains("temperature") && shown.contains("gpu=0") && shown.contains("-0.5"),
            "{shown}"
        );
        let error = figures(&metrics, "disk", Output::default()).unwrap_err().sentence();
        assert!(error.contains("\"disk\"") && error.ends_with("those that have: gpu"), "{error}");
    }

    #[test]
    fn what_is_wrong_with_the_directory_is_told_and_hostile_texts_stay_in_their_rows() {
        let mut series = one(EVIL);
        series.labels.insert(EVIL.into(), EVIL.repeat(1000));
        let plugin = Plugin { series: vec![series], error: Some(EVIL.repeat(1000)), ..Plugin::default() };
        let mut metrics = told(EVIL, plugin);
        let failed = FailedCollector { collector: "plugins".into(), error: format!("cannot be read {EVIL}") };
        metrics.collection.failed = vec![failed];
        let shown = overview(&metrics, Output::default());
        assert_harmless(&shown);
        assert!(shown.lines().last().unwrap().starts_with("incomplete: cannot be read"), "{shown}");
        assert_harmless(&figures(&metrics, EVIL, Output::default()).unwrap());
        assert_harmless(&figures(&metrics, "x", Output::default()).unwrap_err().sentence());
        assert!(overview(&SystemMetrics::default(), Output::default()).starts_with("no plugin has told"));
    }
}
