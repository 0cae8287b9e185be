//! The history of a monitoring, and its settings.

use node0_history::{History, HistoryBuilder};

use super::{Monitoring, MonitoringBuilder};

impl MonitoringBuilder {
    /// Changes the settings of the history: its tiers and its memory, at most 10 MiB by default.
    pub fn history(mut self, settings: HistoryBuilder) -> Self {
        self.history = Some(settings);
        self
    }

    /// Keeps no history, so that there is no `/metrics/history` either.
    pub fn without_history(mut self) -> Self {
        self.history = None;
        self
    }
}

impl Monitoring {
    /// Returns the history, which answers what `/metrics/history` does; `None` if there is none.
    ///
    /// ```
    /// use node0::Monitoring;
    /// use node0::history::{Matchers, Query};
    /// use std::time::Duration;
    ///
    /// let mut testing = Monitoring::testing();
    /// testing.performance().record_throughput("jobs", 3);
    /// testing.advance(Duration::from_secs(1));
    /// let history = testing.history().expect("it is on by default");
    /// let jobs = Matchers::new().equal("operation", "jobs");
    /// let query = Query::new("operations_total").matching(jobs).last(Duration::from_secs(1));
    /// assert_eq!(history.query(&query)?.series[0].values, [Some(3.0)]);
    /// # Ok::<(), node0::history::QueryError>(())
    /// ```
    pub fn history(&self) -> Option<&History> {
        self.inner.history.as_ref()
    }
}
