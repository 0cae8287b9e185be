//! A clock that steps back.

use std::time::Duration;

use node0_aggregator::{CLOCK_STEPS, Sampler};
use node0_metrics_core::{ManualClock, Registry, Sample, Value};

#[test]
fn a_clock_that_steps_back_is_counted_and_sampling_goes_on_at_once() {
    let clock = ManualClock::new();
    let registry = Registry::builder().clock(clock.clock()).build();
    let mut sampler = Sampler::new(&registry).expect("nobody else ticks");
    let step = |sampler: &mut Sampler| {
        clock.advance(sampler.period());
        let sample = sampler.step();
        (sample.tick, sample.uptime, steps(&sample))
    };
    for _ in 0..9 {
        step(&mut sampler);
    }
    assert_eq!(step(&mut sampler), (10, Duration::from_secs(10), 0.0));
    clock.step_back(Duration::from_secs(8));
    assert_eq!(step(&mut sampler), (11, Duration::from_secs(11), 1.0));
    assert_eq!(step(&mut sampler), (12, Duration::from_secs(12), 1.0));
}

fn steps(sample: &Sample) -> f64 {
    let value = sample.snapshot.value(CLOCK_STEPS.name(), &[]);
    value.map_or(f64::NAN, Value::as_f64)
}
