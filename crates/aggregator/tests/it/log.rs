//! The log lines of the sampler.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use node0_aggregator::Sampler;
use node0_metrics_core::{Desc, Registry, Unit};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.").labels(&["user"]);
const WAITS: Desc = Desc::counter("waits_total", "Waits.").labels(&["user"]);
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[10.0]);

/// Keeps the warnings as texts of their fields.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::WARN {
            let mut fields = Fields::default();
            event.record(&mut fields);
            self.0.lock().expect("no test panicked").push(fields.0.join(" "));
        }
    }
}

impl Warnings {
    fn take(&self) -> Vec<String> {
        assert!(node0_log_relay::flush(Duration::from_secs(30)), "the log is written");
        std::mem::take(&mut self.0.lock().expect("no test panicked"))
    }
}

#[derive(Default)]
struct Fields(Vec<String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.push(format!("{}={value:?}", field.name()));
    }
}

#[test]
fn what_overflows_is_warned_of_once_by_name() {
    let registry = Registry::builder().max_scalars_per_family(2).build();
    let mut sampler = Sampler::new(&registry).unwrap();
    let warnings = Warnings::default();
    let subscriber = tracing_subscriber::registry().with(warnings.clone());
    let _default = tracing::subscriber::set_default(subscriber);
    let size = registry.distribution(&SIZE, &[]).unwrap();
    let fold = |desc: &Desc, users: std::ops::Range<u32>| -> Vec<_> {
        users.map(|user| registry.counter(desc, &[&user.to_string()]).unwrap()).collect()
    };
    let mut held = fold(&JOBS, 0..2);
    sampler.step();
    assert_eq!(warnings.take(), [] as [&str; 0]);

    held.extend(fold(&JOBS, 2..5));
    size.record(f64::NAN);
    size.record(-1.0);
    size.record(1e300);
    // Values that are not recorded are counted by one pass, and shown by the next.
    (0..2).for_each(|_| drop(sampler.step()));
    let found = warnings.take();
    let about = |text: &str| found.iter().filter(|it| it.contains(text)).count();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(about(r#"metric="jobs_total""#), 1);
    assert_eq!(about(r#"metric="node0_values_dropped_total" values=2"#), 1);
    assert_eq!(about(r#"metric="node0_values_clamped_total" values=1"#), 1);

    // The same again is said no more, another metric is.
    held.extend(fold(&JOBS, 5..9));
    held.extend(fold(&WAITS, 0..9));
    size.record(f64::NAN);
    (0..2).for_each(|_| drop(sampler.step()));
    let found = warnings.take();
    assert!(found.len() == 1 && found[0].contains(r#"metric="waits_total""#), "{found:?}");
}
