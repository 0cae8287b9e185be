//! Delivers alerts to Alertmanager and to webhooks.
//!
//! A [`Notifier`] listens to the news of a registry's alerts and posts them to each [`Target`]:
//! to Alertmanager by its API v2, to a webhook as JSON. It never blocks who evaluates: news go into
//! a bounded queue of each target, and a thread of its own sends them. That thread has a small
//! runtime, so that alerts about a blocked runtime of the host leave the process too.
//!
//! ```no_run
//! use node0_alerting::Alerts;
//! use node0_metrics_core::Registry;
//! use node0_notifier::{Notifier, Target};
//!
//! let registry = Registry::new();
//! let alerts = Alerts::builder().register(&registry)?;
//! let notifier = Notifier::builder()
//!     .target(Target::alertmanager("http://alertmanager:9093")?)
//!     .target(Target::webhook("http://chat.example/hooks/7Q3")?)
//!     .start(&registry)?; // delivers until it is dropped
//! # drop((alerts, notifier));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it promises
//!
//! - **Nothing is lost that still matters.** A delivery that fails is tried again with growing
//!   delays and jitter. What was given up comes again with the next repetition of the alert, each
//!   minute, also for 15 minutes after its end. A target gets each change of an alert once, except
//!   Alertmanager, which wants repetitions.
//! - **One bad alert takes no others with it.** A request that is refused because of its content is
//!   halved, until the alert at fault is alone and the others have arrived.
//! - **A receiver cannot harm the service.** It may refuse, hang, answer garbage or be away: there
//!   is a timeout, an answer is read up to 64 KiB, redirects are not followed, and a full queue
//!   drops what is new. All of that is counted.
//! - **Related alerts travel together**: what comes within a fifth of a second is one request, in a
//!   webhook by topic and component.
//! - **Secrets stay secret.** The path, query, user and password of an address are in no log, no
//!   error, no metric and no `Debug`.
//!
//! # Metrics
//!
//! | metric | meaning |
//! | --- | --- |
//! | `node0_notifications_total{target,outcome}` | alerts by the outcome of their delivery |
//! | `node0_notification_retries_total{target}` | attempts after the first |
//! | `node0_notification_duration_seconds{target}` | time of each attempt |
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `tls` | receivers behind `https`, by rustls, with the authorities of the system or your own |

mod notifier;
mod target;

mod batch;
mod client;
mod metrics;
mod payload;
mod worker;

pub use metrics::{DESCS, NOTIFICATION_DURATION, NOTIFICATION_RETRIES, NOTIFICATIONS};
pub use notifier::{Notifier, NotifierBuilder, StartError};
pub use target::{Target, TargetError};
