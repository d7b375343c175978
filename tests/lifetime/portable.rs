//! Accounts that travel: export, import, the environment of a CI job, write-back.

use serde_json::json;

use crate::scene::{Scene, files_like, stored};
use crate::support::{Home, assert_no_secret, assert_not_shown, exported, traced_with};

/// A second machine with the same profile.
fn machine(scene: &Scene) -> Home {
    let home = Home::new();
    home.profile("p", &scene.server.issuer(&scene.scenario), "cli", "scopes = [\"api\"]");
    home
}

fn without_key(home: &Home) -> serde_json::Value {
    stored(home)
}

#[test]
fn exported_account_works_after_its_import() {
    let scene = Scene::logged_in("honest", 3600);
    let export = scene.home.run(["export", "-p", "p"]).ok();
    assert_not_shown(&export.stderr, scene.server.secrets_minted());
    assert!(export.stderr.contains("not encrypted"), "{}", export.stderr);
    let other = machine(&scene);
    other.run_with(["import", "-"], &export.stdout).ok();
    assert_eq!(without_key(&other), scene.stored());
    let listed = |home: &Home| home.run(["status", "--json"]).ok().json()[0].clone();
    let (here, there) = (listed(&scene.home), listed(&other));
    assert_eq!((&there["account"], &there["grant_id"]), (&json!("default"), &here["grant_id"]));
    assert_eq!(other.run(["token", "-p", "p"]).ok().line(), scene.newest("access_token"));
    assert_no_secret(&other, scene.server.secrets_minted());
    // What is there is not replaced by accident.
    other.run_with(["import", "-"], &export.stdout).fails(3);
    other.run_with(["import", "--replace", "-"], &export.stdout).ok();
    other.run_with(["import", "-"], &export.stdout[..export.stdout.len() - 9]).fails(2);
    other.run_with(["import", "-"], "something else").fails(2);
}

#[test]
fn line_may_come_before_its_profile() {
    let scene = Scene::logged_in("honest", 3600);
    let export = scene.home.run(["export", "-p", "p"]).ok().stdout;
    let other = Home::new();
    let early = other.run_with(["import", "-"], &export).ok().stderr;
    assert!(early.contains("warning: no profile `p`"), "{early}");
    assert!(early.contains("hint: add the profile: `oauthctl profile add p --issuer"), "{early}");
    other.profile("p", &scene.server.issuer("honest"), "cli", "scopes = [\"api\"]");
    assert_eq!(other.run(["token", "-p", "p"]).ok().line(), scene.newest("access_token"));
    let late = other.run_with(["import", "--replace", "-"], &export).ok().stderr;
    assert!(!late.contains("warning:"), "{late}");
}

#[test]
fn encrypted_line_needs_the_identity() {
    let scene = Scene::logged_in("honest", 3600);
    let keygen = scene.home.run(["--json", "store", "keygen"]).ok().json();
    let (identity, recipient) =
        (keygen["identity"].as_str().unwrap(), keygen["recipient"].as_str().unwrap());
    let line = scene.home.run(["export", "-p", "p", "--recipient", recipient]).ok().stdout;
    let other = machine(&scene);
    other.run_with(["import", "-"], &line).fails(10);
    // A pipe without a writer is not a key, and does not block.
    let mut with_pipe = machine(&scene);
    let pipe = with_pipe.path("tmp/pipe");
    let (fifo, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600));
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, mode, 0).unwrap();
    with_pipe.set("OAUTHCTL_STORE_KEY_FILE", &pipe);
    with_pipe.run_with(["import", "-"], &line).fails(10);
    let mut with_key = machine(&scene);
    with_key.set("OAUTHCTL_STORE_KEY", identity);
    with_key.run_with(["import", "-"], &line).ok();
    assert_eq!(with_key.run(["token", "-p", "p"]).ok().line(), scene.newest("access_token"));
    let mut with_file = machine(&scene);
    let file = with_file.path("tmp/ci.key");
    with_file.write(&file, &format!("# a remark\n{identity}\n"));
    with_file.set("OAUTHCTL_STORE_KEY_FILE", &file);
    with_file.run_with(["import", "-"], &line).ok();
    scene.home.run(["export", "-p", "p", "--recipient", "age1nonsense"]).fails(2);
}

