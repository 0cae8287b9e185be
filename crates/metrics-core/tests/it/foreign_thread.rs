//! Recording on a thread that the standard library did not create, such as one of a C library.

use std::ffi::c_void;
use std::ptr;
use std::sync::OnceLock;
use std::time::Duration;

use node0_metrics_core::{Counter, Desc, Labelled, Latency, Registry, Value};

const JOBS: Desc = Desc::counter("jobs_total", "Jobs.");
const WAIT: Desc = Desc::latency("wait_seconds", "Waits.");
const OPERATION: Desc = Desc::latency("operation_seconds", "Durations.").labels(&["operation"]);

struct Handles {
    registry: Registry,
    jobs: Counter,
    wait: Latency,
    operations: Labelled<Latency, 1>,
}

static HANDLES: OnceLock<Handles> = OnceLock::new();

fn handles() -> &'static Handles {
    HANDLES.get_or_init(|| {
        let registry = Registry::new();
        let jobs = registry.counter(&JOBS, &[]).expect("the description is right");
        let wait = registry.latency(&WAIT, &[]).expect("the description is right");
        let operations = registry.latencies(&OPERATION).expect("the description is right");
        Handles { registry, jobs, wait, operations }
    })
}

extern "C" fn record(_: *mut c_void) -> *mut c_void {
    let Handles { jobs, wait, operations, .. } = handles();
    for _ in 0..2 {
        jobs.inc();
        wait.start().stop();
        operations.record(["foreign"], Duration::from_millis(1));
    }
    ptr::null_mut()
}

/// Runs [`record`] on a thread of the C library, to its end.
fn on_a_foreign_thread() {
    let mut thread = 0;
    // SAFETY: `thread` outlives both calls, null stands for the default attributes and for
    // no argument, `record` has the signature that is asked for and reads no argument, and
    // the thread is joined once. A panic in `record` ends the process, it does not unwind.
    #[expect(unsafe_code, reason = "argued above; safe Rust has no such threads")]
    let ends = unsafe {
        (
            libc::pthread_create(&raw mut thread, ptr::null(), record, ptr::null_mut()),
            libc::pthread_join(thread, ptr::null_mut()),
        )
    };
    assert_eq!(ends, (0, 0));
}

#[test]
fn a_foreign_thread_records_like_any_other() {
    (0..3).for_each(|_| on_a_foreign_thread());
    let Handles { registry, jobs, wait, .. } = handles();
    let sample = registry.read();
    let labels = [("operation", "foreign")];
    let by_name = sample.snapshot.value(OPERATION.name(), &labels);
    assert_eq!(sample.view().counter(jobs), 6);
    assert_eq!(sample.view().latency(wait).map(|it| it.total().count()), Some(6));
    assert_eq!(by_name.map(Value::as_f64), Some(6.0));
}
