//! Modes and crashes at every step.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use oauthctl_core::port::GrantStore;
use tempfile::TempDir;

use super::profile;
use crate::scene::{Helper, block_on, file_store, grant, names};

fn modes(folder: &Path, found: &mut Vec<(String, u32, bool)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mode = metadata.mode() & 0o777;
        found.push((path.display().to_string(), mode, metadata.is_dir()));
        if metadata.is_dir() {
            modes(&path, found);
        }
    }
}

#[test]
fn everything_is_private_under_any_umask() {
    for umask in ["000", "022", "027", "077", "777"] {
        let folder = TempDir::new().unwrap();
        let script = format!("umask {umask}; exec \"$@\"");
        let wrapper = ["sh", "-c", &script, "sh"];
        let mut child = Helper::command(&wrapper, "everything", folder.path()).spawn().unwrap();
        drop(child.stdin.take());
        assert!(child.wait_with_output().unwrap().status.success());
        let mut found = Vec::new();
        modes(folder.path(), &mut found);
        assert!(found.len() >= 12, "{found:?}");
        for (path, mode, is_dir) in found {
            assert_eq!(mode, if is_dir { 0o700 } else { 0o600 }, "{path} under {umask}");
        }
    }
}

#[test]
fn new_files_are_private_from_the_start_and_synced() {
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let calls = "trace=open,openat,creat,mkdir,mkdirat,chmod,fchmod,fchmodat,fsync,rename,renameat,renameat2";
    let wrapper = ["strace", "-f", "-e", calls, "-o", trace.to_str().unwrap()];
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let mut child = Helper::command(&wrapper, "everything", &home).spawn().unwrap();
    drop(child.stdin.take());
    assert!(child.wait_with_output().unwrap().status.success());
    let trace = fs::read_to_string(trace).unwrap();
    let mut made = 0;
    for line in trace.lines() {
        assert!(!line.contains("chmod("), "{line}");
        if line.contains("O_CREAT") {
            assert!(line.contains("0600") && line.contains("O_NOFOLLOW"), "{line}");
            made += 1;
        }
        if line.contains("mkdir") && line.contains("= 0") {
            assert!(line.contains("0700"), "{line}");
        }
    }
    assert!(made >= 6, "{trace}");
    let last_rename = trace.rfind("rename").unwrap();
    assert!(trace[last_rename..].contains("fsync("), "the directory after the file:\n{trace}");
    assert!(trace[..last_rename].rfind("fsync(") > trace[..last_rename].rfind("O_EXCL"));
}

/// Kills a replacement at its n-th call of each kind, for every n.
#[test]
fn kill_at_any_step_leaves_the_old_or_new_record() {
    let folder = TempDir::new().unwrap();
    let (old, new) = (grant(&profile(), 1, 5000), grant(&profile(), 2, 5000));
    let calls = ["openat", "write", "ftruncate", "fsync", "renameat", "unlinkat", "flock"];
    let (mut kept, mut replaced) = (0, 0);
    for call in calls {
        for number in 1.. {
            block_on(file_store(folder.path()).remove(&profile())).unwrap();
            block_on(file_store(folder.path()).save(&old)).unwrap();
            let inject = format!("inject={call}:signal=KILL:when={number}");
            let trace = format!("trace={call}");
            let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
            let mut command = Helper::command(&wrapper, "replace", folder.path());
            let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            let found = block_on(file_store(folder.path()).load(&profile())).unwrap();
            if status.success() {
                assert_eq!(found.as_ref(), Some(&new));
                break;
            }
            if found.as_ref() == Some(&old) {
                kept += 1;
            } else {
                assert_eq!(found.as_ref(), Some(&new), "{call} {number}");
                replaced += 1;
            }
            block_on(file_store(folder.path()).save(&new)).unwrap();
            assert_eq!(names(&folder.path().join("store")).len(), 1, "{call} {number}");
        }
    }
    assert!(kept > 0 && replaced > 0, "{kept} kept, {replaced} replaced");
}
