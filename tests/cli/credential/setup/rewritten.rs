//! Kubeconfigs that kubectl has rewritten since the setup.

use std::fs;

use super::super::planted_with;
use super::SETTINGS;
use crate::support::Home;

/// A user that runs this program, as kubectl writes it.
fn user_of(program: &str) -> String {
    format!(
        "- name: oauthctl-k8s.example\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n\
         \x20     args:\n      - credential\n      - kubernetes\n      - https://k8s.example\n      \
         command: {program}\n      env: null\n      interactiveMode: Never\n      provideClusterInfo: true\n"
    )
}

/// A kubeconfig in JSON with these users. OURS among them stands for one that runs this program.
fn json_with(users: &str, program: &str) -> String {
    let args = "\"args\": [\"credential\", \"kubernetes\", \"https://k8s.example\"]";
    let user = format!(
        "{{\"name\": \"oauthctl-k8s.example\",\n \"user\": {{\"exec\": \
         {{\"command\": {program:?}, {args}}}}}}}"
    );
    format!("{{\n  \"users\": [{}],\n  \"a\": 1\n}}\n", users.replace("OURS", &user))
}

/// `kubectl config` writes the whole file anew: the next step of the setup is such a command.
#[test]
fn kubernetes_setup_survives_a_rewrite_by_kubectl() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.kube/config");
    home.run(["credential", "setup", "kubernetes"]).ok();
    let program = home.command([""]).get_program().to_string_lossy().into_owned();
    let head = "apiVersion: v1\ncontexts:\n- context:\n    user: oauthctl-k8s.example\n  name: dev\n\
        kind: Config\nusers:\n";
    let rewritten = format!("{head}{}", user_of(&program));
    home.write(&path, &rewritten);
    let again = home.run(["credential", "setup", "kubernetes"]).ok().stderr;
    assert!(again.contains("is already set up for"), "{again}");
    assert_eq!(fs::read_to_string(&path).unwrap(), rewritten);
    // The program was moved: the file still runs the one that set it up.
    let mut moved = home.tool(crate::fixture::alone());
    let output = moved.args(["credential", "setup", "kubernetes"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && said.contains("with another program"), "{said}");
    let hint = "run `oauthctl credential setup kubernetes https://k8s.example --undo` first";
    assert!(said.contains(hint), "{said}");
    // A user of this name that another program wrote stays alone.
    home.write(&path, &rewritten.replace(&program, "another"));
    is_of_another(&home, "hint: rename or remove that user in the file");
    // The user has removed it.
    home.write(&path, head);
    let undone = home.run(["credential", "setup", "kubernetes", "--undo"]).fails(3).stderr;
    assert!(undone.contains("is not set up for"), "{undone}");
    home.run(["credential", "setup", "kubernetes"]).ok();
    home.run(["credential", "setup", "kubernetes", "--undo"]).ok();
    assert_eq!(fs::read_to_string(&path).unwrap(), head);
}

#[test]
fn kubernetes_setup_in_a_rewritten_file_is_undone() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.kube/config");
    let program = home.command([""]).get_program().to_string_lossy().into_owned();
    let ours = user_of(&program);
    let indented: String = ours.lines().map(|line| format!("  {line}\n")).collect();
    let (head, next) = ("apiVersion: v1\nusers:\n", "- name: b\n  user: {}\npreferences: {}\n");
    let json = |users: &str| json_with(users, &program);
    let with_token = ours.replace("user:\n", "user:\n    token: t # mine\n");
    for (rewritten, after) in [
        (format!("{head}{ours}{next}"), format!("{head}{next}")),
        (
            format!("{head}- name: a\n# ours\n{ours}# next\n{next}"),
            format!("{head}- name: a\n# ours\n# next\n{next}"),
        ),
        (format!("users: # c\n{indented}x: y\n"), "users: null # c\nx: y\n".to_owned()),
        (format!("users:\n{}", ours.trim_end()), "users: null\n".to_owned()),
        (
            format!("a: b\r\nusers:\r\n{}", ours.replace('\n', "\r\n")),
            "a: b\r\nusers: null\r\n".to_owned(),
        ),
        (
            format!(
                "users:\n{}",
                ours.replace("env: null", "installHint: |\n        One\n\n        two.\n")
            ),
            "users: null\n".to_owned(),
        ),
        (
            format!("{head}{with_token}{next}"),
            format!(
                "{head}{}{next}",
                "- name: oauthctl-k8s.example\n  user:\n    token: t # mine\n"
            ),
        ),
        (json("OURS"), json("")),
        (json("\n    OURS,\n    {\"name\": \"b\"}\n  "), json("\n    {\"name\": \"b\"}\n  ")),
        (
            json("{\"name\": \"b\"}, OURS, {\"name\": \"b\"}"),
            json("{\"name\": \"b\"}, {\"name\": \"b\"}"),
        ),
        (json("{\"name\": \"b\"}, OURS"), json("{\"name\": \"b\"}")),
    ] {
        home.write(&path, "kind: Config\n");
        home.run(["credential", "setup", "kubernetes"]).ok();
        home.write(&path, &rewritten);
        let undone = home.run(["credential", "setup", "kubernetes", "--undo"]);
        assert_eq!(undone.status, 0, "{rewritten}: {}", undone.stderr);
        let undone = undone.stderr;
        assert!(undone.contains("Removed from") && undone.contains(&program), "{undone}");
        assert_eq!(fs::read_to_string(&path).unwrap(), after, "{rewritten}");
        let again = home.run(["credential", "setup", "kubernetes", "--undo"]).fails(3).stderr;
        assert!(again.contains("is not set up for"), "{again}");
    }
}

