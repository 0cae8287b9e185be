//! Series as promtool reads them, sample by sample, from values in a few states.

use serde::Deserialize;
use serde_json::{Value, json};

/// The interval of scrapes and evaluations in seconds.
pub(super) const STEP: u32 = 30;

/// A series, and its value in the states calm, near, bad and idle.
pub(super) type Row = (String, Level, Level, Level, Level);

/// The value of a gauge, the growth of a counter, or a series that is gone.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Level {
    Whole(i64),
    Number(f64),
    Word(String),
}

/// A state of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Calm,
    Near,
    Bad,
    Idle,
    /// Scrapes fail.
    Gone,
}

/// Returns the series of all rows, with their samples.
pub(super) fn series(rows: &[Row], step: u32, phases: &[(State, u32)]) -> Vec<Value> {
    let is_about_targets = rows.iter().any(|row| row.0.starts_with("up"));
    let mut series = if is_about_targets { Vec::new() } else { targets(step, phases) };
    for (text, calm, near, bad, idle) in rows {
        let level = |state| match state {
            State::Calm => calm.clone(),
            State::Near => near.clone(),
            State::Bad => bad.clone(),
            State::Idle => idle.clone(),
            // A scrape that fails is told by this series alone.
            State::Gone if text.starts_with("up{") => Level::Whole(0),
            State::Gone => Level::Word("stale".to_owned()),
        };
        if text.contains("job=") {
            series.push(written(text, step, phases, level));
            continue;
        }
        let of = |namespace: &str| {
            text.replacen('{', &format!("{{namespace=\"{namespace}\", job=\"shop\", "), 1)
        };
        series.push(written(&of("eu"), step, phases, level));
        series.push(written(&of("us"), step, phases, |_| calm.clone()));
    }
    series
}

/// Returns the series that tell that two instances are scraped.
fn targets(step: u32, phases: &[(State, u32)]) -> Vec<Value> {
    let up = |state| Level::Whole(i64::from(state != State::Gone));
    let threads = |state| match state {
        State::Gone => Level::Word("stale".to_owned()),
        _ => Level::Whole(8),
    };
    let of = |name: &str, instance: &str| {
        format!("{name}{{namespace=\"eu\", job=\"shop\", instance=\"{instance}\"}}")
    };
    let both = ["a", "b"].into_iter().flat_map(|instance| {
        [
            written(&of("up", instance), step, phases, up),
            written(&of("node0_recording_threads", instance), step, phases, threads),
        ]
    });
    both.collect()
}

/// Writes the samples of a series.
///
/// A counter begins anew every ten samples, as when its process restarts.
fn written(
    name: &str,
    step: u32,
    phases: &[(State, u32)],
    level: impl Fn(State) -> Level,
) -> Value {
    let metric = name.split('{').next().unwrap_or_default();
    let ends = ["_total", "_bucket", "_count", "_sum"];
    let is_counter = ends.iter().any(|end| metric.ends_with(end));
    let (mut values, mut total, mut index) = (Vec::new(), 0.0, 0);
    for (state, time) in phases.iter().filter(|(_, time)| *time > 0) {
        let samples = time / step;
        let level = match level(*state) {
            Level::Word(word) => {
                assert_eq!(word, "stale", "the only word for a value");
                values.push("stale".to_owned());
                values.extend((samples > 1).then(|| format!("_x{}", samples - 1)));
                index += samples;
                continue;
            }
            Level::Whole(whole) => whole as f64,
            Level::Number(number) => number,
        };
        if !is_counter {
            values.push(format!("{level}+0x{}", samples.saturating_sub(1)));
            index += samples;
            continue;
        }
        for _ in 0..samples {
            total = if index % 10 == 5 { 0.0 } else { total };
            total += if index == 0 { 0.0 } else { level };
            values.push(total.to_string());
            index += 1;
        }
    }
    json!({ "series": name, "values": values.join(" ") })
}
