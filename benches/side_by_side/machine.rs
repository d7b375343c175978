//! The machine, without which no figure means anything.

use std::fs::{self, File};
use std::io::Write;
use std::time::Instant;

use crate::figures::{median, milliseconds};
use crate::support::program;

/// Prints processor, cores, kernel, load, what an fsync costs where the homes will be, and the program.
pub fn describe() {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("machine   {model}, {cores} cores");
    println!("kernel    {}", read("/proc/sys/kernel/osrelease").trim());
    println!("load      {}", read("/proc/loadavg").trim());
    println!(
        "durable   {} for one small file: fsync, rename, fsync of its directory",
        milliseconds(fsync())
    );
    let size = fs::metadata(program()).unwrap().len();
    println!("program   {:.2} MiB, to reach: at most 12 MiB\n", size as f64 / f64::from(1 << 20));
}

fn fsync() -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let (temporary, path) = (dir.path().join("t"), dir.path().join("f"));
    median((0..40).map(|_| {
        let begun = Instant::now();
        let mut file = File::create(&temporary).unwrap();
        file.write_all(&[1; 4096]).unwrap();
        file.sync_all().unwrap();
        fs::rename(&temporary, &path).unwrap();
        File::open(dir.path()).unwrap().sync_all().unwrap();
        begun.elapsed().as_secs_f64()
    }))
}

/// Whether a program is on the `PATH`.
pub fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}
