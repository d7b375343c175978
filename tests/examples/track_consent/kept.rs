//! What the site stores: where, with which permissions, and how it handles damage.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use rusqlite::Connection;
use rustix::process::Signal;

use super::{ADA, BROOK, Site, listening, serve};
use crate::support::{Home, Servers, User, await_some, mode};
use crate::walk::{shared_directory, spawn, spawn_under_umask};

#[test]
fn directory_that_was_there_stays_as_it_is() {
    let (server, home) = (Servers::oidc_provider(), Home::new());
    let dir = shared_directory(&home, "consent");
    let (_running, url) = serve(&home, &server.issuer, "127.0.0.1:0", &[]);
    User::default().click(&url, "/ask", ADA).with(200);
    assert_eq!(mode(&dir), 0o755);
    assert_eq!(mode(&dir.join("track_consent")), 0o700);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
}

#[test]
fn database_that_is_a_link_is_refused() {
    let (server, home) = (Servers::oidc_provider(), Home::new());
    let dir = home.path("consent/track_consent");
    fs::create_dir_all(&dir).unwrap();
    let elsewhere = home.path("elsewhere");
    symlink(&elsewhere, dir.join("users.db")).unwrap();
    let refused = || {
        let data = home.path("consent");
        let args = ["--issuer", &server.issuer, "--data", data.to_str().unwrap()];
        let args = [&args[..], &["--listen", "127.0.0.1:0"]].concat();
        let output = spawn(&home, "track_consent", &args).wait().fails(1);
        assert!(output.stderr.contains("unable to open database file"), "{output:?}");
    };
    refused();
    assert!(!elsewhere.exists(), "made elsewhere");
    fs::write(&elsewhere, "").unwrap();
    refused();
    assert_eq!(fs::read(&elsewhere).unwrap(), b"");
    // The directory may well be behind one: that is its owner's.
    fs::remove_dir_all(home.path("consent")).unwrap();
    fs::create_dir(home.path("real")).unwrap();
    symlink(home.path("real"), home.path("consent")).unwrap();
    let (_running, url) = serve(&home, &server.issuer, "127.0.0.1:0", &[]);
    User::default().open(&url).with(200);
    assert!(home.path("real/track_consent/users.db").is_file());
}

/// The modes of the database and of its accompanying files.
fn modes(home: &Home) -> Vec<(String, u32)> {
    let files = fs::read_dir(home.path("consent/track_consent")).unwrap().map(Result::unwrap);
    let mode = |file: fs::DirEntry| {
        // An accompanying file may already be gone.
        let mode = file.metadata().ok()?.permissions().mode() & 0o777;
        Some((file.file_name().into_string().unwrap(), mode))
    };
    let mut all: Vec<_> = files.filter_map(mode).collect();
    all.retain(|(name, _)| name.starts_with("users.db"));
    all.sort();
    all
}

#[test]
fn files_are_private_under_any_umask() {
    let (server, home) = (Servers::oidc_provider(), Home::new());
    let data = home.path("consent").to_str().unwrap().to_owned();
    let args = ["--issuer", &server.issuer, "--client-id", "cli", "--data", &data];
    let args = [&args[..], &["--listen", "127.0.0.1:0"]].concat();
    let serve = || listening(spawn_under_umask(&home, "000", "track_consent", &args));
    let private = |names: &[&str]| -> Vec<(String, u32)> {
        names.iter().map(|name| ((*name).to_owned(), 0o600)).collect()
    };
    let (mut running, url) = serve();
    assert_eq!(modes(&home), private(&["users.db"]));

    // During a read, writes wait, and the previous content is in an accompanying file.
    let other = Connection::open(home.path("consent/track_consent/users.db")).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM users;").unwrap();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| User::default().click(&url, "/ask", ADA));
        await_some("the journal", || (modes(&home).len() > 1).then_some(()));
        assert_eq!(modes(&home), private(&["users.db", "users.db-journal"]));
        other.execute_batch("COMMIT").unwrap();
        asking.join().unwrap().with(200);
    });

    running.signal(Signal::INT);
    await_some("the end of the site", || running.ended());
    let mode: String = other.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    drop(other);
    assert_eq!(modes(&home), private(&["users.db"]));
    let (_running, url) = serve();
    User::default().click(&url, "/ask", BROOK).with(200);
    assert_eq!(modes(&home), private(&["users.db", "users.db-shm", "users.db-wal"]));
    home.assert_private();
}

#[test]
fn damaged_grant_is_replaced_by_new_consent() {
    let mut site = Site::new();
    let mut browser = User::default();
    site.ask(&mut browser, ADA).with(200);
    site.ask(&mut User::default(), BROOK).with(200);
    let grants = site.home.path("consent/track_consent/grants");
    let files = fs::read_dir(&grants).unwrap().map(|file| file.unwrap().path());
    let of_ada = |path: &PathBuf| path.to_str().unwrap().contains("/consent-1-");
    let [damaged] = &files.filter(of_ada).collect::<Vec<_>>()[..] else { panic!("not one") };
    let mut bytes = fs::read(damaged).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(damaged, &bytes).unwrap();

    site.restart(Signal::INT);
    let is_told = || site.running.stderr_so_far().contains(damaged.to_str().unwrap());
    await_some("the name of the file", || is_told().then_some(()));
    assert!(!site.has_consented("Ada Quill") && site.has_consented("Brook Lindqvist"));
    assert!(site.rows().iter().all(|(id, _)| *id == 2), "{:?}", site.rows());
    site.deny(true);
    let page = site.ask(&mut browser, ADA).with(403);
    assert!(
        page.body.contains("Ada Quill denied access. There is no earlier consent"),
        "{}",
        page.body
    );
    site.deny(false);
    site.ask(&mut browser, ADA).with(200);
    assert!(site.has_consented("Ada Quill"));
    let kept = fs::read_dir(&grants).unwrap().map(|file| file.unwrap().path());
    assert!(kept.filter(|path| path != damaged).any(|path| fs::read(path).unwrap() == bytes));
    site.restart(Signal::INT);
    assert!(site.has_consented("Ada Quill") && site.has_consented("Brook Lindqvist"));
    assert_eq!(site.running.stderr_so_far(), "");
}