#[test]
fn kubeconfig_that_setup_created_is_removed_if_empty() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.kube/config");
    let program = home.command([""]).get_program().to_string_lossy().into_owned();
    let ours = user_of(&program);
    // What kubectl writes into each file is not worth keeping, other text is.
    let whole =
        format!("{ours}apiVersion: v1\nclusters: null\npreferences: {{}}\ncurrent-context: \"\"\n");
    for (rewritten, is_kept) in
        [(&whole, false), (&format!("{whole}# mine\n"), true), (&format!("{whole}a: b\n"), true)]
    {
        let _ = fs::remove_file(&path);
        home.run(["credential", "setup", "kubernetes"]).ok();
        home.write(&path, &format!("users:\n{rewritten}"));
        home.run(["credential", "setup", "kubernetes", "--undo"]).ok();
        assert_eq!(path.exists(), is_kept, "{rewritten}");
    }
}

/// Asserts that neither the setup nor what reverts it touches the user in the file, or tells to delete it.
fn is_of_another(home: &Home, hint: &str) {
    let path = home.path("home/.kube/config");
    let before = fs::read_to_string(&path).unwrap();
    let taken = home.run(["credential", "setup", "kubernetes"]).fails(3).stderr;
    assert!(taken.contains("the file already has ") && taken.contains(hint), "{taken}");
    let undone = home.run(["credential", "setup", "kubernetes", "--undo"]).fails(3).stderr;
    assert!(undone.contains("is not set up for"), "{undone}");
    let uninstall = home.run(["uninstall", "--dry-run"]).ok().stderr;
    for said in [taken, undone, uninstall] {
        assert!(!said.contains("delete-user"), "{said}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
}

#[test]
fn kubernetes_user_of_another_program_is_not_ours() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.kube/config");
    home.run(["credential", "setup", "kubernetes"]).ok();
    let program = home.command([""]).get_program().to_string_lossy().into_owned();
    let user = |name: &str, command: &str, key: &str| {
        format!(
            "- name: {name}\n  user:\n    exec:\n      args:\n      - credential\n      - kubernetes\n\
             \x20     - {key}\n      command: {command}\n"
        )
    };
    let ours = "oauthctl-k8s.example";
    for foreign in [
        "- name: oauthctl-k8s.example\n  user:\n    token: CANARY-token\n".to_owned(),
        user(ours, "other", "https://k8s.example"),
        user(ours, &format!("{program}-2"), "https://k8s.example"),
        user(ours, &program, "https://k8s.example/other"),
        "- user: {token: CANARY-token}\n  name: 'oauthctl-k8s.example'\n".to_owned(),
        "- {name: oauthctl-k8s.example, user: {token: CANARY-token}}\n".to_owned(),
    ] {
        // Another user runs the program, and for this table.
        let next = user("ada", &program, "https://k8s.example");
        home.write(&path, &format!("users:\n{foreign}{next}# {program}\n"));
        is_of_another(&home, "rename ");
    }
}

/// The command removes the user where its lines are not certain.
#[test]
fn kubernetes_user_at_an_unclear_place_stays() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.kube/config");
    home.run(["credential", "setup", "kubernetes"]).ok();
    let program = home.command([""]).get_program().to_string_lossy().into_owned();
    let ours = user_of(&program);
    let remove = format!(
        "`kubectl config --kubeconfig {} delete-user oauthctl-k8s.example`",
        path.display()
    );
    for rewritten in [
        // The comment may be about something else.
        format!("users:\n{} # mine\n", ours.trim_end()),
        // kubectl deletes both of them, and uses one.
        format!("users:\n{ours}{ours}"),
        format!("n: &n x\nusers:\n{ours}- name: *n\n"),
        // Another value depends on it.
        format!("users:\n{}a: *v\n", ours.replace("true", "&v true")),
        format!("users:\n{ours}users:\n- name: a\n"),
        format!("users:\n{ours}  extensions: []\n"),
    ] {
        home.write(&path, &rewritten);
        let undone = home.run(["credential", "setup", "kubernetes", "--undo"]).fails(3).stderr;
        assert!(undone.contains(&remove), "{rewritten}: {undone}");
        let mut moved = home.tool(crate::fixture::alone());
        let output = moved.args(["credential", "setup", "kubernetes"]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(&format!("hint: run {remove} first")), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), rewritten);
    }
}

/// kubectl puts such a name into single quotes.
#[test]
fn kubernetes_user_with_a_quote_is_recognized() {
    let home = planted_with("[credential.kubernetes.\"it's: x\"]\nprofile = \"p\"\n");
    let path = home.path("home/.kube/config");
    home.run(["credential", "setup", "kubernetes"]).ok();
    let written = fs::read_to_string(&path).unwrap();
    let rewritten = written
        .replace("\"oauthctl-it's: x\"", "'oauthctl-it''s: x'")
        .replace("\"it's: x\"", "'it''s: x'");
    home.write(&path, &rewritten);
    let again = home.run(["credential", "setup", "kubernetes"]).ok().stderr;
    assert!(again.contains("is already set up for"), "{again}");
    let unclear = rewritten.replace("Never\n", "Never # mine\n");
    home.write(&path, &unclear.replace("provideClusterInfo: true", "").replace("      \n", ""));
    let before = fs::read_to_string(&path).unwrap();
    let undone = home.run(["credential", "setup", "kubernetes", "--undo"]).fails(3).stderr;
    assert!(undone.contains(r"delete-user 'oauthctl-it'\''s: x'`"), "{undone}");
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    home.write(&path, &rewritten);
    // The setup does not need its record to recognize the user.
    fs::remove_dir_all(home.state_dir()).unwrap();
    let again = home.run(["credential", "setup", "kubernetes"]).ok().stderr;
    assert!(again.contains("is already set up for"), "{again}");
    assert_eq!(fs::read_to_string(&path).unwrap(), rewritten);
}
