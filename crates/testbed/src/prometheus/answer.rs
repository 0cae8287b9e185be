//! Prometheus's answers as plain data.
//!
//! The functions return `None` for an answer of an unknown shape; the caller makes an
//! error of it that names the request.

use std::collections::BTreeMap;

use serde_json::Value;

/// One series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The labels; the metric's name is `__name__`.
    pub labels: BTreeMap<String, String>,
    /// The points, oldest first.
    pub points: Vec<Point>,
}

/// One value at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The time in seconds since the epoch.
    pub time: f64,
    /// The value.
    pub value: f64,
}

/// An exemplar with the series that it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// The labels of the series; the metric's name is `__name__`.
    pub series: BTreeMap<String, String>,
    /// The labels of the exemplar itself, such as `trace_id`.
    pub labels: BTreeMap<String, String>,
    /// The value and its time.
    pub point: Point,
}

/// A target with the outcome of its last scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetState {
    /// The name of its job.
    pub job: String,
    /// The address that is scraped.
    pub url: String,
    /// The health: `up` or `down`, or `unknown` before the first scrape.
    pub health: String,
    /// The error of the last scrape, empty if it succeeded.
    pub last_error: String,
}

impl Series {
    /// Returns the newest value.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|point| point.value)
    }
}

/// Reads a vector or a matrix; a scalar is a series without labels.
pub(super) fn series(data: &Value) -> Option<Vec<Series>> {
    let result = data.get("result")?;
    if data.get("resultType")? == "scalar" {
        return Some(vec![Series { labels: BTreeMap::new(), points: vec![point(result)?] }]);
    }
    result.as_array()?.iter().map(one_series).collect()
}

/// Reads the exemplars of all series of an answer.
pub(super) fn exemplars(data: &Value) -> Option<Vec<Exemplar>> {
    let mut found = Vec::new();
    for of_series in data.as_array()? {
        for exemplar in of_series.get("exemplars")?.as_array()? {
            let value = exemplar.get("value")?.as_str()?.parse().ok()?;
            let point = Point { time: exemplar.get("timestamp")?.as_f64()?, value };
            let series = labels(of_series.get("seriesLabels")?)?;
            found.push(Exemplar { series, labels: labels(exemplar.get("labels")?)?, point });
        }
    }
    Some(found)
}

/// Reads the list of active targets.
pub(super) fn targets(data: &Value) -> Option<Vec<TargetState>> {
    let target = |value: &Value| {
        let text = |key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let job = value.get("labels")?.get("job")?.as_str()?.to_owned();
        let (url, health) = (text("scrapeUrl")?, text("health")?);
        Some(TargetState { job, url, health, last_error: text("lastError")? })
    };
    data.get("activeTargets")?.as_array()?.iter().map(target).collect()
}

/// Adds up all series of `name` on a page of the text format.
pub(super) fn sum_of(page: &str, name: &str) -> f64 {
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let value = match rest.strip_prefix('{') {
            Some(labelled) => labelled.rsplit_once("} ")?.1,
            None => rest.strip_prefix(' ')?,
        };
        value.parse::<f64>().ok()
    });
    values.sum()
}

fn one_series(value: &Value) -> Option<Series> {
    let points = match value.get("values") {
        Some(values) => values.as_array()?.iter().map(point).collect::<Option<_>>()?,
        None => vec![point(value.get("value")?)?],
    };
    Some(Series { labels: labels(value.get("metric")?)?, points })
}

fn labels(value: &Value) -> Option<BTreeMap<String, String>> {
    let label = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
    value.as_object()?.iter().map(label).collect()
}

/// Reads `[time, "value"]`; the value is text because JSON has no infinities.
fn point(value: &Value) -> Option<Point> {
    let time = value.get(0)?.as_f64()?;
    Some(Point { time, value: value.get(1)?.as_str()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn vector_matrix_and_scalar_are_read() {
        let vector = json!({ "resultType": "vector", "result": [
            { "metric": { "job": "a" }, "value": [1.5, "+Inf"] },
        ] });
        let found = series(&vector).expect("a vector");
        assert_eq!(found[0].labels["job"], "a");
        assert_eq!(found[0].last(), Some(f64::INFINITY));
        let matrix = json!({ "resultType": "matrix", "result": [
            { "metric": {}, "values": [[1, "2"], [2, "3"]] },
        ] });
        assert_eq!(series(&matrix).expect("a matrix")[0].last(), Some(3.0));
        let scalar = json!({ "resultType": "scalar", "result": [1, "7"] });
        assert_eq!(series(&scalar).expect("a scalar")[0].last(), Some(7.0));
    }

    #[test]
    fn exemplars_are_read_with_their_series() {
        let answer = json!([{ "seriesLabels": { "le": "1" }, "exemplars": [
            { "labels": { "trace_id": "a" }, "value": "0.5", "timestamp": 1.25 },
        ] }]);
        let found = exemplars(&answer).expect("exemplars");
        assert_eq!((&*found[0].series["le"], &*found[0].labels["trace_id"]), ("1", "a"));
        assert_eq!(found[0].point, Point { time: 1.25, value: 0.5 });
        assert_eq!(exemplars(&json!({})), None);
    }

    #[test]
    fn own_metric_is_summed_over_its_labels_only() {
        let page = "# TYPE a counter\na 1\na{x=\"} 9\"} 2\nab 4\na_b 8\n";
        assert_eq!(sum_of(page, "a"), 3.0);
    }
}
