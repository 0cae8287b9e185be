//! Boards as Grafana reads them: panels, and queries with the variables filled in.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use testbed::prometheus::{Prometheus, PrometheusError, Series};

/// What the user chose, and how often the data source scrapes.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) job: String,
    pub(crate) instance: String,
    /// The end of the time range, in epoch seconds.
    pub(crate) now: f64,
    pub(crate) range: Duration,
    /// The scrape interval that the data source is set to.
    pub(crate) scrape_interval: Duration,
    /// The time between two points.
    pub(crate) step: Duration,
    /// What the ranges of alerts are scaled to, for a server that has not scraped for so long.
    pub(crate) scaled: Option<Duration>,
}

impl Choices {
    /// Returns the range of rates: four scrapes, or a point and a scrape.
    pub(crate) fn rate_interval(&self) -> Duration {
        (self.step + self.scrape_interval).max(self.scrape_interval * 4)
    }

    /// Fills in the variables.
    pub(crate) fn fill(&self, text: &str) -> String {
        let seconds = |time: Duration| format!("{}s", time.as_secs());
        let scaled = self.scaled.map_or_else(
            || text.to_owned(),
            |range| {
                let range = format!("[{}]", seconds(range));
                text.replace("[5m]", &range).replace("[1h]", &range)
            },
        );
        scaled
            .replace("$__rate_interval", &seconds(self.rate_interval()))
            .replace("$__interval", &seconds(self.step))
            .replace("$__range", &seconds(self.range))
            .replace("$job", &self.job)
            .replace("$instance", &self.instance)
    }

    /// Runs a query as Grafana does: at the end of the range, or over it.
    pub(crate) fn ask(
        &self,
        server: &Prometheus,
        target: &Value,
    ) -> Result<Vec<Series>, PrometheusError> {
        let expr = self.fill(text(&target["expr"]));
        if target["instant"] == true {
            return server.query_at(&expr, self.now);
        }
        let span = self.now - self.range.as_secs_f64()..=self.now;
        server.query_range(&expr, span, self.step)
    }
}

/// A committed board.
#[derive(Clone, Debug)]
pub(crate) struct Board {
    pub(crate) path: String,
    pub(crate) json: Value,
}

/// Returns the committed boards, sorted by path.
pub(crate) fn boards() -> Vec<Board> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboards");
    let entries = std::fs::read_dir(&folder).expect("the folder of boards");
    let mut boards: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a board");
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let json = serde_json::from_str(&text).expect("a board is JSON");
            Board { path: format!("dashboards/{name}"), json }
        })
        .collect();
    boards.sort_by(|a, b| a.path.cmp(&b.path));
    boards
}

/// Returns the main board.
pub(crate) fn main_board() -> Board {
    let mut boards = boards();
    boards.retain(|board| board.path == "dashboards/performance.json");
    boards.pop().expect("the main board")
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Returns the name of a series in the legend.
pub(crate) fn name_of(legend: &str, series: &Series) -> String {
    let mut name = legend.to_owned();
    for (key, value) in &series.labels {
        name = name.replace(&format!("{{{{{key}}}}}"), value);
    }
    name
}
