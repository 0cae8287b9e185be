//! The command line of the demo, each flag with its environment variable.
//!
//! The doc comments of the fields are the text of `--help`. Each value is validated as it
//! is parsed, so that a wrong one ends the demo before it starts anything.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use node0::history::{History, HistoryBuilder, Tier};
use node0::notifier::{Target, TargetError};
use node0::{Naming, Network};

use crate::cache::RedisChoice;
use crate::database::DatabaseChoice;

/// A small orders service, watched by node0.
///
/// It finds or starts a database, sends itself a little traffic, and answers
/// at the address that it prints: open it in a browser.
#[derive(Clone, Debug, Parser)]
#[command(name = "node0-demo", version)]
pub struct Flags {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "NODE0_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Requests a second that the demo sends to itself; 0 sends none
    #[arg(long, env = "NODE0_LOAD", default_value_t = 20, value_name = "N", allow_negative_numbers = true,
          value_parser = clap::value_parser!(u32).range(..=1000))]
    pub load: u32,

    /// Database of the orders: auto, local, embedded or postgres://user:password@host:5432/name
    ///
    /// auto takes DATABASE_URL if it is set, else a throw-away server from the
    /// Postgres binaries on this machine, else an embedded server over SQLite.
    #[arg(
        long,
        env = "NODE0_DATABASE",
        default_value = "auto",
        value_name = "WHERE",
        hide_env_values = true
    )]
    pub database: DatabaseChoice,

    /// Address of the database for --database auto
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide = true, hide_env_values = true)]
    pub database_url: Option<String>,

    /// The cache behind the one in memory: auto, embedded or redis://host:port
    ///
    /// auto takes REDIS_URL if it is set, else a file of the demo's own.
    #[arg(
        long,
        env = "NODE0_REDIS",
        default_value = "auto",
        value_name = "WHERE",
        hide_env_values = true
    )]
    pub redis: RedisChoice,

    /// Address of the Redis for --redis auto
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide = true, hide_env_values = true)]
    pub redis_url: Option<String>,

    /// Folder that contains initdb and postgres; default: PATH and the usual folders
    #[arg(long, env = "NODE0_POSTGRES_BIN", value_name = "FOLDER")]
    pub postgres_bin: Option<PathBuf>,

    /// Metric names on /metrics, for requests without ?naming=
    #[arg(long, env = "NODE0_NAMING", default_value = "both", value_name = "SCHEME")]
    pub naming: Naming,

    /// Protobuf with native histograms on /metrics, for scrapers that ask for it
    #[arg(long, env = "NODE0_NATIVE_HISTOGRAMS", default_value = "off", value_name = "SWITCH")]
    pub native_histograms: Switch,

    /// Exemplars of the traces that requests name in their header traceparent
    #[arg(long, env = "NODE0_TRACEPARENT", default_value = "off", value_name = "SWITCH")]
    pub traceparent: Switch,

    /// Time for which requests are still served after SIGTERM or Ctrl-C
    #[arg(long, env = "NODE0_DRAIN", default_value = "2s", value_name = "TIME", allow_hyphen_values = true,
          value_parser = drain)]
    pub drain: Duration,

    /// Longest time for which something must be wrong before an alert fires; rules say minutes
    #[arg(long, env = "NODE0_ALERT_FOR", default_value = "1s", value_name = "TIME", allow_hyphen_values = true,
          value_parser = alert_for)]
    pub alert_for: Duration,

    /// Alert rules in TOML, read again at SIGHUP; see docs/alerts.md
    #[arg(long, env = "NODE0_RULES", value_name = "FILE")]
    pub rules: Option<PathBuf>,

    /// Alertmanager that gets the alerts, as http://host:9093; several as with --webhook
    #[arg(
        long,
        env = "NODE0_ALERTMANAGER",
        value_name = "URL",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub alertmanager: Vec<Secret>,

    /// Address to which alerts are posted as JSON; several by repeating it, or with commas between
    #[arg(
        long,
        env = "NODE0_WEBHOOK",
        value_name = "URL",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub webhook: Vec<Secret>,

    /// File of secrets that let clients read, one a line: a token, or name:password
    ///
    /// Without it they are in the variable NODE0_AUTH_TOKEN. Orders need none.
    #[arg(long, env = "NODE0_AUTH_TOKEN_FILE", value_name = "FILE")]
    pub auth_token_file: Option<PathBuf>,

    /// Network whose clients may read, such as 10.0.0.0/8; several by repeating it, or with commas
    #[arg(long, env = "NODE0_ALLOW_NETWORK", value_name = "NETWORK", value_delimiter = ',')]
    pub allow_network: Vec<Network>,

    /// Probes that everybody may read, whatever the secrets and networks
    #[arg(long, env = "NODE0_OPEN_PROBES", default_value = "on", value_name = "SWITCH")]
    pub open_probes: Switch,

    /// Clients that read /metrics/stream at the same time; more get a 503
    #[arg(long, env = "NODE0_STREAM_MAX_CLIENTS", default_value_t = 10_000, value_name = "N",
          allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub stream_max_clients: u32,

    /// The same for each IP address
    #[arg(long, env = "NODE0_STREAM_MAX_CLIENTS_PER_IP", default_value_t = 10_000, value_name = "N",
          allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub stream_max_clients_per_ip: u32,

    /// Longest time for which the history keeps anything
    #[arg(long, env = "NODE0_HISTORY_KEEP", default_value = "24h", value_name = "TIME", allow_hyphen_values = true,
          value_parser = history_keep)]
    pub history_keep: Duration,

    /// Endpoints under /chaos that inject faults; only while listening on loopback
    #[arg(long, env = "NODE0_CHAOS", default_value = "on", value_name = "SWITCH")]
    pub chaos: Switch,
}

