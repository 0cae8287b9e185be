//! A task that does nothing but sleep, to see how late it is woken.
//!
//! It tells what other sleeping tasks of the runtime go through: when it is late
//! by 200 ms, all workers were blocked for so long. Or one was that had watched
//! the timers and sockets before: tokio lets idle workers sleep on while the one
//! that they were woken by runs a task, so a single blocked worker can hold up
//! a runtime of many. One canary is enough for any size, since it is woken by
//! whoever watches, and one worker at a time does.
//!
//! The canary holds nothing that it watches, so it keeps neither series nor
//! runtime alive, and ends at its next wake-up if nobody ends it sooner.

use std::sync::Weak;

use crate::runtime::RuntimeCells;
use crate::watch::System;

/// Sleeps and wakes until the attachment or the registry is gone.
pub(crate) async fn sing(cells: Weak<RuntimeCells>, system: Weak<System>) {
    while system.strong_count() > 0 {
        let Some((asleep, interval)) =
            cells.upgrade().map(|cells| (cells.fall_asleep(), cells.interval))
        else {
            return;
        };
        tokio::time::sleep(interval).await;
        let Some(cells) = cells.upgrade() else { return };
        cells.wake_up(asleep);
    }
}
