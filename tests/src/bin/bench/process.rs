//! What the kernel says of a process: memory and time on a processor.

use std::fs;

/// What is resident now, in MiB.
pub(crate) fn resident_mib(pid: i32) -> f64 {
    status_mib(pid, "VmRSS:")
}

/// The most that was ever resident, in MiB.
pub(crate) fn peak_mib(pid: i32) -> f64 {
    status_mib(pid, "VmHWM:")
}

fn status_mib(pid: i32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")).and_then(|kib| kib.trim().parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib / 1024.0)
}

/// Time on a processor of all threads of a process, in milliseconds, as the scheduler counts it (nanoseconds).
pub(crate) fn cpu_ms(pid: i32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| {
        let schedstat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        schedstat.split_whitespace().next()?.parse::<f64>().ok()
    });
    nanos.sum::<f64>() / 1e6
}

/// Whether a process has ended, and waits for its parent to look.
pub(crate) fn has_ended(pid: i32) -> bool {
    stat(pid).first().is_none_or(|state| state == "Z")
}

/// Time on processors of all its threads, those that have ended too, in seconds; to a hundredth, which is how the kernel tells it.
pub(crate) fn cpu_seconds_of_all(pid: i32) -> f64 {
    // The state is the third field of proc(5); utime and stime are the 14th and 15th, in ticks of a hundredth of a second.
    let ticks = |field: usize| stat(pid).get(field - 3).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(14) + ticks(15)) / 100.0
}

/// The fields of `/proc/PID/stat` behind the program's name, which may hold anything.
fn stat(pid: i32) -> Vec<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split_whitespace().map(str::to_owned).collect()
}

/// The machine in a line: processor, cores, kernel, load.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let models: Vec<&str> = cpuinfo.lines().filter(|line| line.starts_with("model name")).collect();
    let model = models.first().and_then(|line| line.split_once(": ")).map_or("unknown processor", |(_, model)| model);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load = load.split_whitespace().next().unwrap_or("?");
    format!("{} x {model}, Linux {}, load {load}", models.len().max(1), kernel.trim())
}