/// An address that may contain a password or a token, so that it must not be shown.
///
/// It takes any text, since clap shows a value that it refuses.
#[derive(Clone)]
pub struct Secret(String);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A value of a flag that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl Flags {
    /// Returns the receivers of alerts.
    ///
    /// # Errors
    /// The flag whose address cannot be used, with the remedy and without the address.
    pub fn targets(&self) -> Result<Vec<Target>, (&'static str, TargetError)> {
        let managers = self.alertmanager.iter().map(|Secret(address)| {
            Target::alertmanager(address).map_err(|error| ("--alertmanager", error))
        });
        let webhooks = self
            .webhook
            .iter()
            .map(|Secret(address)| Target::webhook(address).map_err(|error| ("--webhook", error)));
        managers.chain(webhooks).collect()
    }

    /// Returns the settings of the history: its usual tiers, none of which keeps longer than is wanted.
    pub fn history(&self) -> HistoryBuilder {
        let shortened = |tier: Tier| Tier::new(tier.step, tier.keep.min(self.history_keep));
        History::builder().tiers(&Tier::DEFAULT.map(shortened))
    }

    /// Returns `true` if the demo has its chaos endpoints, which need a loopback address.
    pub fn has_chaos(&self) -> bool {
        self.chaos == Switch::On && self.listen.ip().is_loopback()
    }
}

/// The longest drain; an orchestrator kills a process after half a minute anyway.
const MAX_DRAIN: Duration = Duration::from_secs(3600);
/// The longest wait of an alert, as in the rules themselves.
const MAX_ALERT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// The shortest time of the history: an interval of its coarsest tier.
const MIN_HISTORY_KEEP: Duration = Duration::from_secs(60);
/// The longest time of the history: that of its coarsest tier.
const MAX_HISTORY_KEEP: Duration = Duration::from_secs(24 * 3600);

fn drain(text: &str) -> Result<Duration, String> {
    duration(text, MAX_DRAIN, "1h")
}

fn alert_for(text: &str) -> Result<Duration, String> {
    duration(text, MAX_ALERT_FOR, "7d")
}

fn history_keep(text: &str) -> Result<Duration, String> {
    let time = duration(text, MAX_HISTORY_KEEP, "24h")?;
    if time < MIN_HISTORY_KEEP { Err("at least 1m".into()) } else { Ok(time) }
}

fn duration(text: &str, max: Duration, max_text: &str) -> Result<Duration, String> {
    if text.starts_with('-') {
        return Err("no time is less than zero: write 2s or 500ms".into());
    }
    let time =
        humantime::parse_duration(text).map_err(|error| format!("{error}: write 2s or 500ms"))?;
    if time > max { Err(format!("at most {max_text}")) } else { Ok(time) }
}
