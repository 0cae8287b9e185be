//! Blocks give back what was appended, and come near the entropy of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use testbed::random::{Random, entropy};

use super::*;
use crate::{Counts, Numbers};

/// Appends rows and reads them back, from the open block and from the sealed one.
fn round_trip<R: Row + PartialEq>(rows: &[(u64, R)]) -> Vec<(u64, R)> {
    let mut open = OpenBlock::<R>::new(rows[0].0);
    for (interval, row) in rows {
        open.push(*interval, &mut row.clone());
    }
    let collect = |block: Block| {
        let mut read = Vec::new();
        block.read(Depth::All, |interval, row: &R| read.push((interval, row.clone())));
        read
    };
    let read = collect(open.copy());
    assert_eq!(read, collect(open.seal()));
    read
}

#[test]
fn numbers_of_every_kind_come_back_to_the_last_bit() {
    let odd = [
        0.0,
        -0.0,
        1.0,
        1.0,
        -7.0,
        0.001,
        12.345,
        1e300,
        -1e-300,
        f64::MAX,
        f64::MIN_POSITIVE,
        0.1,
        f64::from(0.1_f32),
        9007199254740993.0,
        -9007199254740991.0,
        1e15,
        1e16,
        3.0,
        3.0,
        3.5,
    ];
    let rows: Vec<_> = (0..500_u64)
        .map(|n| {
            let value = odd[(n * n % 20) as usize];
            let row = Numbers {
                ticks: 1 + (n % 3) as u32,
                sum: value * 2.5,
                min: value,
                max: value + 1.0,
            };
            (n * 3 - n % 2, if n % 4 == 0 { Numbers::of(value) } else { row })
        })
        .collect();
    let read = round_trip(&rows);
    for ((interval, row), (expected, wanted)) in read.iter().zip(&rows) {
        assert_eq!(interval, expected);
        let bits = |row: &Numbers| [row.sum, row.min, row.max].map(f64::to_bits);
        assert_eq!((row.ticks, bits(row)), (wanted.ticks, bits(wanted)));
    }
}

fn counts_near_the_entropy(mean: f64, cells: u16, rows: u64) -> f64 {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let shape = |cell: u16| {
        let x = (f64::from(cell) / f64::from(cells) - 0.5) * 6.0;
        (-x * x / 2.0).exp()
    };
    let total: f64 = (0..cells).map(shape).sum();
    let mut open = OpenBlock::<Counts>::new(0);
    let mut bits = 0.0;
    let mut wanted = Vec::new();
    for interval in 0..rows {
        let mut row = Counts::default();
        for cell in 0..cells {
            let mean = mean * f64::from(cells) * shape(cell) / total;
            bits += entropy(mean);
            let count = random.poisson(mean);
            if count > 0 {
                row.buckets.push(1000 + cell);
                row.counts.push(count as u32);
            }
        }
        open.push(interval, &mut row);
        wanted.push(row);
    }
    let sealed = open.seal();
    let mut at = 0;
    sealed.read(Depth::All, |_, row: &Counts| {
        let filled = row.buckets.iter().zip(&row.counts).filter(|(_, count)| **count > 0);
        let expected = wanted[at].buckets.iter().zip(&wanted[at].counts);
        assert!(filled.eq(expected), "{row:?} {:?}", wanted[at]);
        at += 1;
    });
    sealed.data_bytes() as f64 * 8.0 / bits
}

#[test]
fn counts_take_little_more_than_their_entropy() {
    // The fewer values a bucket gets, the more it costs to learn how many, and to have percentiles
    // beside them.
    for (mean, rows, most) in [
        (0.1, 60, 1.35),
        (0.5, 60, 1.2),
        (2.0, 60, 1.1),
        (8.0, 60, 1.1),
        (50.0, 60, 1.05),
        (300.0, 60, 1.05),
        (0.5, 3600, 1.08),
    ] {
        let ratio = counts_near_the_entropy(mean, 300, rows);
        println!("{mean} expected, {rows} intervals: {ratio:.3}");
        assert!(ratio <= most, "{ratio} times the entropy, with {mean} expected");
    }
}

