//! Edits of real files.

use super::*;
use crate::ErrorKind;

const FILE: &str = "# my file\n\n[defaults]\nprofile = \"b\" # the usual\n\n\
    # second first\n[profiles.b]\nissuer = \"https://b.example\"\nclient_id = \"c\"   # spaced\n\n\
    # the other\n[profiles.a]\nclient_id = \"c\"\nissuer = \"https://a.example\"\n# the end\n";

struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }
    fn with(text: &str) -> Self {
        let home = Self::empty();
        std::fs::create_dir_all(home.path().parent().unwrap()).unwrap();
        std::fs::write(home.path(), text).unwrap();
        home
    }
    fn path(&self) -> PathBuf {
        self.directory.path().join("config/oauthctl/config.toml")
    }
    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }
}

fn new(name: &str) -> NewProfile {
    NewProfile {
        name: name.to_owned(),
        issuer: Some("https://n.example".to_owned()),
        client_id: Some("12345".to_owned()),
        ..NewProfile::default()
    }
}

fn set(pairs: &[(&str, &str)]) -> NewProfile {
    let set = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    NewProfile { set, ..new("n") }
}

#[test]
fn profile_is_added_and_everything_else_stays() {
    let home = Home::with(FILE);
    let mut profile = new("n");
    profile.scopes = vec!["read".to_owned(), "write".to_owned()];
    profile.client_secret_item = Some("client-secret/n".to_owned());
    let config = add(&home.path(), &profile).unwrap();
    assert_eq!(config.profiles["n"].scopes, ["read", "write"]);
    let text = home.text();
    assert!(text.starts_with(FILE.trim_end_matches("# the end\n")), "{text}");
    assert!(text.contains("# the end\n"), "{text}");
    assert!(
        text.contains(
            "\n[profiles.n]\nissuer = \"https://n.example\"\nclient_id = \"12345\"\n\
             client_secret = { keyring = \"client-secret/n\" }\nscopes = [\"read\", \"write\"]\n"
        ),
        "{text}"
    );
    assert_eq!(Config::load(&home.path()).unwrap().profiles.len(), 3);
}

#[test]
fn first_profile_creates_private_file_and_directories() {
    let home = Home::empty();
    add(&home.path(), &new("n")).unwrap();
    assert!(home.text().starts_with("[profiles.n]\n"), "{}", home.text());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&home.path()), 0o600);
        assert_eq!(mode(home.path().parent().unwrap()), 0o700);
        assert_eq!(mode(home.path().parent().unwrap().parent().unwrap()), 0o700);
    }
}

#[test]
fn values_are_toml_or_text() {
    let home = Home::empty();
    let profile = set(&[
        ("audience", "api"),
        ("min_ttl", "5m"),
        ("timeout", "90"),
        ("dpop", "true"),
        ("flow", "[\"paste\"]"),
        ("authorization_params.prompt", "consent"),
        ("authorization_params.max_age", "5"),
        ("hooks.pre_token", "[\"a\"]"),
        ("client_secret", "{ env = \"SECRET\" }"),
        ("client_auth", "client_secret_post"),
        ("scope_separator", ","),
    ]);
    let config = add(&home.path(), &profile).unwrap();
    let profile = &config.profiles["n"];
    assert_eq!(profile.audience.as_deref(), Some("api"));
    assert_eq!((profile.min_ttl.as_secs(), profile.timeout.as_secs()), (300, 90));
    assert!(profile.dpop);
    assert_eq!(profile.authorization_params["prompt"], "consent");
    assert_eq!(profile.authorization_params["max_age"], "5");
    assert_eq!(profile.hooks["pre_token"].command, ["a"]);
    assert_eq!(profile.scope_separator, ",");
    assert_eq!(config.profiles, Config::load(&home.path()).unwrap().profiles);
}

#[test]
fn invalid_edit_is_not_written() {
    for (profile, kind) in [
        (new("a"), ErrorKind::Config),
        (new("--x"), ErrorKind::Usage),
        (NewProfile { client_id: None, ..new("n") }, ErrorKind::Config),
        (NewProfile { provider: Some("nobody".into()), ..new("n") }, ErrorKind::Config),
        (set(&[("scops", "[]")]), ErrorKind::Config),
        (set(&[("token_endpoint", "http://as.example/")]), ErrorKind::Config),
        (set(&[("client_id.x", "1")]), ErrorKind::Usage),
        (set(&[("", "1")]), ErrorKind::Usage),
        (set(&[("a..b", "1")]), ErrorKind::Usage),
    ] {
        let home = Home::with(FILE);
        let error = add(&home.path(), &profile).unwrap_err();
        assert_eq!(error.kind(), kind, "{profile:?}: {error}");
        assert_eq!(home.text(), FILE, "untouched");
    }
}

