//! System metrics, one file a metric.
