//! The metrics at `/metrics`, for Prometheus.

use std::sync::atomic::AtomicI64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// A timed stage of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Decoding an uploaded picture.
    Decode,
    /// Waiting in the queue.
    Queue,
    /// Making one face in the studio.
    Draw,
    /// Encoding an image file.
    Encode,
    /// The whole request, until the head of the response.
    Total,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabel {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabel {
    route: String,
    status: u16,
}

/// All metrics of the server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    depth: Gauge<i64, AtomicI64>,
    batch: Histogram,
    stages: Family<StageLabel, Histogram, fn() -> Histogram>,
    rejected: Family<ReasonLabel, Counter>,
    cancelled: Counter,
    requests: Family<AnswerLabel, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        // 0.5 ms to 16 s.
        let seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(0.0005, 2.0, 16));
        let mut metrics = Self {
            registry: Registry::with_prefix("anyface"),
            depth: Gauge::default(),
            batch: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
            stages: Family::new_with_constructor(seconds),
            rejected: Family::default(),
            cancelled: Counter::default(),
            requests: Family::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "queue_depth",
            "Accepted faces that are not finished",
            metrics.depth.clone(),
        );
        registry.register(
            "batch_size",
            "Jobs in one round of a studio",
            metrics.batch.clone(),
        );
        registry.register_with_unit(
            "stage",
            "Time of the stages of a request",
            Unit::Seconds,
            metrics.stages.clone(),
        );
        registry.register(
            "rejected",
            "Requests refused by a full queue or the rate limit",
            metrics.rejected.clone(),
        );
        registry.register(
            "cancelled",
            "Jobs whose client disconnected before they were finished",
            metrics.cancelled.clone(),
        );
        registry.register(
            "requests",
            "Responses by route and status",
            metrics.requests.clone(),
        );
        metrics
    }
}

impl Metrics {
    /// All metrics in the OpenMetrics text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string fails only if a metric does not know its own type.
        encode(&mut text, &self.registry).expect("all metrics know their type");
        text
    }

    pub(crate) fn promised(&self, faces: usize) {
        self.depth.inc_by(faces as i64);
    }

    pub(crate) fn released(&self, faces: usize) {
        self.depth.dec_by(faces as i64);
    }

    pub(crate) fn batch(&self, jobs: usize) {
        self.batch.observe(jobs as f64);
    }

    pub(crate) fn stage(&self, stage: Stage, took: Duration) {
        let stage = match stage {
            Stage::Decode => "decode",
            Stage::Queue => "queue",
            Stage::Draw => "draw",
            Stage::Encode => "encode",
            Stage::Total => "total",
        };
        self.stages
            .get_or_create(&StageLabel { stage })
            .observe(took.as_secs_f64());
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        self.rejected.get_or_create(&ReasonLabel { reason }).inc();
    }

    pub(crate) fn cancelled(&self) {
        self.cancelled.inc();
    }

    pub(crate) fn answered(&self, route: &str, status: u16) {
        let route = route.to_owned();
        self.requests
            .get_or_create(&AnswerLabel { route, status })
            .inc();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const DASHBOARD: &str = include_str!("../../../deploy/grafana/anyface.json");

    /// All queries of a dashboard.
    fn queries(dashboard: &Value) -> Vec<&str> {
        let panels = dashboard["panels"].as_array().expect("panels").iter();
        let targets = panels.flat_map(|panel| panel["targets"].as_array().expect("targets"));
        let queries = targets.map(|target| target["expr"].as_str().expect("a query"));
        queries.collect()
    }

    #[test]
    fn the_dashboard_queries_existing_metrics() {
        let metrics = Metrics::default();
        metrics.batch(1);
        metrics.stage(Stage::Draw, Duration::from_millis(20));
        metrics.rejected("full");
        metrics.answered("/health", 200);
        let text = metrics.text();
        let exported: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split(['{', ' ']).next())
            .collect();

        let dashboard = serde_json::from_str(DASHBOARD).expect("JSON");
        let mut queried = 0;
        for query in queries(&dashboard) {
            let words = query.split(|c: char| !c.is_alphanumeric() && c != '_');
            for name in words.filter(|word| word.starts_with("anyface_")) {
                assert!(exported.contains(&name), "{name} is not in:\n{text}");
                queried += 1;
            }
        }
        assert!(queried > 0, "the dashboard has no queries");
    }
}
