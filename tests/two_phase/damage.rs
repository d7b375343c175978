//! Pending flows that are damaged, swapped, restored, planted, or too many: nothing is redeemed, and
//! nothing is lost.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::scene::Scene;
use crate::support::{Home, mode};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The files of the flows that wait.
fn flows(home: &Home) -> Vec<PathBuf> {
    let is_flow = |path: &PathBuf| path.extension().is_some_and(|e| e == "flow");
    home.files().into_iter().filter(is_flow).collect()
}

fn copy(from: &Path, to: &Path) {
    let done = std::process::Command::new("cp").arg("-aT").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

#[test]
fn record_damaged_at_any_byte_is_refused() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let record = flows(&scene.home).remove(0);
    let whole = fs::read(&record).unwrap();
    let ends = (0..80).chain(whole.len() - 6..whole.len());
    for at in ends.chain((80..whole.len() - 6).step_by(97)) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        for bytes in [&flipped, &whole[..at]] {
            if at % 3 == 0 || bytes.len() == whole.len() {
                fs::write(&record, bytes).unwrap();
                let output = scene.complete(&callback, &[]);
                assert!([7, 10].contains(&output.status), "at {at}: {}", output.stderr);
                assert!(output.stderr.contains("hint:"), "{}", output.stderr);
            }
        }
    }
    assert_eq!(scene.redemptions(), 0);
    fs::write(&record, &whole[..whole.len() - 6]).unwrap();
    let list = scene.home.run(["pending", "list", "--json"]).ok();
    assert_eq!(list.json(), serde_json::json!([]));
    assert!(list.stderr.contains("damaged"), "{}", list.stderr);
    fs::write(&record, &whole).unwrap();
    scene.complete(&callback, &[]).ok();
}

#[test]
fn swapped_records_are_refused() {
    let scene = Scene::new("honest");
    let (_, mine) = scene.come_back(&["--user", "mallory"]);
    let first = flows(&scene.home).remove(0);
    let (_, theirs) = scene.come_back(&["--user", "alice"]);
    let second = flows(&scene.home).into_iter().find(|path| *path != first).unwrap();
    let (one, two) = (fs::read(&first).unwrap(), fs::read(&second).unwrap());
    fs::write(&second, &one).unwrap();
    scene.complete(&theirs, &[]).fails(10);
    // With the name of the other, so that the file is in order and only the seal is not.
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    let (mut forged, other) = (parse(&one), parse(&two));
    forged["id"] = other["id"].clone();
    forged["expires_at"] = other["expires_at"].clone();
    fs::write(&second, forged.to_string()).unwrap();
    scene.refuses(&theirs, &[]);
    // A later end than the one that was sealed.
    let mut longer = other.clone();
    longer["expires_at"] = (other["expires_at"].as_u64().unwrap() + 1).into();
    fs::write(&second, longer.to_string()).unwrap();
    scene.refuses(&theirs, &[]);
    fs::write(&second, &two).unwrap();
    assert_eq!(scene.complete(&theirs, &[]).ok().json()["user"], "alice");
    assert_eq!(scene.complete(&mine, &[]).ok().json()["user"], "mallory");
}

#[test]
fn flows_are_not_looked_for_behind_a_link() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let (pending, moved) = (scene.home.state_dir().join("pending"), scene.home.path("moved"));
    fs::rename(&pending, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &pending).unwrap();
    let output = scene.complete(&callback, &[]).fails(10);
    assert!(output.stderr.contains("a symbolic link"), "{}", output.stderr);
    assert_eq!(scene.redemptions(), 0);
    fs::remove_file(&pending).unwrap();
    fs::rename(&moved, &pending).unwrap();
    scene.complete(&callback, &[]).ok();
}

#[test]
fn used_flow_copied_back_stays_used() {
    for sealed in [false, true] {
        let mut scene = Scene::new("honest");
        scene.home.set("OAUTHCTL_STATE_KEY", KEY);
        let start: &[&str] = if sealed { &["--sealed"] } else { &[] };
        let home = &scene.home;
        let (kept, saved) = (home.state_dir(), home.path("tmp/saved"));
        let (_, another) = scene.come_back(&[]);
        let (_, callback) = scene.come_back(start);
        copy(&kept, &saved);
        scene.complete(&callback, &[]).ok();
        // The flows alone, over those that are there, and in their place.
        copy(&saved.join("pending"), &kept.join("pending"));
        scene.refuses(&callback, &[]);
        fs::remove_dir_all(kept.join("pending")).unwrap();
        copy(&saved.join("pending"), &kept.join("pending"));
        scene.refuses(&callback, &[]);
        // Everything of the state directory, marks and all: the grant itself knows its flow.
        fs::remove_dir_all(&kept).unwrap();
        copy(&saved, &kept);
        scene.refuses(&callback, &[]);
        home.run(["token", "-p", "p"]).ok();
        assert_eq!(scene.redemptions(), 1);
        scene.complete(&another, &[]).ok();
    }
}

