//! A monitoring for the whole process, for those who want one.

use std::sync::OnceLock;

use performance_monitor::PerformanceMonitor;

use crate::monitoring::Monitoring;

static INSTALLED: OnceLock<Monitoring> = OnceLock::new();
static DISABLED: PerformanceMonitor = PerformanceMonitor::disabled();

/// Makes a monitoring that of the whole process.
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
/// The monitoring itself, when there is one already: what was recorded there must not be lost.
pub fn install(monitoring: Monitoring) -> Result<(), Monitoring> {
    INSTALLED.set(monitoring)
}

/// The monitoring of the whole process, once there is one.
pub fn monitoring() -> Option<&'static Monitoring> {
    INSTALLED.get()
}

/// The performance monitor of the whole process; before [`install`] it records nothing.
pub fn performance() -> &'static PerformanceMonitor {
    monitoring().map_or(&DISABLED, Monitoring::performance)
}
