//! The levels of a process: as they are read, as gauges, and as a view has them.
//!
//! What cannot be read has no gauge, so that it is absent from every surface
//! and not 0. Which of them can is found out once, at registration: a kernel
//! does not learn to tell more.

use metrics_core::{Gauge, RegisterError, Registry, View};

use crate::descs::{
    CGROUP_CPU_LIMIT, CGROUP_WORKING_SET, CPU_USAGE, HEAP, MAX_FDS, MEMORY_LIMIT, OPEN_FDS,
    RESIDENT_MEMORY, START_TIME, THREADS, UPTIME, VIRTUAL_MEMORY, VIRTUAL_MEMORY_MAX,
};

macro_rules! vitals {
    ($($(#[$doc:meta])* $field:ident: $desc:ident,)*) => {
        /// What is known of a process; `None` is what is not.
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub(crate) struct Vitals {
            $($(#[$doc])* pub(crate) $field: Option<f64>,)*
        }

        /// A gauge for each of the [`Vitals`] that can be read here.
        #[derive(Debug)]
        pub(crate) struct VitalGauges {
            $($field: Option<Gauge>,)*
        }

        impl VitalGauges {
            /// Gauges for what is known now.
            pub(crate) fn register(
                registry: &Registry,
                known: &Vitals,
            ) -> Result<Self, RegisterError> {
                let gauges = Self {
                    $($field: known.$field.map(|_| registry.gauge(&$desc, &[])).transpose()?,)*
                };
                gauges.set(known);
                Ok(gauges)
            }

            pub(crate) fn set(&self, vitals: &Vitals) {
                $(if let Some(gauge) = &self.$field {
                    gauge.set(vitals.$field.unwrap_or(f64::NAN));
                })*
            }

            pub(crate) fn read(&self, view: &View<'_>) -> Vitals {
                let known = |gauge: &Option<Gauge>| {
                    view.gauge(gauge.as_ref()?).filter(|value| !value.is_nan())
                };
                Vitals { $($field: known(&self.$field),)* }
            }
        }
    };
}

vitals! {
    /// In bytes.
    resident_memory: RESIDENT_MEMORY,
    /// In bytes.
    virtual_memory: VIRTUAL_MEMORY,
    /// In bytes; infinite when unlimited.
    virtual_memory_max: VIRTUAL_MEMORY_MAX,
    /// In bytes, from the host's allocator.
    heap: HEAP,
    /// In bytes: of the cgroups, or of the machine.
    memory_limit: MEMORY_LIMIT,
    /// In bytes.
    working_set: CGROUP_WORKING_SET,
    /// In cores, over the last tick.
    cpu_usage: CPU_USAGE,
    /// In cores; infinite when unlimited.
    cpu_limit: CGROUP_CPU_LIMIT,
    open_fds: OPEN_FDS,
    /// Infinite when unlimited.
    max_fds: MAX_FDS,
    threads: THREADS,
    /// In seconds.
    uptime: UPTIME,
    /// In seconds since the Unix epoch.
    start_time: START_TIME,
}
