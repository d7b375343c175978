//! The program under strace: killed at a chosen system call, or refused it. Only its first thread is
//! traced, and none of its children.

use std::collections::BTreeMap;

use super::home::Home;
use super::process::Output;

/// The calls that touch files, and those that send.
const CALLS: &str = "openat,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,mkdir,mkdirat,fchmod,connect";

/// One call of a run: the so-and-so-many-th of its name.
#[derive(Debug, Clone)]
pub struct Call {
    pub name: String,
    pub nth: usize,
    /// What strace wrote of it, with paths.
    pub line: String,
}

/// Runs the program under strace with these options.
#[track_caller]
pub fn traced(home: &Home, options: &[&str], args: &[&str]) -> Output {
    traced_with(home, options, args, "")
}

/// The same with this on its stdin.
#[track_caller]
pub fn traced_with(home: &Home, options: &[&str], args: &[&str], stdin: &str) -> Output {
    let log = home.path("tmp/strace");
    home.write(&log, "");
    let wrapper = [&["strace", "-qq", "-o", log.to_str().unwrap()], options, &["--"]].concat();
    let mut running = home.spawn_through(&wrapper, args);
    running.write(stdin);
    running.wait()
}

/// Every call of a run that succeeds.
#[track_caller]
pub fn calls(home: &Home, args: &[&str]) -> Vec<Call> {
    traced(home, &["-y", "-e", &format!("trace={CALLS}")], args).ok();
    let log = std::fs::read_to_string(home.path("tmp/strace")).unwrap();
    let mut counts = BTreeMap::new();
    let named = log.lines().filter_map(|line| Some((line.split_once('(')?.0.to_owned(), line)));
    named
        .map(|(name, line)| {
            let nth = *counts.entry(name.clone()).and_modify(|n| *n += 1).or_insert(1);
            Call { name, nth, line: line.to_owned() }
        })
        .collect()
}

/// Runs the program until this call, which kills it. `None` where it came to its end before.
#[track_caller]
pub fn killed_at(home: &Home, args: &[&str], call: &Call) -> Option<Output> {
    let output = injected(home, args, call, "signal=KILL");
    (output.status == 137).then_some(output)
}

/// Runs the program with this call refused, such as by `error=ENOSPC`. `None` where another call had that number this
/// time, and was no file's of this home.
#[track_caller]
pub fn refused(home: &Home, args: &[&str], call: &Call, error: &str) -> Option<Output> {
    let output = injected(home, args, call, error);
    let log = std::fs::read_to_string(home.path("tmp/strace")).unwrap();
    let of_home = |line: &str| line.contains(home.root().to_str().unwrap());
    log.lines().any(|line| line.contains("(INJECTED)") && of_home(line)).then_some(output)
}

#[track_caller]
fn injected(home: &Home, args: &[&str], call: &Call, fault: &str) -> Output {
    let Call { name, nth, .. } = call;
    let inject = format!("inject={name}:{fault}:when={nth}");
    traced(home, &["-y", "-e", &format!("trace={name}"), "-e", &inject], args)
}
