//! The live page of a monitoring.

use node0_http_glue::LivePage;

use super::{Monitoring, MonitoringBuilder};

impl MonitoringBuilder {
    /// Adds a page that shows the service live to people, and the stream that it reads; off by
    /// default.
    ///
    /// ```
    /// use node0::{LivePage, Monitoring};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let monitoring = Monitoring::builder().live_page(LivePage::at("/ops")).build()?;
    /// let router: axum::Router = monitoring.routes()?; // answers /ops
    /// assert!(monitoring.streaming().is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// Who may read the page may read all metrics: put it behind the same door as `/metrics`.
    pub fn live_page(mut self, page: LivePage) -> Self {
        self.page = Some(page);
        self.enable_streaming()
    }
}

impl Monitoring {
    /// Returns the live page, which knows where the stream is and whether there is a history.
    pub(super) fn page(&self) -> Option<LivePage> {
        let page = self.inner.page.clone()?;
        let page = match self.streaming() {
            Some(_) => page.stream(self.inner.stream.path()),
            None => page.without_stream(),
        };
        Some(if self.history().is_some() { page } else { page.without_history() })
    }
}
