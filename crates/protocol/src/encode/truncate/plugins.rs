//! Plugins in a metrics message that is too long: their figures are lists like others, and what stands beside the figures has a
//! share of the line.

use super::{ListBudget, text_len};
use crate::metrics::{Plugin, Series, SystemMetrics};
use std::collections::BTreeMap;
use std::mem::take;

/// Of a line so much may be what plugins say beside their figures.
const SHARE_OF_LINE: usize = 4;

/// A note in `collection.truncated`, without the plugin's name.
const LONGEST_NOTE: &str = "\"plugins.\":4294967295,";

/// Takes the figures of all plugins out of the message, and drops plugins of which not even the rest has room in their share of
/// `max` bytes; the message then says how many there were.
pub(super) fn taken(metrics: &mut SystemMetrics, max: usize) -> Vec<(String, Vec<Series>)> {
    let plugins = &mut metrics.data.plugins;
    let mut series: Vec<_> =
        plugins.iter_mut().map(|(name, plugin)| (name.clone(), take(&mut plugin.series))).collect();
    let mut budget = ListBudget::new(max / SHARE_OF_LINE);
    let kept = plugins.iter().take_while(|(name, plugin)| budget.take(&(name, plugin))).count();
    if kept < plugins.len() {
        metrics.collection.truncated.entry("plugins".into()).or_insert(plugins.len() as u32);
        series.truncate(kept);
        metrics.data.plugins = take(plugins).into_iter().take(kept).collect();
    }
    series
}

/// The name of a plugin's list in `collection.truncated`.
pub(super) fn list_name(plugin: &str) -> String {
    format!("plugins.{plugin}")
}

/// What the notes take at most, in bytes on the wire, where the lists of all plugins are cut.
pub(super) fn notes_len(series: &[(String, Vec<Series>)]) -> usize {
    series.iter().map(|(name, _)| text_len(name, usize::MAX) + LONGEST_NOTE.len()).sum()
}

/// Puts the figures back.
pub(super) fn give_back(plugins: &mut BTreeMap<String, Plugin>, series: Vec<(String, Vec<Series>)>) {
    for (name, series) in series {
        if let Some(plugin) = plugins.get_mut(&name) {
            plugin.series = series;
        }
    }
}
