//! Sends paced requests to a service and prints when each ended and how long it took.
//!
//! A test compares its figures with those that the service reports about itself.
//! It sends each request when it is due, even if earlier ones have not ended, so a
//! slow service cannot lower the load, and it times them by this process's clock.
//!
//! ```text
//! load ADDRESS PATH PER_SECOND SECONDS
//! ```
//!
//! Each line of output is `ENDED DURATION STATUS`: seconds since the epoch,
//! seconds, and the HTTP status or 0.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, io, thread};

use std::io::Write as _;

use anyhow::Context as _;
use testbed::deadline::{Stopwatch, pause};
use testbed::http;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, path, per_second, seconds] = &arguments[..] else {
        anyhow::bail!("usage: load ADDRESS PATH PER_SECOND SECONDS");
    };
    let address: SocketAddr = address.parse().context("ADDRESS is like 127.0.0.1:3000")?;
    let per_second: u32 = per_second.parse().context("PER_SECOND is a whole number")?;
    let seconds: u32 = seconds.parse().context("SECONDS is a whole number")?;

    let since_start = Stopwatch::start();
    let period = Duration::from_secs(1) / per_second.max(1);
    let requests = (0..per_second * seconds).map(|number| {
        pause((period * number).saturating_sub(since_start.elapsed()));
        let path = path.clone();
        thread::spawn(move || {
            let request = Stopwatch::start();
            let status = http::get(address, &path).map_or(0, |response| response.status);
            (now(), request.elapsed(), status)
        })
    });
    // Sends every request before the loop below waits for the first answer.
    let requests: Vec<_> = requests.collect();
    let mut out = io::stdout().lock();
    for request in requests {
        let (ended, took, status) =
            request.join().map_err(|_| anyhow::anyhow!("a request panicked"))?;
        writeln!(out, "{ended:.6} {:.6} {status}", took.as_secs_f64())?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this process is a judge with a clock of its own")]
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
