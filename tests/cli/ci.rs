//! Jobs of a CI system: each on an empty machine, against a server that rotates refresh tokens and ends the grant if
//! an old one is used again.

use std::fs;
use std::path::Path;

use crate::fixture::{Sandbox, with_sandbox};
use crate::followed::shell;
use crate::support::{Api, Home, Replied, Servers, tests_dir};

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

/// What the releases of the project contain: an archive with one directory, and its checksum.
fn release(home: &Home, version: &str) -> (Vec<u8>, String) {
    let name = "oauthctl-x86_64-unknown-linux-gnu";
    let program = home.path(&format!("release/{name}/oauthctl"));
    home.write(&program, &format!("#!/bin/sh\necho oauthctl {version}\n"));
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let archive = home.path("release").join(format!("{name}.tar.xz"));
    let script = format!("tar -cJf {name}.tar.xz {name} && sha256sum --binary {name}.tar.xz");
    let mut shell = std::process::Command::new("sh");
    let made = shell.args(["-c", &script]).current_dir(home.path("release")).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    (fs::read(archive).unwrap(), String::from_utf8(made.stdout).unwrap())
}

#[test]
fn action_installs_a_release_and_checks_it() {
    let home = Home::new();
    let (archive, checksum) = release(&home, "9.9.9");
    let served = archive.clone();
    let releases = Api::start(move |asked| match asked.target.as_str() {
        "/r/latest/download/oauthctl-x86_64-unknown-linux-gnu.tar.xz"
        | "/r/download/v9.9.9/oauthctl-x86_64-unknown-linux-gnu.tar.xz" => {
            Replied::new(200, &[], served.clone())
        }
        "/r/download/v1.0.0/oauthctl-x86_64-unknown-linux-gnu.tar.xz" => {
            Replied::new(200, &[], b"altered".to_vec())
        }
        target if target.ends_with(".sha256") => Replied::new(200, &[], checksum.clone()),
        _ => Replied::new(404, &[], ""),
    });
    let [path, output] = ["github-path", "github-output"].map(|name| home.path(name));
    for (version, is_installed) in
        [("latest", true), ("9.9.9", true), ("v9.9.9", true), ("1.0.0", false), ("../x", false)]
    {
        fs::write(&path, "").unwrap();
        fs::write(&output, "").unwrap();
        let done = home
            .tool("bash")
            .arg(tests_dir("../setup-oauthctl/install.sh"))
            .envs([("VERSION", version), ("RUNNER_OS", "Linux"), ("RUNNER_ARCH", "X64")])
            .env("RELEASES", format!("{}/r", releases.origin))
            .envs([("RUNNER_TEMP", home.path("home")), ("GITHUB_PATH", path.clone())])
            .env("GITHUB_OUTPUT", &output)
            .output()
            .unwrap();
        assert_eq!(done.status.success(), is_installed, "{version}: {done:?}");
        let added = fs::read_to_string(&path).unwrap();
        assert_eq!(added.is_empty(), !is_installed, "{version}: {added}");
        if is_installed {
            let program = Path::new(added.trim_end()).join("oauthctl");
            let said = std::process::Command::new(program).output().unwrap().stdout;
            assert_eq!(String::from_utf8(said).unwrap(), "oauthctl 9.9.9\n");
            assert_eq!(fs::read_to_string(&output).unwrap(), "version=9.9.9\n");
        }
    }
}

/// The blocks of this language in `docs/ci.md`.
fn documented(language: &str) -> Vec<String> {
    let page = fs::read_to_string(tests_dir("../docs/ci.md")).unwrap();
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| Some(block.strip_prefix(language)?.to_owned())).collect()
}

/// The environment that a documented job sets, and its commands.
fn job(block: &str, home: &Home) -> (Vec<(String, String)>, String) {
    let scratch = home.path("home").display().to_string();
    let block = block.replace("/tmp", &scratch).replace("${{ runner.temp }}", &scratch);
    let variable = |line: &str| {
        let (name, value) = line.trim().split_once(": ")?;
        name.starts_with("OAUTHCTL_").then(|| (name.to_owned(), value.to_owned()))
    };
    let set = block.lines().filter_map(variable).collect();
    let commands = match block.split_once("run: |\n") {
        Some((_, commands)) => commands.to_owned(),
        // A line that begins no command belongs to the one before it.
        None => {
            let (_, commands) = block.split_once("script:\n").unwrap();
            commands.replace("\n      ", " ").replace("    - ", "")
        }
    };
    (set, commands)
}

/// What surrounds the steps of a job is read before there is a runner: a workflow that names it there is invalid.
#[test]
fn documented_jobs_name_the_runner_in_steps_only() {
    let blocks = documented("yaml\n");
    let jobs: Vec<_> = blocks.iter().filter_map(|block| block.split_once("    steps:\n")).collect();
    assert_eq!(jobs.len(), 3);
    for (before, steps) in jobs {
        assert!(!before.contains("${{ runner.") && steps.contains("${{ runner."), "{before}");
    }
}

/// Each of the jobs that authenticate with an id_token of their platform, and with nothing else.
#[test]
fn documented_federated_jobs_run_without_a_secret() {
    let (mut home, server) = (Home::new(), Servers::machines());
    let id_token = server.platform_jwt.clone();
    let answer = serde_json::json!({ "value": id_token }).to_string();
    let platform = Api::start(move |_| Replied::new(200, &[], answer.clone()));
    home.set("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/job", platform.origin));
    home.set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of the runner");
    home.set("OAUTHCTL_ID_TOKEN", id_token);
    let curl = home.path("bin/curl");
    home.write(&curl, "#!/bin/sh\ncat\n");
    fs::set_permissions(&curl, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    home.unset("OAUTHCTL_STORE").unset("OAUTHCTL_STATE_DIR").unset("OAUTHCTL_CONFIG");
    let is_deploy = |block: &String| block.contains("deploy");
    let profiles: Vec<_> = documented("toml\n").into_iter().filter(is_deploy).collect();
    let jobs: Vec<_> = documented("yaml\n").into_iter().filter(is_deploy).collect();
    assert_eq!((profiles.len(), jobs.len()), (2, 2));
    for (profile, block) in profiles.iter().zip(&jobs) {
        let profile = profile.replace("https://login.example.com", &server.issuer);
        let profile = profile.replace("client_id = \"deploy\"", "client_id = \"signer\"");
        home.write(&home.path("home/ci/oauthctl.toml"), &profile);
        let (set, commands) = job(block, &home);
        assert_eq!(set.len(), 3, "{set:?}");
        for (name, value) in set {
            home.set(&name, value);
        }
        let output = shell(&home, &format!("set -e\n{commands}"), "").ok();
        assert!(output.stdout.starts_with("header = \"Authorization: Bearer "), "{output:?}");
        fs::remove_dir_all(home.path("home/tokens")).unwrap();
    }
    assert_eq!((platform.asked().len(), server.requests().len()), (1, 2));
}
