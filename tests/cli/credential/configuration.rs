use crate::fixture::PROFILE;
use crate::support::Home;

fn error_of(toml: &str) -> String {
    let home = Home::new();
    home.config(&format!("{PROFILE}{toml}"));
    home.run(["profile", "list"]).fails(3).stderr
}

#[test]
fn credential_tables_are_strict() {
    for (toml, expected) in [
        ("[credential.gitt.\"https://a.example\"]\n", "unknown key `gitt` in [credential]"),
        (
            "[credential.git.\"https://a.example\"]\nprofil = \"p\"\n",
            "6:1: unknown key `profil` in [credential.git.\"https://a.example\"], did you mean `profile`?",
        ),
        (
            "[credential.git.\"https://a.example\"]\nprofile = \"q\"\n",
            "names an unknown profile: `q`",
        ),
        ("[credential.git]\nprofile = \"p\"\n", "`profile` must be under [credential.git.\"KEY\"]"),
        ("[credential.git.\"http://a.example\"]\n", "must use https"),
        ("[credential.git.\"https://a.example\\n\"]\n", "control characters"),
        ("[credential.git.\"https://u:p@a.example\"]\n", "at most a user name"),
        ("[credential.git.\"a.example\"]\nrole_arn = \"x\"\n", "for [credential.aws] only"),
        ("[credential.git.\"a.example\"]\ntoken = \"refresh\"\n", "`access_token` or `id_token`"),
        ("[credential.aws.dev]\n", "needs a `role_arn`"),
        ("[credential.aws.dev]\nrole_arn = \"x\"\nduration = \"5m\"\n", "between 15m and 12h"),
        ("[credential.aws.dev]\nrole_arn = \"x\"\nrole_session_name = \"a b\"\n", "2 to 64"),
        ("[credential.aws.dev]\nrole_arn = \"x\"\nendpoint = \"http://a.example\"\n", "https"),
    ] {
        let stderr = error_of(toml);
        assert!(stderr.contains(expected), "{toml}: {stderr}");
    }
}

#[test]
fn helper_without_settings_says_what_to_add() {
    let home = Home::new();
    home.config(PROFILE);
    for tool in ["kubernetes", "netrc", "npm"] {
        let stderr = home.run(["credential", tool]).fails(3).stderr;
        let (_, hint) = stderr.split_once("hint: add `").unwrap();
        let (table, _) = hint.split_once("` to the configuration, with the key `profile`").unwrap();
        assert!(table.starts_with(&format!("[credential.{tool}.\"")), "{stderr}");
        home.config(&format!("{PROFILE}{table}\nprofile = \"p\"\n"));
        // Nobody is logged in.
        home.run(["credential", tool]).fails(4);
        home.config(PROFILE);
    }
}