#[test]
fn ci_job_imports_once_and_then_uses_its_store() {
    let scene = Scene::logged_in("honest", 30);
    let line = scene.home.run(["export", "-p", "p"]).ok().stdout;
    let mut job = machine(&scene);
    job.set("OAUTHCTL_IMPORT", line.trim_end());
    // Filled first, and then refreshed once, however many begin at once.
    let token = crate::scene::same_token(job.run_many(16, &["token", "-p", "p"]));
    assert_eq!(token, scene.newest("access_token"));
    assert_eq!(scene.refreshes(), 1);
    // The line is older than the store by now: it never overwrites.
    job.run(["token", "-p", "p", "--force-refresh"]).ok();
    let output =
        job.run(["exec", "-p", "p", "--", "sh", "-c", "echo $OAUTH_ACCESS_TOKEN$OAUTHCTL_IMPORT"]);
    assert_eq!(output.ok().line(), scene.newest("access_token"));
    assert_eq!(scene.refreshes(), 2);
    assert_eq!(stored(&job)["tokens"]["refresh_token"], scene.newest("refresh_token"));
    assert_no_secret(&job, scene.server.secrets_minted());
}

/// A job may begin with any of them.
#[test]
fn empty_store_is_filled_for_every_use_of_it() {
    let scene = Scene::logged_in("honest", 3600);
    scene.home.run(["attr", "set", "-p", "p", "team", "blue"]).ok();
    let line = scene.home.run(["export", "-p", "p"]).ok().stdout;
    for command in [
        &["token", "-p", "p"][..],
        &["token", "-p", "p", "--cached"],
        &["exec", "-p", "p", "--", "true"],
        &["refresh", "p"],
        &["export", "p"],
        &["inspect", "-p", "p"],
        &["introspect", "-p", "p"],
        &["userinfo", "-p", "p"],
        &["attr", "get", "-p", "p", "team"],
        &["attr", "set", "-p", "p", "team", "red"],
        &["attr", "list", "-p", "p"],
        &["attr", "unset", "-p", "p", "team"],
    ] {
        let mut job = machine(&scene);
        job.set("OAUTHCTL_IMPORT", line.trim_end());
        let output = job.run(command);
        assert!(output.stderr.starts_with("Imported `p`.\n"), "{command:?}: {output:?}");
        assert!(output.status != 4, "{command:?}: {output:?}");
        assert_eq!(files_like(&job, ".age").len(), 1, "{command:?}");
    }
}

#[test]
fn invalid_import_line_is_reported_if_needed() {
    let mut scene = Scene::logged_in("honest", 30);
    let mut job = machine(&scene);
    job.set("OAUTHCTL_IMPORT", "oauthctl-1-plain.CANARYnotaline");
    let output = job.run(["token", "-p", "p"]).fails(2);
    assert!(output.stderr.contains("OAUTHCTL_IMPORT"), "{}", output.stderr);
    assert!(!output.stderr.contains("CANARYnotaline"), "{}", output.stderr);
    assert!(files_like(&job, ".age").is_empty());
    // Where the account is stored the line is not needed, and not read.
    scene.home.set("OAUTHCTL_IMPORT", "oauthctl-1-plain.CANARYnotaline");
    let token = scene.home.run(["token", "-p", "p"]).ok();
    assert_eq!(token.line(), scene.newest("access_token"));
}

#[test]
fn line_of_newer_program_or_other_profile_is_ignored() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let scene = Scene::logged_in("honest", 3600);
    let line = scene.home.run(["export", "-p", "p"]).ok().stdout;
    let begin = line.split_once('.').unwrap().0;
    let mut record = exported(&line);
    let written = |record: &serde_json::Value| {
        format!("{begin}.{}", URL_SAFE_NO_PAD.encode(record.to_string()))
    };
    let mut other = machine(&scene);
    assert_eq!(record["version"], 1);
    record["version"] = json!(2);
    let output = other.run_with(["import", "-"], &written(&record)).fails(10);
    assert!(output.stderr.contains("a newer oauthctl"), "{}", output.stderr);
    other.set("OAUTHCTL_IMPORT", written(&record));
    other.run(["token", "-p", "p"]).fails(10);
    assert!(files_like(&other, ".age").is_empty());
    record["version"] = json!(1);
    other.run_with(["import", "-"], &written(&record)).ok();

    // Whoever asks for another profile's token gets neither this one nor this account.
    let mut job = Home::new();
    for name in ["p", "q"] {
        job.profile(name, &scene.server.issuer("honest"), "cli", "scopes = [\"api\"]");
    }
    job.set("OAUTHCTL_IMPORT", line.trim_end());
    job.run(["token", "-p", "q"]).fails(4);
    assert!(files_like(&job, ".age").is_empty());
    assert_eq!(job.run(["token", "-p", "p"]).ok().line(), scene.newest("access_token"));
    job.run(["token", "-p", "q"]).fails(4);
}

