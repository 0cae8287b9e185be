//! Prints docs/metrics.md from the descriptions in the code.
//!
//! It is a program of its own because xtask's commands must build while a crate is broken.
//! As an example, it may depend on the crates that xtask checks. For a new monitor, add one
//! line to [`CATALOGUE`]; `cargo xtask check` reports a metric that is missing here.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::process::ExitCode;

use node0_metrics_core::Desc;

/// Each crate with the metrics that it describes.
const CATALOGUE: &[(&str, &[&Desc])] = &[
    ("metrics-core", node0_metrics_core::DESCS),
    ("performance-monitor", node0_performance_monitor::DESCS),
    ("db-pool-monitor", node0_db_pool_monitor::DESCS),
    ("cache-monitor", node0_cache_monitor::DESCS),
    ("breaker-monitor", node0_breaker_monitor::DESCS),
    ("system-monitor", node0_system_monitor::DESCS),
    ("metrics-bridge", node0_metrics_bridge::DESCS),
    ("exporter", node0_exporter::DESCS),
    ("history", node0_history::DESCS),
    ("alerting", node0_alerting::DESCS),
    ("notifier", node0_notifier::DESCS),
    ("aggregator", node0_aggregator::DESCS),
    ("streaming", node0_streaming::DESCS),
    ("http-server", node0_http_server::DESCS),
    ("http-glue, feature `stream`", node0_http_glue::STREAM_DESCS),
    ("request-layer", node0_request_layer::DESCS),
    ("node0", node0::DESCS),
];

const HEAD: &str = "# Metrics\n\n\
    All metrics with the names under which they are registered. If the exporter has a prefix, names on \
    a page begin with it, but for the standard ones (`process_…`, `http_server_…`). `cargo xtask generate` writes this file from the descriptions \
    in the code.\n";

fn main() -> ExitCode {
    match print() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, there is no other place to report the error.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn print() -> Result<(), Box<dyn Error>> {
    if let Some(name) = described_twice() {
        return Err(format!("`{name}` is described twice: a metric belongs to one crate").into());
    }
    io::stdout().write_all(page()?.as_bytes())?;
    Ok(())
}

/// Returns a metric name that two descriptions share.
fn described_twice() -> Option<&'static str> {
    let mut seen = BTreeSet::new();
    let mut all = CATALOGUE.iter().flat_map(|(_, descs)| *descs);
    all.find(|desc| !seen.insert(desc.name())).map(|desc| desc.name())
}

fn page() -> Result<String, fmt::Error> {
    let mut page = HEAD.to_owned();
    for (name, descs) in CATALOGUE {
        write!(page, "\n## {name}\n\n")?;
        page.push_str("| metric | type | labels | classic name | meaning |\n");
        page.push_str("| --- | --- | --- | --- | --- |\n");
        let mut descs = descs.to_vec();
        descs.sort_by_key(|desc| desc.name());
        for desc in descs {
            let labels: Vec<_> = desc.label_keys().iter().map(|key| format!("`{key}`")).collect();
            let classic = desc.classic_projection().map(|it| format!("`{}`", it.name));
            writeln!(
                page,
                "| `{}` | {} | {} | {} | {} |",
                desc.name(),
                desc.kind().metric_type(),
                labels.join(", "),
                classic.unwrap_or_default(),
                desc.help().replace('|', "\\|"),
            )?;
        }
    }
    Ok(page)
}
