//! `docs/json.md` against the bodies that the types make: each field is there, with its type.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use node0::Monitoring;
use node0_metrics_core::Sample;
use serde_json::Value;

use crate::service::{Memory, Service};

const PAGE: &str = include_str!("../../../../docs/json.md");

/// A row of a table: the type of a field, and when it is `null` or absent.
struct Row {
    kind: &'static str,
    empty: &'static str,
    was_seen: Cell<bool>,
}

type Table = BTreeMap<&'static str, Row>;

/// The tables of the page, by the heading before each.
fn tables() -> BTreeMap<&'static str, Table> {
    let mut tables = BTreeMap::<_, Table>::new();
    let mut heading = "";
    for line in PAGE.lines() {
        if let Some(title) = line.strip_prefix("## ").or(line.strip_prefix("### ")) {
            heading = title.trim_matches('`');
        } else if line.starts_with("| `") {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [fields, kind, _, _, empty] = cells[..] else { panic!("five cells: {line}") };
            for field in fields.split(", ") {
                let row = Row { kind, empty, was_seen: Cell::new(false) };
                tables.entry(heading).or_default().insert(field.trim_matches('`'), row);
            }
        }
    }
    tables
}

/// Compares bodies with the tables.
struct Check {
    tables: BTreeMap<&'static str, Table>,
    wrong: Vec<String>,
}

impl Check {
    fn body(&mut self, topic: &str, mut body: Value) {
        let mut envelope = Value::Object(Default::default());
        for field in ["timestamp", "health"] {
            let taken = body.as_object_mut().unwrap().remove(field);
            envelope[field] = taken.unwrap_or_else(|| panic!("{topic} has no {field}"));
        }
        self.object("envelope", &envelope);
        self.object(&format!("GET /metrics/{topic}"), &body);
    }

    fn object(&mut self, heading: &str, value: &Value) {
        let Some(table) = self.tables.get(heading) else {
            return self.wrong.push(format!("{heading}: no table"));
        };
        let object = value.as_object().unwrap_or_else(|| panic!("{heading} is {value}"));
        let mut rows = Vec::new();
        for (field, value) in object {
            match table.get(field.as_str()).or(table.get("*")) {
                Some(row) => {
                    row.was_seen.set(true);
                    rows.push((field.clone(), row.kind, row.empty, value));
                }
                None => self.wrong.push(format!("{heading}: `{field}` is not listed")),
            }
        }
        for (field, row) in table {
            if *field != "*" && !object.contains_key(*field) && !row.empty.contains("absent") {
                self.wrong.push(format!("{heading}: `{field}` may be absent"));
            }
        }
        for (field, kind, empty, value) in rows {
            if value.is_null() {
                if !empty.contains("null") {
                    self.wrong.push(format!("{heading}: `{field}` may be null"));
                }
            } else {
                self.value(&format!("{heading}: `{field}`"), kind, value);
            }
        }
    }

    fn value(&mut self, at: &str, kind: &str, value: &Value) {
        if let Some(kind) = kind.strip_prefix("map of ") {
            let values = value.as_object().unwrap_or_else(|| panic!("{at} is {value}"));
            return values.values().for_each(|value| self.value(at, kind, value));
        }
        if let Some(kind) = kind.strip_prefix("list of ") {
            let values = value.as_array().unwrap_or_else(|| panic!("{at} is {value}"));
            let values = values.iter().filter(|value| !value.is_null());
            return values.for_each(|value| self.value(at, kind, value));
        }
        if let Some((shape, _)) = kind.strip_prefix('[').and_then(|kind| kind.split_once(']')) {
            return self.object(shape, value);
        }
        let is_right = match kind {
            "number" => value.is_number(),
            "string" => value.is_string(),
            "bool" => value.is_boolean(),
            _ => false,
        };
        if !is_right {
            self.wrong.push(format!("{at} is no {kind}: {value}"));
        }
    }

    fn all(&mut self, sample: &Arc<Sample>) {
        for topic in sample.topics.iter().map(|health| health.topic.name) {
            let report = sample.report(topic, None).unwrap();
            self.body(topic, serde_json::to_value(report).unwrap());
        }
    }
}

#[tokio::test]
async fn the_page_has_each_field_of_each_report_and_no_other() {
    let mut check = Check { tables: tables(), wrong: Vec::new() };
    let mut idle = Monitoring::testing();
    idle.advance(Duration::from_secs(1));
    check.all(&idle.sample());

    let mut service = Service::with(node0_metrics_core::Registry::builder(), Memory::Short);
    service.works();
    check.all(&service.settle());
    service.cache_is_cold();
    service.circuit_opens();
    service.calls_fail();
    service.database_dies();
    check.all(&service.settle());

    // What that service does not have: a pool by a handle with a leak, a second cache, a runtime.
    let mut testing = Monitoring::testing();
    let pool = testing.database().pool("main", || Some(Default::default())).unwrap();
    let leak_after = Duration::ZERO;
    pool.set_thresholds(node0::Thresholds { leak_after, ..Default::default() });
    let _held = pool.acquire().acquired();
    let monitoring = &testing;
    let tiers = ["orders", "pages"].map(|name| monitoring.cache().tier(name, "L1").unwrap());
    let [tier, _] = &tiers;
    use node0::cache::{Events, EvictionCause, Levels, LoadOutcome, Operation, Size};
    tier.declare(&[Events::Writes, Events::Evictions, Events::Errors, Events::Loads]);
    tier.set(Duration::from_micros(5), Size::Compressed { raw: 4, stored: 2 });
    tier.eviction(EvictionCause::Size, Some(2));
    tier.load(LoadOutcome::Success, Duration::from_millis(1));
    tier.stale_served();
    tier.promotion();
    drop(tier.start(Operation::Get));
    let one = Some(1);
    tier.set_levels(Levels { entries: one, max_entries: one, bytes: one, max_bytes: one });
    testing.performance().record_throughput("jobs", 1);
    testing.performance().record_cache_hit("L1");
    let here = tokio::runtime::Handle::current();
    let _runtime = testing.system().attach("main", &here).unwrap();
    testing.advance(Duration::from_secs(3));
    check.all(&testing.sample());

    let Check { tables, mut wrong } = check;
    for (heading, table) in tables {
        let unseen = table.iter().filter(|(_, row)| !row.was_seen.get());
        wrong.extend(unseen.map(|(field, _)| format!("{heading}: there is no `{field}`")));
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "docs/json.md:\n{}", wrong.join("\n"));
}
