//! The example's pool, with connections that are numbers.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use node0::Monitoring;
use r2d2::{ManageConnection, Pool};
use r2d2_pool::WatchedPool;

/// Opens connections that are numbers.
struct Counting(AtomicU32);

impl ManageConnection for Counting {
    type Connection = u32;
    type Error = Infallible;

    fn connect(&self) -> Result<u32, Infallible> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn is_valid(&self, _: &mut u32) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u32) -> bool {
        false
    }
}

#[test]
fn waits_uses_and_timeouts_are_counted() {
    let mut testing = Monitoring::testing();
    let patience = Duration::from_millis(20);
    let pool = Pool::builder().max_size(1).connection_timeout(patience);
    let pool = pool.build(Counting(AtomicU32::new(7))).expect("it connects");
    let pool = WatchedPool::new(&testing, "main", pool).expect("the name is free");

    let mut connection = pool.get().expect("there is one");
    assert_eq!(*connection, 7);
    *connection += 1;
    assert!(pool.get().is_err(), "it is taken");
    testing.advance(Duration::from_secs(1));
    let levels =
        |state| testing.value("db_client_connections", &[("pool", "main"), ("state", state)]);
    assert_eq!((levels("used"), levels("idle")), (Some(1.0), Some(0.0)));
    drop(connection);
    let ends = |outcome| {
        testing.value("db_client_acquires_total", &[("pool", "main"), ("outcome", outcome)])
    };
    assert_eq!((ends("acquired"), ends("timed_out")), (Some(1.0), Some(1.0)));
    let uses = testing.value("db_client_use_duration_seconds", &[("pool", "main")]);
    assert_eq!(uses, Some(1.0));
}
