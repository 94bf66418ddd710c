//! The workloads of `cargo asc bench handler` under criterion: `cargo bench -p asc-benches` plain,
//! `cargo asc bench -p asc-benches` hardened.

#![allow(missing_docs, reason = "criterion's macros define undocumented items")]

use std::time::Duration;

use asc_benches::cache::Cache;
use asc_benches::outside;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn cache(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("cache/{}", asc_runtime::mode().name()));
    group
        .throughput(Throughput::Elements(1))
        .measurement_time(Duration::from_secs(3));
    for value_bytes in [128, 1024, 4096] {
        let mut cache = Cache::filled(value_bytes);
        group.bench_function(BenchmarkId::from_parameter(value_bytes), |bencher| {
            bencher.iter_custom(|operations| cache.run(operations as usize));
        });
    }
    group.finish();
}

fn outside_handlers(criterion: &mut Criterion) {
    criterion.bench_function(
        &format!("outside/{}", asc_runtime::mode().name()),
        |bencher| {
            bencher.iter_custom(|operations| outside::run(operations as usize));
        },
    );
}

criterion_group!(benches, cache, outside_handlers);
criterion_main!(benches);