#[test]
fn cancelled_flow_copied_back_stays_cancelled() {
    let scene = Scene::new("honest");
    let (begun, callback) = scene.come_back(&[]);
    let (kept, saved) = (scene.home.state_dir(), scene.home.path("tmp/saved"));
    copy(&kept, &saved);
    scene.home.run(["pending", "cancel", begun["grant_id"].as_str().unwrap()]).ok();
    fs::remove_dir_all(kept.join("pending")).unwrap();
    copy(&saved.join("pending"), &kept.join("pending"));
    assert_eq!(scene.home.run(["pending", "list", "--json"]).ok().json(), serde_json::json!([]));
    scene.refuses(&callback, &[]);
}

#[test]
fn damaged_or_open_key_file_is_refused() {
    let scene = Scene::new("honest");
    let home = &scene.home;
    let (_, callback) = scene.come_back(&[]);
    let (key, aside) = (home.path("config/oauthctl/state.key"), home.path("tmp/aside"));
    let good = fs::read(&key).unwrap();
    let refused = |what: &str| {
        for args in [
            ["start", "p"].as_slice(),
            &["pending", "list"],
            &["complete", &callback],
            &["pending", "rotate-key"],
        ] {
            let output = home.run(args).fails(10);
            assert!(output.stderr.contains("hint:"), "{what}: {}", output.stderr);
        }
    };
    let half = good.len() / 2;
    let newer = String::from_utf8(good.clone()).unwrap().replace("\"version\":1", "\"version\":2");
    assert_ne!(newer.as_bytes(), good);
    let cut = &good[..good.len() - 1];
    let none: [&[u8]; 6] = [&good[..0], &good[..half], cut, b"{}", b"null", &[0xff; 200]];
    for bytes in none.into_iter().chain([newer.as_bytes()]) {
        fs::write(&key, bytes).unwrap();
        refused("damaged");
        assert_eq!(fs::read(&key).unwrap(), bytes, "never overwritten");
    }
    fs::write(&aside, &good).unwrap();
    fs::remove_file(&key).unwrap();
    symlink(&aside, &key).unwrap();
    refused("a link");
    fs::remove_file(&key).unwrap();
    fs::hard_link(&aside, &key).unwrap();
    refused("more than one hard link");
    fs::remove_file(&key).unwrap();
    fs::create_dir(&key).unwrap();
    refused("a directory");
    fs::remove_dir(&key).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &key,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    refused("a pipe");
    fs::remove_file(&key).unwrap();
    fs::write(&key, &good).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&key, Some(65534), Some(65534)).unwrap();
        refused("somebody else's");
        std::os::unix::fs::chown(&key, Some(0), Some(0)).unwrap();
    }
    // A file that others may read is accepted, made private, and reported.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let output = home.run(["pending", "list"]).ok();
    assert!(output.stderr.contains("accessible to others"), "{}", output.stderr);
    assert_eq!(mode(&key), 0o600);
    assert_eq!(scene.redemptions(), 0);
    scene.complete(&callback, &[]).ok();
}

#[test]
fn full_store_fails_and_has_room_after_an_expiry() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let slot = flows(&scene.home).remove(0).parent().unwrap().to_owned();
    for n in 0..20_000 {
        let mut file = fs::OpenOptions::new();
        file.write(true).create_new(true).mode(0o600);
        file.open(slot.join(format!("{n:032x}.flow"))).unwrap();
    }
    fs::write(slot.parent().unwrap().join("count"), format!("{:020}\n", 20_000)).unwrap();
    let output = scene.home.run(["start", "p"]).fails(10);
    assert!(output.stderr.contains("20001 authorizations are pending"), "{}", output.stderr);
    assert!(output.stderr.contains("pending list"), "{}", output.stderr);
    let list = scene.home.run(["pending", "list", "--json"]).ok();
    assert_eq!(list.json().as_array().unwrap().len(), 1);
    assert!(list.stderr.len() < 1_000, "told once: {}", list.stderr.len());
    // What is there can be completed; what has expired makes room.
    scene.complete(&callback, &[]).ok();
    fs::rename(&slot, slot.with_file_name("0000000001")).unwrap();
    let expired = || fs::read_dir(slot.with_file_name("0000000001")).unwrap().count();
    let before = expired();
    scene.start(&[]);
    assert!(expired() < before - 1, "more go than come");
}