#[test]
fn summaries_are_those_of_the_counts_and_need_no_others() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut open = OpenBlock::<Counts>::new(0);
    for interval in 0..60 {
        let buckets = (100..400).filter(|_| random.uniform() < 0.1).collect::<Vec<u16>>();
        let counts = buckets.iter().map(|_| random.poisson(1.0) as u32).collect();
        open.push(interval, &mut Counts { buckets, counts, ..Counts::default() });
    }
    let block = open.seal();
    let mut wanted = Vec::new();
    block.read(Depth::All, |_, row: &Counts| {
        let mut row = row.clone();
        row.summarize();
        wanted.push(row.summary);
    });
    let bytes = block.bytes[..block.summaries as usize].into();
    let mut read = Vec::new();
    Block { bytes, ..block }.read(Depth::Summary, |_, row: &Counts| read.push(row.summary));
    assert_eq!(read, wanted);
}

#[test]
fn bursts_are_coded_by_their_spread() {
    // Each bucket gets from none to twice what is expected, as neighbours in a burst do.
    const EXPECTED: f64 = 20.0;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut open = OpenBlock::<Counts>::new(0);
    for interval in 0..60 {
        let mut row = Counts::default();
        for bucket in 0..300 {
            let expected = EXPECTED * 2.0 * random.uniform();
            row.buckets.push(bucket);
            row.counts.push(random.poisson(expected) as u32);
        }
        open.push(interval, &mut row);
    }
    // The probability of a count is the mean over all factors.
    let factors = || (0..200).map(|n| 2.0 * (f64::from(n) + 0.5) / 200.0);
    let mut weights: Vec<f64> = factors().map(|factor| (-EXPECTED * factor).exp()).collect();
    let mut bits = 0.0;
    for count in 1..200 {
        let probability = weights.iter().sum::<f64>() / 200.0;
        bits -= probability * probability.max(f64::MIN_POSITIVE).log2();
        for (weight, factor) in weights.iter_mut().zip(factors()) {
            *weight *= EXPECTED * factor / f64::from(count);
        }
    }
    let ratio = open.seal().data_bytes() as f64 * 8.0 / (bits * 300.0 * 60.0);
    assert!(ratio <= 1.1, "{ratio} times the entropy");
}

/// Any float that a gauge may have.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("the history keeps finite values", |value| value.is_finite()),
        (-1000_i32..1000).prop_map(f64::from),
        (-1000_i32..1000).prop_map(|n| f64::from(n) / 1000.0),
        any::<f32>().prop_filter("likewise", |value| value.is_finite()).prop_map(f64::from),
    ]
}

proptest! {
    #[test]
    fn any_numbers_come_back(
        rows in prop::collection::vec((0_u64..3, 1_u32..5, number(), number(), number()), 1..80),
    ) {
        let mut interval = 0;
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(distance, ticks, sum, min, max)| {
                interval += distance;
                let mut row = Numbers { ticks, sum, min, max };
                row.shorten();
                (interval, row)
            })
            .collect();
        prop_assert_eq!(round_trip(&rows), rows);
    }

    #[test]
    fn any_counts_come_back(
        rows in prop::collection::vec(
            prop::collection::btree_map(0_u16..8256, prop_oneof![1_u32..5, any::<u32>()], 0..40),
            1..20,
        ),
    ) {
        let row = |counts: &BTreeMap<u16, u32>| Counts {
            buckets: counts.keys().copied().collect(),
            counts: counts.values().copied().collect(),
            ..Counts::default()
        };
        let rows: Vec<_> = rows.iter().map(row).enumerate().map(|(n, row)| (n as u64, row)).collect();
        for ((interval, read), (wanted, row)) in round_trip(&rows).iter().zip(&rows) {
            prop_assert_eq!(interval, wanted);
            let filled = |row: &Counts| -> BTreeMap<u16, u32> {
                let counts = row.buckets.iter().copied().zip(row.counts.iter().copied());
                counts.filter(|(_, count)| *count > 0).collect()
            };
            prop_assert_eq!(filled(read), filled(row));
        }
    }

    #[test]
    fn merged_counts_are_the_sums(
        parts in prop::collection::vec(
            prop::collection::btree_map(0_u16..200, 1_u32..1000, 0..40), 1..10,
        ),
    ) {
        let (mut merged, mut wanted) = (Counts::default(), BTreeMap::new());
        for part in &parts {
            merged.merge(&Counts {
                buckets: part.keys().copied().collect(),
                counts: part.values().copied().collect(),
                sum: 1.0,
                ..Counts::default()
            });
            part.iter().for_each(|(bucket, count)| *wanted.entry(bucket / 2).or_default() += count);
        }
        merged.coarsen(1);
        let counts: BTreeMap<u16, u32> = merged.buckets.iter().copied().zip(merged.counts).collect();
        prop_assert_eq!(counts, wanted);
        prop_assert_eq!(merged.sum, parts.len() as f64);
    }
}