#[test]
fn secret_on_the_command_line_is_refused() {
    for (key, value) in [
        ("client_secret", "hunter2"),
        ("client_secret", "\"hunter2\""),
        ("private_key", "hunter2"),
        ("client_assertion", "hunter2"),
        ("token_params.password", "hunter2"),
        ("token_params", "{ password = \"hunter2\" }"),
    ] {
        let home = Home::with(FILE);
        let error = add(&home.path(), &set(&[(key, value)])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{key}");
        assert!(!error.message().contains("hunter2") && home.text() == FILE);
    }
}

#[test]
fn file_that_is_not_valid_is_not_added_to() {
    let home = Home::with("[profiles.x]\nclient_id = \n");
    let error = add(&home.path(), &new("n")).unwrap_err();
    assert!(error.message().contains("config.toml:2:13: "), "{error}");
    let home = Home::with("[profiles.x]\nscops = 1\n");
    let error = add(&home.path(), &new("n")).unwrap_err();
    assert!(error.message().contains("config.toml:2:1: unknown key `scops`"), "{error}");
}

#[test]
fn profile_is_removed_with_its_comment_alone() {
    let home = Home::with(FILE);
    let config = remove(&home.path(), "a").unwrap();
    assert_eq!(config.profiles.keys().collect::<Vec<_>>(), ["b"]);
    let text = home.text();
    assert!(text.starts_with(FILE.split("\n# the other").next().unwrap()), "{text}");
    assert!(!text.contains("a.example") && !text.contains("# the other"), "{text}");
}

#[test]
fn default_goes_with_its_profile() {
    let home = Home::with(FILE);
    let config = remove(&home.path(), "b").unwrap();
    assert_eq!(config.default_profile(), Some("a"), "the only one left");
    assert!(!home.text().contains("the usual"));
}

#[test]
fn removal_can_repair_an_invalid_file() {
    let home = Home::with(&FILE.replace("issuer = \"https://a.example\"", "isuer = 1"));
    assert!(Config::load(&home.path()).is_err());
    assert!(remove(&home.path(), "a").is_ok());
    assert!(Config::load(&home.path()).is_ok());
    let before = home.text();
    assert_eq!(remove(&home.path(), "a").unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(home.text(), before);
}

#[test]
fn other_spellings_of_a_table_are_edited_too() {
    let home =
        Home::with("profiles.a.issuer = \"https://a.example\"\nprofiles.a.client_id = \"c\"\n");
    add(&home.path(), &new("n")).unwrap();
    assert_eq!(Config::load(&home.path()).unwrap().profiles.len(), 2);
    remove(&home.path(), "a").unwrap();
    assert_eq!(Config::load(&home.path()).unwrap().default_profile(), Some("n"));
    let home =
        Home::with("profiles = { a = { issuer = \"https://a.example\", client_id = \"c\" } }\n");
    add(&home.path(), &new("n")).unwrap();
    assert_eq!(Config::load(&home.path()).unwrap().profiles.len(), 2);
}

#[cfg(unix)]
#[test]
fn link_to_the_file_stays_a_link() {
    let home = Home::with(FILE);
    let link = home.directory.path().join("link.toml");
    std::os::unix::fs::symlink(home.path(), &link).unwrap();
    add(&link, &new("n")).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(home.text().contains("[profiles.n]"));
}

#[cfg(unix)]
#[test]
fn edits_at_once_are_all_kept() {
    let home = Home::with(FILE);
    let path = home.path();
    std::thread::scope(|scope| {
        for i in 0..16 {
            let path = &path;
            scope.spawn(move || add(path, &new(&format!("p{i}"))).unwrap());
        }
    });
    assert_eq!(Config::load(&path).unwrap().profiles.len(), 18);
}

#[test]
fn shown_profile_has_no_secret_and_no_comment() {
    let text = "[profiles.x]\nissuer = \"https://a.example\"\nclient_id = \"c\"\n\
        client_secret = \"hunter2\" # was hunter1\ntoken_params = { password = \"hunter2\", t = \"u\" }\n";
    let file = ConfigFile::of_text(Path::new("c.toml"), text);
    let shown = toml::to_string(&written(&file, "x").unwrap()).unwrap();
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("client_id = \"c\"") && shown.contains("t = \"u\""), "{shown}");
    assert_eq!(written(&file, "y").unwrap_err().kind(), ErrorKind::Config);
}
