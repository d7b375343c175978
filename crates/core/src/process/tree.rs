//! Kills a process and everything that it started, where they share a process group with others.

use rustix::process::{Pid, Signal, kill_process};

/// Kills a process and its descendants. Each is stopped before its children are searched: a process that ended would
/// leave its children to another parent.
pub(super) fn kill(root: u32) {
    let Some(root) = i32::try_from(root).ok().and_then(Pid::from_raw) else { return };
    let mut found = vec![root];
    let mut new = vec![root];
    while !new.is_empty() {
        for pid in &new {
            let _ = kill_process(*pid, Signal::STOP);
        }
        let children = parents().into_iter().filter(|(pid, parent)| {
            found.iter().any(|known| known.as_raw_pid() == *parent)
                && found.iter().all(|known| known.as_raw_pid() != *pid)
        });
        new = children.filter_map(|(pid, _)| Pid::from_raw(pid)).collect();
        found.extend(&new);
    }
    for pid in found {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Returns each process with its parent.
#[cfg(target_os = "linux")]
fn parents() -> Vec<(i32, i32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let read = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        // The name of the program, in parentheses, may contain any characters.
        let stat = std::fs::read(entry.path().join("stat")).ok()?;
        let end = stat.iter().rposition(|&byte| byte == b')')?;
        let rest = std::str::from_utf8(&stat[end + 1..]).ok()?;
        Some((pid, rest.split_whitespace().nth(1)?.parse().ok()?))
    };
    entries.filter_map(read).collect()
}

/// Returns each process with its parent.
#[cfg(not(target_os = "linux"))]
fn parents() -> Vec<(i32, i32)> {
    let listed = std::process::Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output();
    let listed = listed.map(|output| output.stdout).unwrap_or_default();
    let read = |line: &str| {
        let mut numbers = line.split_whitespace().map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    String::from_utf8_lossy(&listed).lines().filter_map(read).collect()
}
