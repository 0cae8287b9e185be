//! Pages in protobuf, decoded by the messages of Prometheus's `client_model`.

use std::time::Duration;

use node0_exporter::{Exporter, Format, Naming, NativeHistograms};
use node0_metrics_core::{Desc, TraceId, Unit};
use prost::Message;

use crate::{Bench, START};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct MetricFamily {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    #[prost(int32, tag = "3")]
    metric_type: i32,
    #[prost(message, repeated, tag = "4")]
    pub(crate) metric: Vec<Metric>,
    #[prost(string, tag = "5")]
    unit: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Metric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<Gauge>,
    #[prost(message, optional, tag = "3")]
    counter: Option<Counter>,
    #[prost(message, optional, tag = "7")]
    pub(crate) histogram: Option<Histogram>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct LabelPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Gauge {
    #[prost(double, tag = "1")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Counter {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(message, optional, tag = "3")]
    created: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Timestamp {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Histogram {
    #[prost(uint64, tag = "1")]
    pub(crate) count: u64,
    #[prost(double, tag = "2")]
    sum: f64,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<Bucket>,
    #[prost(sint32, optional, tag = "5")]
    pub(crate) schema: Option<i32>,
    #[prost(double, tag = "6")]
    zero_threshold: f64,
    #[prost(uint64, tag = "7")]
    pub(crate) zero_count: u64,
    #[prost(message, repeated, tag = "12")]
    span: Vec<BucketSpan>,
    #[prost(sint64, repeated, tag = "13")]
    delta: Vec<i64>,
    #[prost(message, optional, tag = "15")]
    created: Option<Timestamp>,
    #[prost(message, repeated, tag = "16")]
    exemplar: Vec<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Bucket {
    #[prost(uint64, tag = "1")]
    cumulative_count: u64,
    #[prost(double, tag = "2")]
    upper_bound: f64,
    #[prost(message, optional, tag = "3")]
    exemplar: Option<Exemplar>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct BucketSpan {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Exemplar {
    #[prost(message, repeated, tag = "1")]
    label: Vec<LabelPair>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(message, optional, tag = "3")]
    timestamp: Option<Timestamp>,
}

const WAIT: Desc = Desc::latency("wait_seconds", "Time spent waiting.").labels(&["queue"]);
const DONE: Desc = Desc::counter("done_total", "Jobs that are \"done\".");
const HELD: Desc = Desc::gauge("held", "Jobs held.");
const SIZE: Desc = Desc::distribution("size_bytes", "Sizes.", Unit::Bytes, &[10.0, 1000.0]);

fn native() -> Bench {
    let exporter = Exporter::builder().constant_label("zone", "a").expect("a good key");
    Bench::with(exporter.native_histograms(NativeHistograms::new()).build())
}

pub(crate) fn decode(bench: &Bench) -> Vec<MetricFamily> {
    let mut page = Vec::new();
    let sample = bench.registry.read();
    let rendered = bench.exporter.render(&sample, Format::Protobuf, Naming::Both, &mut page);
    assert_eq!((rendered.format, rendered.bytes), (Format::Protobuf, page.len()));
    families(&page)
}

pub(crate) fn families(page: &[u8]) -> Vec<MetricFamily> {
    let (mut rest, mut families) = (page, Vec::new());
    while !rest.is_empty() {
        families.push(MetricFamily::decode_length_delimited(&mut rest).expect("a message"));
    }
    families
}

pub(crate) fn family<'a>(families: &'a [MetricFamily], name: &str) -> &'a MetricFamily {
    families.iter().find(|family| family.name == name).expect("it is shown")
}

#[test]
fn each_kind_is_shown_with_labels_and_the_time_of_its_start() {
    let mut bench = native();
    let wait = bench.registry.latency(&WAIT, &["mail"]).unwrap();
    let done = bench.registry.counter(&DONE, &[]).unwrap();
    done.add(7);
    let held = bench.registry.gauge(&HELD, &[]).unwrap();
    held.set(-2.5);
    let size = bench.registry.distribution(&SIZE, &[]).unwrap();
    [0.0, 3.0, 300.0, 3e6].into_iter().for_each(|bytes| size.record(bytes));
    wait.record(Duration::from_millis(3));
    bench.tick();
    let families = decode(&bench);
    let start = Some(Timestamp { seconds: (START / 1000) as i64, nanos: 0 });

    let done = family(&families, "done_total");
    assert_eq!((done.metric_type, &*done.help), (0, "Jobs that are \"done\"."));
    assert_eq!(done.metric[0].counter, Some(Counter { value: 7.0, created: start }));
    assert_eq!(family(&families, "held").metric[0].gauge, Some(Gauge { value: -2.5 }));

    let wait = family(&families, "wait_seconds");
    assert_eq!((wait.metric_type, &*wait.unit), (4, "seconds"));
    let labels: Vec<_> =
        wait.metric[0].label.iter().map(|pair| (&*pair.name, &*pair.value)).collect();
    assert_eq!(labels, [("queue", "mail"), ("zone", "a")]);

    let size = family(&families, "size_bytes").metric[0].histogram.clone().unwrap();
    let buckets: Vec<_> =
        size.bucket.iter().map(|bucket| (bucket.upper_bound, bucket.cumulative_count)).collect();
    assert_eq!(buckets, [(10.0, 2), (1000.0, 3), (f64::INFINITY, 4)]);
    assert_eq!((size.count, size.sum, size.zero_count), (4, 3_000_303.0, 1));
    assert_eq!((size.created, size.schema), (start, Some(4)));
}

/// The counts of the exponential buckets, by their numbers.
pub(crate) fn counts(histogram: &Histogram) -> Vec<(i32, i64)> {
    let (mut index, mut count, mut deltas) = (0, 0, histogram.delta.iter());
    let mut counts = Vec::new();
    for span in &histogram.span {
        index += span.offset;
        for _ in 0..span.length {
            count += deltas.next().expect("a delta for each bucket");
            counts.push((index, count));
            index += 1;
        }
    }
    assert_eq!(deltas.next(), None);
    counts
}

#[test]
fn exponential_buckets_add_up_and_have_the_values() {
    let bench = native();
    let wait = bench.registry.latency(&WAIT, &["mail"]).unwrap();
    let values: Vec<f64> = (0..1000).map(|nth| 2e-6 * 1.015_f64.powi(nth)).collect();
    values.iter().for_each(|value| wait.record(Duration::from_secs_f64(*value)));
    wait.record(Duration::ZERO);
    let histogram = family(&decode(&bench), "wait_seconds").metric[0].histogram.clone().unwrap();
    let counts = counts(&histogram);
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<i64>(), 1000);
    assert_eq!((histogram.count, histogram.zero_count), (1001, 1));
    assert!(counts.iter().all(|(_, count)| *count > 0));
    // 21 doublings in 16 buckets each are too many, and in 8 are few enough.
    assert_eq!((histogram.schema, counts.len() <= 160), (Some(2), true));
    for (index, _) in &counts {
        let (low, high) =
            (2_f64.powf(f64::from(index - 1) / 4.0), 2_f64.powf(f64::from(*index) / 4.0));
        let holds = values.iter().any(|value| low / 1.02 < *value && *value <= high * 1.02);
        assert!(holds, "bucket {index} from {low} to {high}");
    }
}

#[test]
fn exemplars_are_in_their_buckets_and_by_time_among_the_exponential_ones() {
    let mut bench = native();
    let wait = bench.registry.latency(&WAIT, &["mail"]).unwrap();
    for (millis, trace) in [(900, 1), (3, 2), (40, 3)] {
        wait.record_traced(Duration::from_millis(millis), TraceId::new(trace));
        bench.tick();
    }
    let histogram = family(&decode(&bench), "wait_seconds").metric[0].histogram.clone().unwrap();
    let traces = |exemplar: &Exemplar| exemplar.label[0].value.trim_start_matches('0').to_owned();
    let by_time: Vec<_> = histogram.exemplar.iter().map(traces).collect();
    assert_eq!(by_time, ["1", "2", "3"]);
    assert!(histogram.exemplar.is_sorted_by_key(|exemplar| exemplar.timestamp.unwrap().seconds));
    let in_buckets: Vec<_> =
        histogram.bucket.iter().filter_map(|bucket| bucket.exemplar.as_ref()).map(traces).collect();
    assert_eq!(in_buckets, ["2", "3", "1"]);
}

#[test]
fn the_page_has_the_numbers_of_the_text() {
    let mut bench = native();
    let wait = bench.registry.latency(&WAIT, &["mail"]).unwrap();
    (1..500).for_each(|micros| wait.record(Duration::from_micros(micros * micros)));
    bench.tick();
    let histogram = family(&decode(&bench), "wait_seconds").metric[0].histogram.clone().unwrap();
    let text = bench.text_of("wait_seconds");
    for bucket in histogram.bucket {
        let bound = match bucket.upper_bound {
            f64::INFINITY => "+Inf".to_owned(),
            bound => format!("{bound:?}"),
        };
        let line = format!(
            "wait_seconds_bucket{{queue=\"mail\",zone=\"a\",le=\"{bound}\"}} {}\n",
            bucket.cumulative_count
        );
        assert!(text.contains(&line), "{line}{text}");
    }
}
