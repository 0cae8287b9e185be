//! The question: what a request costs through the request layer, and through the router alone.
//!
//! Workload: a GET that axum answers with thirteen bytes, on a path without and with a parameter,
//! over a pipe within the process. The time is the thread's processor time and includes the
//! client. The two forms are measured one after the other, so that their difference is rough, and
//! `cargo xtask bench request` is what the budget goes by; a change of one form since a saved
//! baseline is what these are for.

use std::rc::Rc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use node0::Monitoring;
use rig::http::{Duplex, Form, Target, Toggled, hello};

fn request(c: &mut Criterion) {
    let monitoring = Monitoring::builder().build().expect("a valid configuration");
    let service = Toggled::new(&monitoring, hello()).expect("it is the first");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = Rc::new(runtime.expect("a runtime"));
    let mut group = c.benchmark_group("request");
    for (name, target) in [("static", Target::Static), ("parameter", Target::Parameter)] {
        let mut connection = Duplex::to(runtime.clone(), service.clone(), target);
        for (form, id) in [(Form::Alone, "alone"), (Form::Watched, "watched")] {
            group.bench_function(BenchmarkId::new(id, name), |b| {
                form.choose();
                b.iter_custom(|requests| {
                    let requests = usize::try_from(requests).expect("fewer than memory has bytes");
                    let took: Duration = connection.send(requests).expect("the server answers");
                    took
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, request);
criterion_main!(benches);
