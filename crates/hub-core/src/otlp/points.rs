//! Series as points: the other end of the one table.

use super::attributes::{attribute, plain};
use crate::exposition::table::{Instrument, Otel, word};
use crate::exposition::{MAX_SERIES, Rows, Value, View};
use crate::histogram::{BOUNDS, Histogram};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram as Distribution, HistogramDataPoint, Metric, NumberDataPoint,
    Sum,
};

/// The metrics of one Resource, as they come together.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub metrics: Vec<Metric>,
    pub points: usize,
}

/// Takes the series of one row of the table.
pub(super) struct Points<'a> {
    pub to: &'a mut Collected,
    pub otel: &'a Otel,
    /// Since when sums are counted, and when this was measured, in nanoseconds since 1970.
    pub start: u64,
    pub time: u64,
    /// The machine, whose series are bounded.
    pub view: Option<&'a View<'a>>,
}

impl Points<'_> {
    fn attributes(&self, labels: &[(&'static str, &str)]) -> Vec<KeyValue> {
        let told = labels.iter().filter_map(|(label, value)| {
            let name = self.otel.attribute(label)?;
            Some(attribute(name, word(name, value)))
        });
        let fixed = self.otel.fixed.iter().map(|(name, value)| plain(name, (*value).to_owned()));
        told.chain(fixed).collect()
    }

    /// The points of the metric of this name, which may have begun with another row.
    fn data(&mut self) -> Option<&mut Data> {
        let Otel { name, unit, instrument, .. } = self.otel;
        let metrics = &mut self.to.metrics;
        let place = metrics.iter().rposition(|metric| metric.name == *name).unwrap_or_else(|| {
            let (name, unit) = ((*name).to_owned(), (*unit).to_owned());
            metrics.push(Metric { name, unit, data: Some(empty(*instrument)), ..Metric::default() });
            metrics.len() - 1
        });
        metrics.get_mut(place)?.data.as_mut()
    }

    fn has_room(&self) -> bool {
        self.view.is_none_or(|view| view.takes_series(MAX_SERIES))
    }
}

fn empty(instrument: Instrument) -> Data {
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    match instrument {
        Instrument::Gauge => Data::Gauge(Gauge::default()),
        Instrument::UpDownCounter => {
            Data::Sum(Sum { aggregation_temporality, is_monotonic: false, ..Sum::default() })
        }
        Instrument::Counter => {
            Data::Sum(Sum { aggregation_temporality, is_monotonic: true, ..Sum::default() })
        }
        Instrument::Histogram => {
            Data::Histogram(Distribution { aggregation_temporality, ..Distribution::default() })
        }
    }
}

fn number(value: Value) -> Option<Number> {
    match value {
        Value::Count(count) => Some(Number::AsInt(i64::try_from(count).unwrap_or(i64::MAX))),
        Value::Figure(figure) => figure.is_finite().then_some(Number::AsDouble(figure)),
    }
}

impl Rows for Points<'_> {
    fn row(&mut self, labels: &[(&'static str, &str)], value: Value) {
        let Some(value) = number(value).filter(|_| self.has_room()) else { return };
        let point = NumberDataPoint {
            attributes: self.attributes(labels),
            start_time_unix_nano: self.start,
            time_unix_nano: self.time,
            value: Some(value),
            ..NumberDataPoint::default()
        };
        match self.data() {
            Some(Data::Gauge(gauge)) => {
                gauge.data_points.push(NumberDataPoint { start_time_unix_nano: 0, ..point });
            }
            Some(Data::Sum(sum)) => sum.data_points.push(point),
            _ => return,
        }
        self.to.points += 1;
    }

    fn histogram(&mut self, labels: &[(&'static str, &str)], histogram: &Histogram) {
        let point = HistogramDataPoint {
            attributes: self.attributes(labels),
            start_time_unix_nano: self.start,
            time_unix_nano: self.time,
            count: histogram.count(),
            sum: Some(histogram.sum()),
            bucket_counts: histogram.buckets().to_vec(),
            explicit_bounds: BOUNDS.to_vec(),
            ..HistogramDataPoint::default()
        };
        let Some(Data::Histogram(distribution)) = self.data() else { return };
        distribution.data_points.push(point);
        self.to.points += 1;
    }
}
