//! The advice of findings names settings that exist, and the table of defaults has all of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Makes the function that returns the names of fields of thresholds; it compiles only if they exist.
macro_rules! thresholds {
    ($($type:path { $($field:ident),* $(,)? })*) => {
        fn thresholds() -> BTreeSet<&'static str> {
            let mut names = BTreeSet::new();
            $({
                // All fields, or this does not compile.
                let $type { $($field: _),* } = <$type>::default();
                names.extend([$(stringify!($field)),*]);
            })*
            names
        }
    };
}

thresholds! {
    node0::performance::Thresholds { slow_p95, min_samples, failing, min_failures }
    node0::system::Thresholds {
        memory_warn, memory_fail, open_files_warn, open_files_fail, busy_ratio, lag_warn, lag_fail,
        min_wake_ups, stalled,
    }
    node0::breaker::Thresholds { failure_rate, consecutive_failures, average_latency, min_calls }
    node0::cache::Thresholds { hit_rate, min_lookups, error_rate, evictions_per_lookup, slow_get }
    node0::Thresholds {
        leak_after, slow_wait, slow_use, stalled_wait, stalled_use, waiting_clients, error_rate, min_waits, required,
    }
}

/// The other names in advice: a setting of the database, and a field of the pool's report.
const OTHERS: [&str; 2] = ["max_connections", "leaks"];

/// Returns the words in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Returns the sources in which monitors of this workspace judge.
fn judges() -> Vec<(PathBuf, String)> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path());
    let sources = folders.map(|folder| folder.join("src/judge.rs")).filter(|path| path.exists());
    sources.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn each_setting_that_advice_names_exists() {
    let (settings, judges) = (thresholds(), judges());
    assert!(judges.len() >= 5, "each monitor has one: {judges:?}");
    for (path, source) in judges {
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        for name in code.flat_map(quoted).filter(|name| !name.contains(['{', ' ', '"'])) {
            let is_known = settings.contains(name) || OTHERS.contains(&name);
            assert!(is_known, "{}: there is no setting `{name}`", path.display());
        }
    }
}

#[test]
fn the_table_of_defaults_has_all_thresholds() {
    let page = include_str!("../../../../docs/integrate.md");
    let (_, table) = page.split_once("<!-- defaults -->").unwrap();
    let (table, _) = table.split_once("<!-- /defaults -->").unwrap();
    let named: BTreeSet<_> = quoted(table).collect();
    let missing: Vec<_> = thresholds().into_iter().filter(|name| !named.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
}