/// A line that was printed before the last refreshes holds a refresh token that the server has replaced.
#[test]
fn superseded_import_line_is_not_used() {
    let mut scene = Scene::logged_in("honest", 3600);
    let line = scene.home.run(["export", "-p", "p"]).ok().stdout;
    scene.home.run(["refresh", "p"]).ok();
    let newest = scene.home.run(["export", "-p", "p"]).ok().stdout;
    let own = scene.record();
    let elsewhere = format!("file:{}", scene.home.path("elsewhere").display());
    // Another store, and the same one emptied.
    scene.home.run_with(["--store", &elsewhere, "import", "-"], &line).fails(10);
    std::fs::rename(&own, own.with_extension("kept")).unwrap();
    let output = scene.home.run_with(["import", "-"], &line).fails(10);
    assert!(output.stderr.contains("is an older copy"), "{}", output.stderr);
    assert!(output.stderr.contains("use `--replace`"), "{}", output.stderr);
    scene.home.set("OAUTHCTL_IMPORT", line.trim_end());
    for store in [&[][..], &["--store", &elsewhere]] {
        let output = scene.home.run([store, &["token", "-p", "p"]].concat()).fails(10);
        assert!(
            output.stderr.contains("cannot import the account in OAUTHCTL_IMPORT"),
            "{}",
            output.stderr
        );
    }
    scene.home.unset("OAUTHCTL_IMPORT");
    assert_eq!(scene.refreshes(), 1);
    // The newest line is accepted, and so is an old one with `--replace`.
    scene.home.run_with(["import", "-"], &newest).ok();
    scene.home.run(["refresh", "p"]).ok();
    scene.home.run_with(["import", "--replace", "-"], &newest).ok();
    assert_eq!(scene.refreshes(), 2);
    // After a logout nothing is known; where no token is replaced, an old line is as good as a new one.
    let scene = Scene::scripted_as("no-rotation").log_in(3600);
    let line = scene.home.run(["export", "-p", "p"]).ok().stdout;
    scene.home.run(["refresh", "p"]).ok();
    scene.home.run_with(["--store", &elsewhere, "import", "-"], &line).ok();
    scene.home.run(["--store", &elsewhere, "refresh", "p"]).ok();
}

/// Whatever is stored by then, it is not taken for an older copy of what was there before.
#[test]
fn killed_import_leaves_a_refreshable_record() {
    let scene = Scene::logged_in("honest", 3600);
    scene.server.set(&json!({ "grace": 1_000_000 }));
    let line = scene.home.run(["export", "-p", "p"]).ok().stdout;
    let old = scene.stored();
    let (mut died, mut imported) = (0, 0);
    for nth in 1..20 {
        scene.home.run(["refresh", "p"]).ok();
        let inject = format!("inject=renameat:signal=KILL:when={nth}");
        let options = ["-e", "trace=renameat", "-e", &inject];
        let output = traced_with(&scene.home, &options, &["import", "--replace", "-"], &line);
        imported += u32::from(scene.stored() == old);
        scene.home.run(["refresh", "p"]).ok();
        if output.status == 0 {
            break;
        }
        assert_eq!(output.status, 137, "{nth}: {}", output.stderr);
        died += 1;
    }
    assert!(died >= 2 && imported >= 2, "{died} died, {imported} were imported");
}

#[test]
fn every_rotation_is_written_back() {
    let mut scene = Scene::new("honest");
    let sink = scene.home.path("tmp/secret");
    let issuer = scene.server.issuer("honest");
    let command = format!("cat >{0}.new; mv {0}.new {0}; echo noise", sink.display());
    let more = format!("scopes = [\"api\"]\nwrite_back = [\"sh\", \"-c\", {command:?}]");
    scene.home.config("").profile("p", &issuer, "cli", &more);
    scene.server.set(&json!({ "expires_in": 30 }));
    scene.home.login("p");
    for _ in 0..3 {
        let output = scene.home.run(["token", "-p", "p", "--min-ttl", "5m"]).ok();
        assert_eq!(output.line(), scene.newest("access_token"));
        let line = std::fs::read_to_string(&sink).unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        let job = machine(&scene);
        job.run_with(["import", "-"], &line).ok();
        assert_eq!(stored(&job)["tokens"]["refresh_token"], scene.newest("refresh_token"));
    }
    assert_eq!(scene.refreshes(), 3);
    // One that fails is a warning: the tokens are stored here.
    let more = "scopes = [\"api\"]\nwrite_back = [\"sh\", \"-c\", \"exit 3\"]";
    scene.home.config("").profile("p", &issuer, "cli", more);
    let output = scene.home.run(["token", "-p", "p", "--min-ttl", "5m"]).ok();
    assert!(output.stderr.contains("write_back"), "{}", output.stderr);
    assert_eq!(output.line(), scene.newest("access_token"));
}
