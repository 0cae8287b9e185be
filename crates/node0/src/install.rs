//! An optional default monitoring for the whole process.

use std::sync::OnceLock;

use node0_performance_monitor::PerformanceMonitor;

use crate::monitoring::Monitoring;

static INSTALLED: OnceLock<Monitoring> = OnceLock::new();
static DISABLED: PerformanceMonitor = PerformanceMonitor::disabled();

/// Installs a monitoring as the default of the whole process.
///
/// ```
/// use node0::Monitoring;
///
/// node0::performance().record_throughput("jobs", 1); // goes nowhere yet
/// node0::install(Monitoring::builder().build()?).expect("it is the first");
/// node0::performance().record_throughput("jobs", 1);
/// let jobs = node0::performance().throughput_count("jobs").expect("it was recorded");
/// assert_eq!(jobs.total, 1);
/// # Ok::<(), node0::BuildError>(())
/// ```
///
/// # Errors
/// Returns `monitoring` back if another one is installed already; that one stays installed.
pub fn install(monitoring: Monitoring) -> Result<(), Monitoring> {
    INSTALLED.set(monitoring)
}

/// Returns the default monitoring of the process; `None` before [`install`].
pub fn monitoring() -> Option<&'static Monitoring> {
    INSTALLED.get()
}

/// Returns the default performance monitor of the process; before [`install`] it records nothing.
pub fn performance() -> &'static PerformanceMonitor {
    monitoring().map_or(&DISABLED, Monitoring::performance)
}
