//! Other users of the machine, who may use the agent or not.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::Agent;
use crate::support::{AS_NOBODY, Api, can_start, give_away};

/// Asks as the user `nobody`, who can read neither this program nor its files.
fn asked_by_another(agent: &Agent) -> String {
    asked_by(65534, agent)
}

fn asked_by(user: u32, agent: &Agent) -> String {
    const ASK: &str = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(60); \
         s.connect(sys.argv[1]); s.sendall(b'{\"op\":\"token\"}\\n'); print(s.makefile().readline())";
    let user = user.to_string();
    let output = std::process::Command::new("setpriv")
        .args(["--reuid", &user, "--regid", &user, "--clear-groups", "/usr/bin/python3", "-c", ASK])
        .arg(&agent.path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn other_user_needs_allow_uid() {
    let home = Api::echo().home("", "");
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for path in ["", "run"] {
        open(&home.path(path), 0o755);
    }
    // The mode of the socket keeps others out.
    assert_eq!(asked_by_another(&Agent::start(&home, &[])), "");
    let said = asked_by_another(&Agent::start(&home, &["--allow-uid", "65534"]));
    assert!(said.contains("\"access_token\":\"stored\""), "{said}");
    // So do their credentials, where everybody can open it.
    let agent = Agent::start(&home, &["--allow-uid", "12345"]);
    open(&agent.path, 0o666);
    let said = asked_by_another(&agent);
    assert!(said.contains("access_denied") && !said.contains("stored"), "{said}");
}

#[test]
fn user_who_may_not_connect_learns_why() {
    if !can_start(&AS_NOBODY) {
        println!("NOT RUN: nobody cannot start the program from where it was built");
        return;
    }
    let home = Api::echo().home("", "");
    for path in ["", "run"] {
        std::fs::set_permissions(home.path(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let agent = Agent::start(&home, &[]);
    let client = agent.client();
    give_away(&client);
    let told = client.spawn_through(&AS_NOBODY, &["token", "--json"]).wait().fails(5);
    let told: Value = serde_json::from_str(&told.stderr).unwrap();
    assert_eq!(told["error"], "access_denied");
    assert!(told["hint"].as_str().unwrap().contains("`--allow-uid UID`"), "{told}");
}

/// The access control list of the socket names the users: nobody else can even connect.
#[test]
fn allow_uid_opens_the_socket_to_that_user_alone() {
    let home = Api::echo().home("", "");
    for path in ["", "run"] {
        std::fs::set_permissions(home.path(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let agent = Agent::start(&home, &["--allow-uid", "65533", "--allow-uid", "12345"]);
    assert_eq!(asked_by(65534, &agent), "");
    for user in [65533, 12345] {
        let said = asked_by(user, &agent);
        assert!(said.contains("\"access_token\":\"stored\""), "{said}");
    }
}

/// Others who hold their connections open do not keep the user out, whether they may use the agent or not.
#[test]
fn other_users_do_not_fill_the_agent() {
    const HOLD: &str = "import socket, sys, time\nall = []\n\
        for _ in range(100):\n s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); all.append(s)\n\
        print('held', flush=True); time.sleep(60)";
    let home = Api::echo().home("", "");
    for path in ["", "run"] {
        std::fs::set_permissions(home.path(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    for arguments in [&[][..], &["--allow-uid", "65534"]] {
        let agent = Agent::start(&home, arguments);
        std::fs::set_permissions(&agent.path, std::fs::Permissions::from_mode(0o666)).unwrap();
        let mut others = std::process::Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .args(["/usr/bin/python3", "-c", HOLD])
            .arg(&agent.path)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 5];
        others.stdout.take().unwrap().read_exact(&mut said).unwrap();
        let answer = agent.client().run(["token"]);
        others.kill().unwrap();
        others.wait().unwrap();
        assert_eq!(answer.ok().line(), "stored", "{arguments:?}");
    }
}
