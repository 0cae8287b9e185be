//! Limits of cgroups, of both versions, as hosts and containers mount them.

use std::fs;

use crate::bench::{Bench, number};
use crate::tree::{Stat, Tree};

/// A mount table with one line for each group tree.
fn mounts(tree: &Tree, lines: &[&str]) {
    let lines: String =
        lines.iter().map(|line| format!("31 23 0:28 {line}\n")).collect::<Vec<_>>().concat();
    tree.write("proc/self/mountinfo", &format!("23 1 8:1 / / rw - ext4 /dev/root rw\n{lines}"));
}

/// The limit of memory, the working set and the limit of cores; NaN for none.
#[track_caller]
fn check(tree: &Tree, memory: f64, working_set: f64, cores: f64) {
    let mut bench = Bench::on(tree.root());
    check_again(&mut bench, memory, working_set, cores);
}

#[track_caller]
fn check_again(bench: &mut Bench, memory: f64, working_set: f64, cores: f64) {
    // Limits are not read at every poll.
    for _ in 0..4 {
        bench.tick();
    }
    let sample = bench.tick();
    let read = |name| sample.snapshot.value(name, &[]).map_or(f64::NAN, |value| value.as_f64());
    let found = [
        read("process_memory_limit_bytes"),
        read("cgroup_memory_working_set_bytes"),
        read("cgroup_cpu_limit_cores"),
    ];
    let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
    let expected = [memory, working_set, cores];
    assert!(found.iter().zip(&expected).all(same), "{found:?}, not {expected:?}");
}

/// The machine's memory in these trees.
const MACHINE: f64 = 8.0 * MIB;
const MIB: f64 = 1_048_576.0;
const NONE: f64 = f64::NAN;

const V2: &str = "/ /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";

fn second_version(name: &str) -> Tree {
    let tree = Tree::of(name, Stat::default());
    mounts(&tree, &[V2]);
    tree
}

#[test]
fn container_that_sees_its_group_as_the_root_has_its_limits() {
    let tree = second_version("v2-namespace");
    tree.write("proc/self/cgroup", "0::/\n");
    tree.write("sys/fs/cgroup/memory.max", "4194304\n");
    tree.write("sys/fs/cgroup/memory.current", "3145728\n");
    tree.write("sys/fs/cgroup/memory.stat", "anon 1\nfile 9\ninactive_file 1048576\nslab 3\n");
    tree.write("sys/fs/cgroup/cpu.max", "150000 100000\n");
    check(&tree, 4.0 * MIB, 2.0 * MIB, 1.5);
}

#[test]
fn memory_high_is_a_limit_too() {
    let tree = second_version("v2-high");
    tree.write("proc/self/cgroup", "0::/app\n");
    tree.write("sys/fs/cgroup/app/memory.max", "max\n");
    tree.write("sys/fs/cgroup/app/memory.high", "4194304\n");
    tree.write("sys/fs/cgroup/app/memory.current", "3984588\n");
    tree.write("sys/fs/cgroup/app/memory.stat", "inactive_file 0\n");
    check(&tree, 4.0 * MIB, 3_984_588.0, NONE);
    tree.write("sys/fs/cgroup/app/memory.max", "2097152\n");
    check(&tree, 2.0 * MIB, 3_984_588.0, NONE);
}

#[test]
fn what_is_known_stays_while_a_file_cannot_be_read() {
    let tree = second_version("v2-unreadable");
    tree.write("proc/self/cgroup", "0::/\n");
    tree.write("sys/fs/cgroup/memory.max", "4194304\n");
    tree.write("sys/fs/cgroup/memory.current", "3145728\n");
    tree.write("sys/fs/cgroup/memory.stat", "inactive_file 0\n");
    tree.write("sys/fs/cgroup/cpu.max", "150000 100000\n");
    let mut bench = Bench::on(tree.root());
    check_again(&mut bench, 4.0 * MIB, 3.0 * MIB, 1.5);
    for file in ["memory.max", "cpu.max"] {
        // A folder of that name fails to be read, other than one that is not there.
        let path = tree.root().join("sys/fs/cgroup").join(file);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
    }
    check_again(&mut bench, 4.0 * MIB, 3.0 * MIB, 1.5);
}

#[test]
fn limit_of_max_leaves_the_machines_memory_and_all_cores() {
    let tree = second_version("v2-max");
    tree.write("proc/self/cgroup", "0::/app\n");
    tree.write("sys/fs/cgroup/app/memory.max", "max\n");
    tree.write("sys/fs/cgroup/app/memory.current", "3145728\n");
    tree.write("sys/fs/cgroup/app/memory.stat", "inactive_file 0\n");
    tree.write("sys/fs/cgroup/app/cpu.max", "max 100000\n");
    check(&tree, MACHINE, 3.0 * MIB, f64::INFINITY);
}

