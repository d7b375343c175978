//! The agent as a service: what `packaging/` gives to systemd and launchd.

use rustix::process::Signal;

use crate::support::{Api, Home};

fn packaged(name: &str) -> String {
    let path = format!("{}/packaging/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// Runs what a unit runs, and ends it as a service manager does.
fn serves(home: &Home, words: &[String], socket: &str) {
    assert!(words[0].ends_with("/oauthctl"), "{words:?}");
    let mut agent = home.spawn(&words[1..]);
    let line = agent.await_stdout(|text| text.ends_with('\n').then(|| text.to_owned()));
    assert_eq!(line, format!("OAUTHCTL_AGENT=unix:{socket}\n"));
    let mut client = Home::new();
    client.set("OAUTHCTL_AGENT", format!("unix:{socket}"));
    assert_eq!(client.run(["token"]).ok().line(), "stored");
    agent.signal(Signal::TERM);
    agent.wait().ok();
}

#[test]
fn systemd_unit_runs_the_agent() {
    let home = Api::echo().home("", "");
    let runtime = home.path("run");
    std::fs::create_dir_all(runtime.join("oauthctl")).unwrap();
    let unit = packaged("oauthctl-agent.service");
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let line = line.replace("%t", runtime.to_str().unwrap());
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    // It is where clients look for it.
    let socket = runtime.join("oauthctl/agent.sock").display().to_string();
    assert!(words.contains(&socket), "{words:?}");
    serves(&home, &words, &socket);
}

#[test]
fn launchd_job_runs_the_agent() {
    let home = Api::echo().home("", "");
    let job = packaged("oauthctl-agent.plist");
    let (_, list) = job.split_once("<key>ProgramArguments</key>").unwrap();
    let (list, _) = list.split_once("</array>").unwrap();
    let word = |line: &str| {
        Some(line.trim().strip_prefix("<string>")?.strip_suffix("</string>")?.to_owned())
    };
    let words: Vec<String> = list.lines().filter_map(word).collect();
    let socket = home.path("run/oauthctl/agent.sock");
    serves(&home, &words, socket.to_str().unwrap());
}
