//! Topics: the names that surfaces use for a monitor.

use crate::judging::status::Status;

/// The names of a monitor, and its part in the overall health.
///
/// ```
/// use node0_metrics_core::Topic;
///
/// static QUEUE: Topic = Topic::new("queue", "queue").target("queue").weight(20).required();
/// assert_eq!(QUEUE.name, "queue");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Topic {
    /// The name in paths and subscriptions, such as `circuit-breaker`.
    pub name: &'static str,
    /// The key in `checks` of `/health/performance`, such as `circuitBreaker`.
    pub check_key: &'static str,
    /// The query parameter that selects an instance, such as `service`; none by default.
    pub target_param: Option<&'static str>,
    /// The weight in the overall score, 10 by default.
    pub weight: u16,
    /// `true` if the overall score is capped by this topic's score; `false` by default.
    pub required: bool,
    /// The topic's own words for a status in its reports, instead of `healthy` and so on.
    pub status_words: Option<StatusWords>,
}

/// A topic's own words for each status, such as `optimal`, `degraded` and `poor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusWords {
    /// The word for `healthy`.
    pub healthy: &'static str,
    /// The word for `degraded`.
    pub degraded: &'static str,
    /// The word for `unhealthy`.
    pub unhealthy: &'static str,
}

impl StatusWords {
    pub(crate) const fn of(self, status: Status) -> &'static str {
        match status {
            Status::Healthy => self.healthy,
            Status::Degraded => self.degraded,
            Status::Unhealthy => self.unhealthy,
            Status::Unknown => "unknown",
        }
    }
}

impl Topic {
    /// Names that no topic can have, because `/metrics/{name}` is an endpoint of its own.
    pub const RESERVED: [&str; 4] = ["export.json", "history", "openapi.json", "stream"];

    /// Creates a topic of weight 10 that is not required and has no parameter for an instance.
    ///
    /// The name begins with a letter from a to z and continues with such letters, digits and
    /// hyphens. [`Registry::monitor`](crate::Registry::monitor) refuses any other name, and those
    /// in [`Self::RESERVED`].
    pub const fn new(name: &'static str, check_key: &'static str) -> Self {
        Self {
            name,
            check_key,
            target_param: None,
            weight: 10,
            required: false,
            status_words: None,
        }
    }

    /// Lets clients select one instance by this query parameter.
    #[must_use]
    pub const fn target(mut self, param: &'static str) -> Self {
        self.target_param = Some(param);
        self
    }

    /// Gives the topic another weight in the overall score than 10.
    #[must_use]
    pub const fn weight(mut self, weight: u16) -> Self {
        self.weight = weight;
        self
    }

    /// Caps the overall score by this topic's score.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Shows these words as the `status` in reports, and the common word as `level`.
    #[must_use]
    pub const fn status_words(mut self, words: StatusWords) -> Self {
        self.status_words = Some(words);
        self
    }

    /// Returns the rule that a topic's name breaks; `None` if the name is valid.
    ///
    /// ```
    /// use node0_metrics_core::Topic;
    ///
    /// assert_eq!(Topic::broken_name_rule("message-queue"), None);
    /// assert!(Topic::broken_name_rule("stream").is_some());
    /// ```
    pub fn broken_name_rule(name: &str) -> Option<&'static str> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if Self::RESERVED.contains(&name) {
            Some("it is a path that the surfaces serve themselves")
        } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            Some("it must begin with a letter from a to z")
        } else if !name.chars().all(is_plain) {
            Some("it may have letters from a to z, digits and hyphens only")
        } else {
            None
        }
    }
}
