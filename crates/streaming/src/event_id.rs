//! The place of a message in a stream.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The place of a message in a stream, from which a reader can go on after a break.
///
/// It is written `{epoch}:{seq}`: a random number in hexadecimal that each start of the service
/// draws anew, and the number of the sampling pass. The alerts and findings of a pass have a third
/// part, `{epoch}:{seq}.1`, `{epoch}:{seq}.2` and so on, since they come before its update.
///
/// ```
/// use node0_streaming::EventId;
///
/// let id: EventId = "1f:48210".parse().map_err(|_| "it is well-formed")?;
/// assert_eq!(id.to_string(), "1f:48210");
/// assert!("48210".parse::<EventId>().is_err());
/// # Ok::<(), &'static str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId {
    pub(crate) epoch: u64,
    pub(crate) place: Place,
}

/// A place within an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The number of the pass.
    pub(crate) seq: u64,
    /// The number of the alert or finding within the pass, from 1; 0 for what follows all of them.
    pub(crate) part: u32,
}

/// A text that is no [`EventId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be the `id` of an earlier event")]
pub struct InvalidEventId;

impl Place {
    /// The place of all that follows the alerts and findings of a pass.
    pub(crate) fn end_of(seq: u64) -> Self {
        Self { seq, part: 0 }
    }

    fn key(self) -> (u64, u32) {
        (self.seq, if self.part == 0 { u32::MAX } else { self.part })
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, place: Place { seq, part } } = self;
        write!(f, "{epoch:x}:{seq}")?;
        if *part > 0 { write!(f, ".{part}") } else { Ok(()) }
    }
}

impl FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (epoch, place) = text.split_once(':')?;
            let (seq, part) = place.split_once('.').unwrap_or((place, "0"));
            let epoch = u64::from_str_radix(epoch, 16).ok()?;
            Some(Self { epoch, place: Place { seq: seq.parse().ok()?, part: part.parse().ok()? } })
        };
        parse().ok_or(InvalidEventId)
    }
}