#[test]
fn smallest_limit_up_to_the_root_holds_with_what_its_group_uses() {
    let tree = second_version("v2-parents");
    tree.write("proc/self/cgroup", "0::/system.slice/pod/app\n");
    for (group, limit, used, quota) in [
        ("system.slice/pod/app", "6291456", "1048576", "max 100000"),
        ("system.slice/pod", "2097152", "1572864", "50000 100000"),
        ("system.slice", "max", "99999999", "300000 100000"),
    ] {
        tree.write(&format!("sys/fs/cgroup/{group}/memory.max"), limit);
        tree.write(&format!("sys/fs/cgroup/{group}/memory.current"), used);
        tree.write(&format!("sys/fs/cgroup/{group}/memory.stat"), "inactive_file 524288\n");
        tree.write(&format!("sys/fs/cgroup/{group}/cpu.max"), quota);
    }
    check(&tree, 2.0 * MIB, MIB, 0.5);
}

#[test]
fn limit_that_is_changed_is_followed() {
    let tree = second_version("v2-changed");
    tree.write("proc/self/cgroup", "0::/app\n");
    tree.write("sys/fs/cgroup/app/memory.max", "max\n");
    tree.write("sys/fs/cgroup/app/cpu.max", "max 100000\n");
    let mut bench = Bench::on(tree.root());
    check_again(&mut bench, MACHINE, NONE, f64::INFINITY);
    tree.write("sys/fs/cgroup/app/memory.max", "1048576\n");
    tree.write("sys/fs/cgroup/app/cpu.max", "20000 100000\n");
    check_again(&mut bench, MIB, NONE, 0.2);
    fs::remove_dir_all(tree.root().join("sys")).unwrap();
    check_again(&mut bench, MACHINE, NONE, NONE);
}

#[test]
fn limit_above_the_machines_memory_is_none() {
    let tree = second_version("v2-above");
    tree.write("proc/self/cgroup", "0::/\n");
    tree.write("sys/fs/cgroup/memory.max", "99999999999\n");
    check(&tree, MACHINE, NONE, NONE);
}

#[test]
fn group_outside_of_what_is_mounted_is_limited_by_what_is() {
    let tree = second_version("v2-outside");
    tree.write("proc/self/cgroup", "0::/../elsewhere\n");
    tree.write("sys/fs/cgroup/memory.max", "1048576\n");
    tree.write("sys/fs/elsewhere/memory.max", "4096\n");
    check(&tree, MIB, NONE, NONE);
}

const V1_MEMORY: &str = "/ /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory";
const V1_CPU: &str = "/ /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct";
const HYBRID: &str = "/ /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";

#[test]
fn first_version_has_a_tree_for_each_controller() {
    let tree = Tree::of("v1", Stat::default());
    mounts(&tree, &[V1_MEMORY, V1_CPU, HYBRID]);
    let groups = "9:name=systemd:/\n4:memory:/jobs/one\n2:cpu,cpuacct:/\n0::/\n";
    tree.write("proc/self/cgroup", groups);
    let memory = "sys/fs/cgroup/memory/jobs";
    tree.write(&format!("{memory}/one/memory.limit_in_bytes"), "9223372036854771712\n");
    tree.write(&format!("{memory}/memory.limit_in_bytes"), "3145728\n");
    tree.write(&format!("{memory}/memory.usage_in_bytes"), "2097152\n");
    tree.write(&format!("{memory}/memory.stat"), "inactive_file 9\ntotal_inactive_file 1048576\n");
    tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n");
    tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    check(&tree, 3.0 * MIB, MIB, 2.5);
    tree.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    tree.write(&format!("{memory}/memory.limit_in_bytes"), "9223372036854771712\n");
    check(&tree, MACHINE, NONE, f64::INFINITY);
}

#[test]
fn container_of_the_first_version_finds_its_group_where_it_is_mounted() {
    let tree = Tree::of("v1-docker", Stat::default());
    // Without a namespace a container is told its path on the host.
    mounts(&tree, &["/docker/f00 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory"]);
    tree.write("proc/self/cgroup", "4:memory:/docker/f00\n");
    tree.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2097152\n");
    check(&tree, 2.0 * MIB, NONE, NONE);
    tree.write("proc/self/cgroup", "4:memory:/docker/f00/inner\n");
    tree.write("sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "1048576\n");
    check(&tree, MIB, NONE, NONE);
}

#[test]
fn files_that_make_no_sense_are_no_limits() {
    let tree = second_version("nonsense");
    tree.write("proc/self/cgroup", "0::/\n");
    for (limit, quota) in [("", ""), ("many", "100000"), ("-1", "1 0"), ("1e9", "a b")] {
        tree.write("sys/fs/cgroup/memory.max", limit);
        tree.write("sys/fs/cgroup/cpu.max", quota);
        check(&tree, MACHINE, NONE, NONE);
    }
    for groups in ["", "nonsense\n", "0::\n", "x::/\n"] {
        tree.write("proc/self/cgroup", groups);
        let mut bench = Bench::on(tree.root());
        assert_eq!(number(&bench.tick(), "process_memory_limit_bytes", &[]), MACHINE, "{groups:?}");
    }
}
