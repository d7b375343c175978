//! Pairs, medians, and how they are printed.

use std::process::{Command, Stdio};
use std::time::Instant;

/// Which figure of a row the target speaks of.
pub enum Target {
    /// The median of B over that of A, at most so much.
    Ratio(f64),
    /// The median of B less that of A, at most so many milliseconds.
    More(f64),
}

/// Runs A and B in turns, after one of each that does not count, and prints the row.
pub fn row(
    name: &str,
    pairs: usize,
    target: &Target,
    mut a: impl FnMut() -> f64,
    mut b: impl FnMut() -> f64,
) {
    a();
    b();
    let (times_a, times_b): (Vec<f64>, Vec<f64>) = (0..pairs).map(|_| (a(), b())).unzip();
    let (a, b) = (median(times_a), median(times_b));
    let (figure, limit) = match target {
        Target::Ratio(limit) => (format!("{:.2}x", b / a), format!("at most {limit}x")),
        Target::More(limit) => {
            (format!("+{}", milliseconds(b - a)), format!("at most +{limit:.0} ms"))
        }
    };
    println!("{name:<58} {:>9} {:>9} {figure:>10}   {limit}", milliseconds(a), milliseconds(b));
}

/// The heads of the columns.
pub fn heads() {
    println!("{:<58} {:>9} {:>9} {:>10}   to reach", "B next to A, medians", "A", "B", "");
}

/// The wall time of a command from its start to its end, in seconds. It must succeed.
pub fn time(command: &mut Command) -> f64 {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status().unwrap();
    let took = begun.elapsed().as_secs_f64();
    assert!(status.success(), "{:?} failed: {status}", command.get_program());
    took
}

pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

pub fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1000.0)
}
