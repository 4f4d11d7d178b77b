//! What a metric is in OpenTelemetry: its name, unit and attributes as semantic conventions 1.44 have them, and names of our own
//! (`infini.*`) where those have none.

/// How a metric's points are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instrument {
    /// A figure of which sums mean nothing.
    Gauge,
    /// A sum that grows and shrinks.
    UpDownCounter,
    /// A sum that only grows.
    Counter,
    /// A distribution.
    Histogram,
}

impl Instrument {
    /// Its name in the documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::UpDownCounter => "updowncounter",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric in OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Otel {
    /// Its name. Several series may share one, and differ by [`Otel::fixed`].
    pub name: &'static str,
    /// Its unit, as UCUM writes it.
    pub unit: &'static str,
    /// How it is to be read.
    pub instrument: Instrument,
    /// The attribute that stands for each label.
    pub attributes: &'static [(&'static str, &'static str)],
    /// Attributes whose values are always the same.
    pub fixed: &'static [(&'static str, &'static str)],
}

impl Otel {
    /// A figure.
    pub const fn gauge(name: &'static str, unit: &'static str) -> Self {
        Self::of(Instrument::Gauge, name, unit)
    }

    /// A sum that grows and shrinks.
    pub const fn up_down(name: &'static str, unit: &'static str) -> Self {
        Self::of(Instrument::UpDownCounter, name, unit)
    }

    /// A sum that only grows.
    pub const fn counter(name: &'static str, unit: &'static str) -> Self {
        Self::of(Instrument::Counter, name, unit)
    }

    /// A distribution.
    pub const fn histogram(name: &'static str, unit: &'static str) -> Self {
        Self::of(Instrument::Histogram, name, unit)
    }

    const fn of(instrument: Instrument, name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, instrument, attributes: &[], fixed: &[] }
    }

    /// With these attributes for labels.
    #[must_use]
    pub const fn with(self, attributes: &'static [(&'static str, &'static str)]) -> Self {
        Self { attributes, ..self }
    }

    /// With attributes of one value.
    #[must_use]
    pub const fn fixed(self, fixed: &'static [(&'static str, &'static str)]) -> Self {
        Self { fixed, ..self }
    }

    /// The attribute for a label.
    pub fn attribute(&self, label: &str) -> Option<&'static str> {
        self.attributes.iter().find(|(name, _)| *name == label).map(|(_, attribute)| *attribute)
    }
}

/// The conventions' own word for a label's value, where they have another one than Prometheus's users.
pub fn word<'a>(attribute: &str, value: &'a str) -> &'a str {
    match (attribute, value) {
        ("cpu.mode", "irq") => "interrupt",
        _ => value,
    }
}
