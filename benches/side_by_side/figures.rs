//! Pairs, medians, and how they are printed.

use std::process::{Command, Stdio};
use std::time::Instant;

/// Which figure of a row the target speaks of.
pub enum Target {
    /// The median of B over that of A, at most so much.
    Ratio(f64),
    /// The median of B less that of A, at most so many milliseconds.
    More(f64),
    /// The median of B, at most so many milliseconds.
    Within(f64),
}

/// Runs A and B in turns, after one of each that does not count, and prints the row: by the medians, and by the
/// fastest tenths, which a busy machine disturbs less.
pub fn row(
    name: &str,
    pairs: usize,
    target: &Target,
    mut a: impl FnMut() -> f64,
    mut b: impl FnMut() -> f64,
) {
    a();
    b();
    let (a, b): (Vec<f64>, Vec<f64>) = (0..pairs).map(|_| (a(), b())).unzip();
    let at = |part| (quantile(a.clone(), part), quantile(b.clone(), part));
    let (middle, fast) = (at(0.5), at(0.1));
    let (times, limit) =
        (format!("{:>9} {:>9}", milliseconds(middle.0), milliseconds(middle.1)), target.limit());
    println!(
        "{name:<52} {times} {:>10} {:>10}   {limit}",
        target.figure(middle),
        target.figure(fast)
    );
}

impl Target {
    fn figure(&self, (a, b): (f64, f64)) -> String {
        match self {
            Self::Ratio(_) => format!("{:.2}x", b / a),
            Self::More(_) => format!("{:+.1} ms", (b - a) * 1000.0),
            Self::Within(_) => milliseconds(b),
        }
    }

    fn limit(&self) -> String {
        match self {
            Self::Ratio(limit) => format!("at most {limit}x"),
            Self::More(limit) => format!("at most +{limit:.0} ms"),
            Self::Within(limit) => format!("B at most {limit:.0} ms"),
        }
    }
}

/// The heads of the columns.
pub fn heads() {
    let [a, b, medians, tenths] = ["A", "B", "B to A", "fastest"];
    println!("{:<52} {a:>9} {b:>9} {medians:>10} {tenths:>10}   to reach", "medians of B / A");
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
    quantile(figures, 0.5)
}

fn quantile(figures: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() as f64 * part) as usize]
}

pub fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", seconds * 1000.0)
}
