//! The topics and features of the facade, and the texts and tests that must list each of them.

use std::time::Duration;

use node0::{Monitoring, Sample};

use crate::service::Service;

fn topics(sample: &Sample) -> Vec<&'static str> {
    sample.topics.iter().map(|health| health.topic.name).collect()
}

/// The topics of the monitors that every user of the facade has.
fn topics_of_the_facade() -> Vec<&'static str> {
    let mut testing = Monitoring::testing();
    testing.advance(Duration::from_secs(1));
    topics(&testing.sample())
}

#[test]
fn the_tests_service_has_every_monitor_of_the_facade() {
    let (mut has, mut expected) = (topics(&Service::new().tick()), topics_of_the_facade());
    has.sort_unstable();
    expected.sort_unstable();
    assert_eq!(has, expected, "register it in service.rs, and use it in `works`");
}

const TEXTS: [(&str, &str); 2] = [
    ("README.md", include_str!("../../../../README.md")),
    ("crates/node0/src/lib.rs", include_str!("../../src/lib.rs")),
];

#[test]
fn readme_and_front_page_have_the_path_of_each_topic() {
    for topic in topics_of_the_facade() {
        for (name, text) in TEXTS {
            assert!(text.contains(&format!("`/metrics/{topic}`")), "{name}: add /metrics/{topic}");
        }
    }
}

#[test]
fn readme_and_front_page_have_each_feature() {
    let manifest = include_str!("../../Cargo.toml");
    let (_, features) = manifest.split_once("[features]\n").unwrap();
    let features = features.split("\n[").next().unwrap();
    let features: Vec<_> =
        features.lines().filter_map(|line| Some(line.split_once(" = [")?.0)).collect();
    assert!(features.contains(&"metrics"), "{features:?}");
    for feature in features {
        for (name, text) in TEXTS {
            assert!(text.contains(&format!("`{feature}`")), "{name}: add the feature {feature}");
        }
    }
}
