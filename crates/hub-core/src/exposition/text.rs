//! The text format of Prometheus, version 0.0.4, written by hand: 240,000 lines are nothing to allocate for.

use super::table::About;
use super::view::View;
use super::{Named, Rows, Value, label};
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

    /// Takes the series of a machine, with the labels by which it is known, as [`identities`] writes them.
    pub(super) fn of_machine<'b>(
        &'b mut self,
        view: &'b View<'b>,
        identity: Option<&'b str>,
        max: u32,
    ) -> Lines<'b> {
        Lines { out: self.out, name: self.about.name, identity, bound: Some((view, max)) }
    }

    /// Takes the program's own series.
    pub(super) fn of_program(&mut self) -> Lines<'_> {
        Lines { out: self.out, name: self.about.name, identity: None, bound: None }
    }

    /// Ends it. What has no series is not told.
    pub(super) fn end(self) {
        if self.out.len() == self.series {
            self.out.truncate(self.start);
        }
    }
}

/// The lines of one machine, or of the program.
pub(super) struct Lines<'a> {
    out: &'a mut String,
    name: &'static str,
    identity: Option<&'a str>,
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
        if let Some(identity) = self.identity {
            self.out.push(std::mem::replace(&mut before, ','));
            self.out.push_str(identity);
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

/// Writes the labels of all machines once, into one text: where those of each stand.
pub(super) fn identities<'a>(
    out: &mut String,
    machines: impl Iterator<Item = &'a Named<'a>>,
) -> Vec<Range<usize>> {
    out.clear();
    machines
        .map(|machine| {
            let start = out.len();
            out.push_str("vm=\"");
            label::escape(machine.vm, out);
            out.push('"');
            if let Some(hub) = machine.hub {
                out.push_str(",hub=\"");
                label::escape(hub, out);
                out.push('"');
            }
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
