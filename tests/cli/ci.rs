//! Jobs of a CI system: each on an empty machine, against a server that rotates refresh tokens and ends the grant if
//! an old one is used again.

use std::fs;
use std::path::Path;

use crate::fixture::{Sandbox, with_sandbox};
use crate::support::Home;

/// The account of a pipeline, as its secrets hold it.
struct Pipeline {
    config: String,
    key: String,
    line: String,
    _sandbox: Sandbox,
}

impl Pipeline {
    fn new(more: &str) -> Self {
        let (mut home, sandbox) = with_sandbox(None);
        home.login("s");
        let key = home.run(["store", "keygen"]).ok().line().to_owned();
        let line = home.run(["export", "-p", "s"]).ok().line().to_owned();
        home.run(["logout", "s", "--local"]).ok();
        let config = fs::read_to_string(home.config_path()).unwrap() + more;
        Self { config, key, line, _sandbox: sandbox }
    }

    /// An empty machine with the secrets of the pipeline.
    fn machine(&self) -> Home {
        let mut home = Home::new();
        home.config(&self.config);
        home.set("OAUTHCTL_STORE", format!("file:{}", home.path("cached").display()));
        home.set("OAUTHCTL_STORE_KEY", &self.key).set("OAUTHCTL_IMPORT", &self.line);
        home
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => _ = fs::copy(entry.path(), to.join(entry.file_name())).unwrap(),
        }
    }
}

const REFRESH: [&str; 5] = ["--no-input", "token", "-p", "s", "--force-refresh"];

#[test]
fn four_jobs_in_a_row_share_a_cached_store() {
    let pipeline = Pipeline::new("");
    let mut last: Option<Home> = None;
    let mut tokens = Vec::new();
    for _ in 0..4 {
        let machine = pipeline.machine();
        if let Some(last) = &last {
            copy(&last.path("cached"), &machine.path("cached"));
        }
        tokens.push(machine.run(REFRESH).ok().line().to_owned());
        last = Some(machine);
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 4);
    // A job that lost the cache uses an old refresh token: the server ends the grant.
    pipeline.machine().run(REFRESH).fails(4);
}

#[test]
fn four_jobs_in_a_row_write_the_secret_back() {
    let mut pipeline = Pipeline::new("write_back = [\"sh\", \"-c\", \"cat >$HOME/secret\"]\n");
    let mut tokens = Vec::new();
    for _ in 0..4 {
        let machine = pipeline.machine();
        tokens.push(machine.run(REFRESH).ok().line().to_owned());
        pipeline.line = fs::read_to_string(machine.path("home/secret")).unwrap().trim().to_owned();
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 4);
}
