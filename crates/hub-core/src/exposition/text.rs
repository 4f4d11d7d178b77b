//! The text format of Prometheus, version 0.0.4, written by hand: 240,000 lines are nothing to allocate for.

use super::table::About;
use super::view::View;
use super::{Rows, Value, label};
use crate::histogram::{BOUNDS, Histogram};
use std::fmt::Write as _;
use std::ops::Range;

/// The series of one metric.
pub(super) struct Text<'a> {
    out: &'a mut String,
    about: &'a About,
    /// Where this metric begins, and where its first series does.
    start: usize,
    series: usize,
}

impl<'a> Text<'a> {
    /// Begins with what the metric is.
    pub(super) fn new(out: &'a mut String, about: &'a About) -> Self {
        let start = out.len();
        let (kind, name) = (about.kind.name(), about.name);
        let _ = write!(out, "# HELP {name} {}\n# TYPE {name} {kind}\n", about.help);
        let series = out.len();
        Self { out, about, start, series }
    }

    /// Takes the series of a machine, with its escaped name for the label `vm`.
    pub(super) fn of_machine<'b>(
        &'b mut self,
        view: &'b View<'b>,
        vm: Option<&'b str>,
        max: u32,
    ) -> Lines<'b> {
        Lines { out: self.out, name: self.about.name, vm, bound: Some((view, max)) }
    }

    /// Takes the hub's series.
    pub(super) fn of_hub(&mut self) -> Lines<'_> {
        Lines { out: self.out, name: self.about.name, vm: None, bound: None }
    }

    /// Ends it. What has no series is not told.
    pub(super) fn end(self) {
        if self.out.len() == self.series {
            self.out.truncate(self.start);
        }
    }
}

/// The lines of one machine, or of the hub.
pub(super) struct Lines<'a> {
    out: &'a mut String,
    name: &'static str,
    vm: Option<&'a str>,
    bound: Option<(&'a View<'a>, u32)>,
}

impl Rows for Lines<'_> {
    fn row(&mut self, labels: &[(&'static str, &str)], value: Value) {
        self.line("", labels, value);
    }

    fn histogram(&mut self, labels: &[(&'static str, &str)], histogram: &Histogram) {
        let mut so_far = 0;
        let bounds = BOUNDS.iter().map(f64::to_string).chain(std::iter::once("+Inf".to_owned()));
        for (bound, count) in bounds.zip(histogram.buckets()) {
            so_far += count;
            let labels: Vec<_> = labels.iter().copied().chain([("le", &*bound)]).collect();
            self.line("_bucket", &labels, Value::Count(so_far));
        }
        self.line("_sum", labels, Value::Figure(histogram.sum()));
        self.line("_count", labels, Value::Count(so_far));
    }
}

impl Lines<'_> {
    fn line(&mut self, ending: &str, labels: &[(&'static str, &str)], value: Value) {
        if let Some((view, max)) = self.bound {
            if !view.takes_series(max) {
                return;
            }
            view.cuts(labels.iter().filter(|(_, value)| label::is_cut(value)).count());
        }
        self.out.push_str(self.name);
        self.out.push_str(ending);
        let mut before = '{';
        if let Some(vm) = self.vm {
            self.label(&mut before, "vm", |out| out.push_str(vm));
        }
        for (name, value) in labels {
            self.label(&mut before, name, |out| label::escape(&label::clean(value), out));
        }
        self.out.push_str(if before == ',' { "} " } else { " " });
        number(self.out, value);
        self.out.push('\n');
    }

    fn label(&mut self, before: &mut char, name: &str, value: impl FnOnce(&mut String)) {
        self.out.push(std::mem::replace(before, ','));
        self.out.push_str(name);
        self.out.push_str("=\"");
        value(self.out);
        self.out.push('"');
    }
}

/// Escapes all machines' names once, into one text: where each of them stands.
pub(super) fn names<'a>(out: &mut String, names: impl Iterator<Item = &'a str>) -> Vec<Range<usize>> {
    out.clear();
    names
        .map(|name| {
            let start = out.len();
            label::escape(name, out);
            start..out.len()
        })
        .collect()
}

/// Writes a number. Very large ones need their exponent, or they would be hundreds of digits.
fn number(out: &mut String, value: Value) {
    let written = match value {
        Value::Count(count) => write!(out, "{count}"),
        Value::Figure(figure) if figure.is_nan() => write!(out, "NaN"),
        Value::Figure(figure) if figure.is_infinite() => {
            write!(out, "{}", if figure > 0.0 { "+Inf" } else { "-Inf" })
        }
        Value::Figure(figure) if figure != 0.0 && !(1e-6..1e15).contains(&figure.abs()) => {
            write!(out, "{figure:e}")
        }
        Value::Figure(figure) => write!(out, "{figure}"),
    };
    debug_assert!(written.is_ok(), "a string takes everything");
}
