//! Lock-free recording, exact windows and plain-data snapshots: the core of node0.
//!
//! Register cold, record hot, read whole: set-up may fail, recording cannot, a
//! snapshot is plain data.

mod buckets;
mod clock;
mod context;
mod counter;
mod desc;
mod distribution;
mod event;
mod exemplar;
mod families;
mod gauge;
mod health;
mod health_board;
mod hit_ratio;
mod labels;
mod lanes;
mod latency;
mod monitor;
mod pass;
mod peak;
mod performance;

mod readiness;
mod registry;
mod rows;
mod sample;
mod snapshot;
mod static_ref;
mod summary;
mod sync;
mod ticker;
mod timer;
mod up_down;
mod window;

pub use buckets::Buckets;
pub use clock::{Clock, ManualClock, Moment, Timestamp};
pub use counter::Counter;
pub use desc::{
    Classic, ClassicShape, DEFAULT_LATENCY_BOUNDS, Desc, DescError, Kind, OwnedDesc, Unit,
};
pub use distribution::Distribution;
pub use event::{Event, HealthChange};
pub use exemplar::{Exemplar, TraceId};
pub use families::{RegisterError, SERIES_FOLDED};
pub use gauge::Gauge;
pub use health::{
    Assessment, DEGRADED_FROM, HEALTHY_ABOVE, Issue, Overall, Recommendation, Severity, Status,
    TopicHealth,
};
pub use health_board::{COMPONENT_HEALTH_SCORE, HEALTH_SCORE};
pub use hit_ratio::HitRatio;
pub use labels::{Labels, MAX_LABEL_VALUE_BYTES, OTHER};
pub use latency::Latency;
pub use monitor::{Monitor, Report, Topic, UnknownTarget};
pub use pass::{RECORDING_BYTES, SAMPLING_DURATION, VALUES_CLAMPED, VALUES_DROPPED};
pub use peak::Peak;
pub use performance::{
    CACHE_LOOKUPS, OPERATION_DURATION, OPERATIONS, Performance, PerformanceBuilder,
};
pub use readiness::{NotReady, ReadinessCheck};
pub use registry::{AnyMetric, Measuring, Registry, RegistryBuilder};
pub use sample::{ReportError, Sample, View};
pub use snapshot::{Count, Family, Histogram, Snapshot, Value};
pub use summary::{LatencySummary, millis};
pub use ticker::{AlreadyTicking, Tick, Ticker};
pub use timer::Timer;
pub use up_down::{InFlight, UpDown};
pub use window::Window;

/// Every metric that the core itself records.
pub const DESCS: &[&Desc] = &[
    &SERIES_FOLDED,
    &HEALTH_SCORE,
    &COMPONENT_HEALTH_SCORE,
    &SAMPLING_DURATION,
    &RECORDING_BYTES,
    &VALUES_CLAMPED,
    &VALUES_DROPPED,
    &OPERATION_DURATION,
    &OPERATIONS,
    &CACHE_LOOKUPS,
];
