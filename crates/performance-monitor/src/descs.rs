//! The meaning of each metric of an operation.
//!
//! The core describes cache lookups ([`node0_metrics_core::CACHE_GETS`]), since the cache monitor
//! records them too.

use node0_metrics_core::{Classic, ClassicShape, Desc, descs};

descs! {
    /// The durations of operations.
    pub const OPERATION_DURATION: Desc = Desc::latency(
        "operation_duration_seconds",
        "Time that an operation took, by the name that the application gave it.",
    )
    .labels(&["operation"])
    .classic(Classic {
        shape: ClassicShape::Summary,
        name: "latency_ms_{operation}",
        help: "Latency in milliseconds for {operation}",
    });

    /// The units of work that operations did.
    pub const OPERATIONS: Desc = Desc::counter(
        "operations_total",
        "Units of work done, by the name that the application gave them.",
    )
    .labels(&["operation"])
    .classic(Classic {
        shape: ClassicShape::Counter,
        name: "throughput_{operation}_total",
        help: "Throughput for {operation}",
    });

    /// The units of work of operations that failed.
    pub const OPERATION_FAILURES: Desc = Desc::counter(
        "operation_failures_total",
        "Units of work that failed, of those that `operations_total` counts under the same name.",
    )
    .labels(&["operation"]);
}
