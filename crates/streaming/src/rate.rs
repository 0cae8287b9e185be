//! The limits on the messages of a client: their size and their rate.

use std::time::Duration;

/// The longest message of a client, in bytes. The surface that knows the connection holds it.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// The messages that a client may send a second, on average.
pub(crate) const MESSAGES_A_SECOND: u16 = 20;
/// The messages that it may send at once.
pub(crate) const BURST: u16 = 50;
/// The messages beyond its rate that are answered by an error, before the stream is closed.
const WARNINGS: u16 = 50;

/// Measures the rate of one client by the generic cell rate algorithm (ITU-T I.371).
#[derive(Debug, Default)]
pub(crate) struct Rate {
    /// The uptime at which all messages so far would have been sent at the average rate.
    paid_until: Duration,
    /// The messages beyond the rate since the last one within it.
    warned: u16,
}

/// The treatment of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Within,
    /// Beyond the rate: it is refused.
    Beyond,
    /// Far beyond the rate: the stream is closed.
    Flood,
}

impl Rate {
    pub(crate) fn take(&mut self, uptime: Duration) -> Verdict {
        let each = Duration::from_secs(1) / u32::from(MESSAGES_A_SECOND);
        let from = self.paid_until.max(uptime);
        if from.saturating_sub(uptime) > each * u32::from(BURST - 1) {
            self.warned = self.warned.saturating_add(1);
            return if self.warned > WARNINGS { Verdict::Flood } else { Verdict::Beyond };
        }
        self.paid_until = from.saturating_add(each);
        self.warned = 0;
        Verdict::Within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_average_rate_and_a_flood_ends_it() {
        let mut rate = Rate::default();
        let start = Duration::from_secs(7);
        for _ in 0..50 {
            assert_eq!(rate.take(start), Verdict::Within);
        }
        assert_eq!(rate.take(start), Verdict::Beyond);
        let later = start + Duration::from_millis(50);
        assert_eq!([rate.take(later), rate.take(later)], [Verdict::Within, Verdict::Beyond]);
        for _ in 1..50 {
            assert_eq!(rate.take(later), Verdict::Beyond);
        }
        assert_eq!(rate.take(later), Verdict::Flood);
    }

    #[test]
    fn twenty_a_second_pass_for_ever() {
        let mut rate = Rate::default();
        for message in 0..10_000 {
            assert_eq!(rate.take(Duration::from_millis(50) * message), Verdict::Within);
        }
    }
}
