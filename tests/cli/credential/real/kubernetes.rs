use super::super::planted_with;
use super::run;
use crate::fixture::TOKEN;
use crate::support::{Home, Secure, Servers, tests_dir};

/// A stand-in for the API server, and a home whose kubeconfig leads there.
fn cluster() -> (Home, Secure) {
    let server = Servers::secure(TOKEN);
    let home =
        planted_with(&format!("[credential.kubernetes.\"{}\"]\nprofile = \"p\"\n", server.base));
    home.write(&home.path("home/.kube/ca.pem"), &server.ca);
    let authority = server.base.strip_prefix("https://").unwrap();
    home.write(
        &home.path("home/.kube/config"),
        &format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {{server: {:?}, \
             certificate-authority: ca.pem}}\ncontexts:\n- name: c\n  context: {{cluster: c, \
             user: \"oauthctl-{authority}\"}}\ncurrent-context: c\nusers:\n- name: other\n  \
             user: {{token: x}}\n",
            server.base
        ),
    );
    home.run(["credential", "setup", "kubernetes"]).ok();
    (home, server)
}

/// Changes the version of the protocol in the kubeconfig.
fn set_version(home: &Home, version: &str) {
    let path = home.path("home/.kube/config");
    let text = std::fs::read_to_string(&path).unwrap();
    let changed = text.replace("k8s.io/v1\n", &format!("k8s.io/{version}\n"));
    assert!(changed.contains(&format!("client.authentication.k8s.io/{version}\n")), "{changed}");
    home.write(&path, &changed);
}

#[test]
fn kubectl_gets_its_token_in_v1beta1() {
    let (home, _server) = cluster();
    set_version(&home, "v1beta1");
    let said = run(&home, &["kubectl", "get", "--raw", "/version"]).stdout;
    assert!(String::from_utf8(said).unwrap().contains("v1.30.0-notes"));
}

/// The Python client refuses an answer in another version than the one that it asked for.
#[test]
fn python_client_gets_its_token_in_both_versions() {
    const ASK: &str = "from kubernetes import client, config; config.load_kube_config(); \
        print(client.VersionApi().get_code().git_version)";
    let (home, _server) = cluster();
    let python = tests_dir("servers/.venv-kubernetes/bin/python");
    for version in ["v1", "v1beta1"] {
        set_version(&home, version);
        let said = run(&home, &[python.to_str().unwrap(), "-c", ASK]).stdout;
        assert_eq!(String::from_utf8(said).unwrap(), "v1.30.0-notes\n");
    }
}

/// A kubeconfig that kubectl wrote before it had a user.
#[test]
fn kubectl_reads_the_first_user_of_its_file() {
    let home = planted_with("[credential.kubernetes.\"https://k8s.example\"]\nprofile = \"p\"\n");
    run(&home, &["kubectl", "config", "set-context", "c", "--cluster=c"]);
    let path = home.path("home/.kube/config");
    let before = std::fs::read_to_string(&path).unwrap();
    assert!(before.contains("\nusers: null\n"), "{before}");
    home.run(["credential", "setup", "kubernetes"]).ok();
    let users = run(&home, &["kubectl", "config", "get-users"]).stdout;
    assert_eq!(String::from_utf8(users).unwrap(), "NAME\noauthctl-k8s.example\n");
    home.run(["credential", "setup", "kubernetes", "--undo"]).ok();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
}

/// What the setup wrote into each notation of the file.
#[test]
fn kubectl_reads_the_user_in_each_notation() {
    let home = planted_with("[credential.kubernetes.\"https://k8s.example\"]\nprofile = \"p\"\n");
    let path = home.path("home/.kube/config");
    for before in [
        "users: [{name: a}]\n",
        "users: [\n{name: a}\n] # c\n",
        "{\"users\": [{\"name\": \"a\"}]}",
        "users: &u\n# the first\n- name: a\n",
        "  users:\n    - name: a\n  kind: Config\n",
    ] {
        home.write(&path, before);
        home.run(["credential", "setup", "kubernetes"]).ok();
        let users = run(&home, &["kubectl", "config", "get-users"]).stdout;
        assert_eq!(
            String::from_utf8(users).unwrap(),
            "NAME\na\noauthctl-k8s.example\n",
            "{before}"
        );
        home.run(["credential", "setup", "kubernetes", "--undo"]).ok();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    }
}

/// kubectl sorts the file and changes the notation of all of it. Without the setup, it would have written the same file.
#[test]
fn setup_in_a_file_that_kubectl_rewrote_is_undone() {
    let table = |key: &str| format!("[credential.kubernetes.\"{key}\"]\nprofile = \"p\"\n");
    let keys = ["https://k8s.example", "https://two.example"];
    let home = planted_with(&keys.map(table).concat());
    let path = home.path("home/.kube/config");
    let steps = ["--cluster=c", "--namespace=n"];
    let rewrite = |step| run(&home, &["kubectl", "config", "set-context", "c", step]);
    for before in [
        None,
        Some("kind: Config\nusers: [{name: b, user: {token: x}}, {name: z, user: {}}] # c\n"),
        Some("users:\n  - name: z\n    user: {username: a}\n"),
    ] {
        let plant = || match before {
            Some(before) => home.write(&path, before),
            None => drop(std::fs::remove_file(&path)),
        };
        plant();
        steps.iter().for_each(|step| drop(rewrite(step)));
        let expected = std::fs::read_to_string(&path).unwrap();
        plant();
        for key in keys {
            home.run(["credential", "setup", "kubernetes", key]).ok();
        }
        steps.iter().for_each(|step| drop(rewrite(step)));
        for key in keys {
            home.run(["credential", "setup", "kubernetes", key, "--undo"]).ok();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }
    std::fs::remove_file(&path).unwrap();
    // Nothing but what kubectl writes into each file is left.
    home.run(["credential", "setup", "kubernetes", keys[0]]).ok();
    rewrite(steps[0]);
    run(&home, &["kubectl", "config", "delete-context", "c"]);
    home.run(["credential", "setup", "kubernetes", keys[0], "--undo"]).ok();
    assert!(!path.exists());
}
