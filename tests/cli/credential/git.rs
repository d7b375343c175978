use super::{logged_in_with, planted_with};
use crate::fixture::{FAR, TOKEN};
use crate::support::Home;

const SETTINGS: &str = "[credential.git.\"https://gitlab.example\"]\nprofile = \"p\"\n";

fn get(home: &Home, input: &str) -> String {
    home.run_with(["credential", "git", "get"], input).ok().stdout
}

#[test]
fn git_gets_the_token_as_password() {
    let home = planted_with(SETTINGS);
    let expected = format!("username=oauth2\npassword={TOKEN}\npassword_expiry_utc={FAR}\n");
    for input in [
        "protocol=https\nhost=gitlab.example\n\n",
        "protocol=https\nhost=gitlab.example",
        "protocol=https\nhost=GitLab.example:443\npath=a/b.git\nfoo=bar\nstate[]=x\n\n",
        "url=https://gitlab.example/a\n\n",
    ] {
        assert_eq!(get(&home, input), expected, "{input:?}");
    }
    let with_user = get(&home, "protocol=https\nhost=gitlab.example\nusername=ada\n\n");
    assert!(with_user.starts_with("username=ada\n"), "{with_user}");
}

#[test]
fn git_gets_bearer_where_it_understands_it() {
    let home = planted_with(SETTINGS);
    let place = "protocol=https\nhost=gitlab.example\n";
    let both = get(&home, &format!("capability[]=authtype\ncapability[]=state\n{place}\n"));
    let expected = format!(
        "capability[]=authtype\nauthtype=Bearer\ncredential={TOKEN}\nephemeral=1\n\
         password_expiry_utc={FAR}\n"
    );
    assert_eq!(both, expected);
    let basic = "capability[]=authtype\nwwwauth[]=Basic realm=\"x\"\n";
    assert!(get(&home, &format!("{basic}{place}")).contains("\npassword="));
}

#[test]
fn git_gets_nothing_for_another_place() {
    let home = planted_with(SETTINGS);
    for input in [
        "protocol=https\nhost=gitlab.example.evil.example\n\n",
        "protocol=https\nhost=evil-gitlab.example\n\n",
        "protocol=https\nhost=gitlab.example:8443\n\n",
        "protocol=https\nhost=gitlab.example@evil.example\n\n",
        "protocol=https\nhost=gitlab.example?@evil.example\n\n",
        "protocol=https\nhost=gitlab.example\\n\n\n",
        "protocol=https\nhost=gitlab.example/x\n\n",
        "protocol=http\nhost=gitlab.example\n\n",
        "protocol=smtp\nhost=gitlab.example\n\n",
        "protocol=https\nhost=evil.example\n\nhost=gitlab.example\n\n",
        "protocol=https\nhost=gitlab.example\nhost=evil.example\n\n",
        "host=gitlab.example\n\n",
        "\n",
        "",
    ] {
        assert_eq!(get(&home, input), "", "{input:?}");
    }
}

#[test]
fn git_is_refused_control_characters() {
    let home = planted_with(SETTINGS);
    let long = format!("host={}\n", "a".repeat(70_000));
    for input in [
        "protocol=https\nhost=gitlab.example\r\n\n",
        "protocol=https\nhost=gitlab.example\0.evil.example\n\n",
        "protocol=https\nhost=gitlab.example\nusername=a\u{1b}[31m\n\n",
        "protocol=https\nhost gitlab.example\n\n",
        &long,
    ] {
        let output = home.run_with(["credential", "git", "get"], input).fails(2);
        assert_eq!(output.stdout, "", "{input:?}");
        assert!(!output.stderr.contains('\u{1b}'));
    }
}

#[test]
fn git_store_and_unknown_operations_do_nothing() {
    let home = planted_with(SETTINGS);
    for operation in ["store", "capability", "later"] {
        let input = format!("protocol=https\nhost=gitlab.example\npassword={TOKEN}\n\n");
        let output = home.run_with(["credential", "git", operation], &input).ok();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""), "{operation}");
    }
}

#[test]
fn git_login_required_is_told_on_stderr_only() {
    let home = planted_with(SETTINGS);
    home.run(["logout", "p", "--local"]).ok();
    let output =
        home.run_with(["credential", "git", "get"], "protocol=https\nhost=gitlab.example\n\n");
    assert_eq!(output.fails(4).stdout, "");
}

#[test]
fn git_longest_key_decides() {
    let home = planted_with(
        "[credential.git.\"https://git.example\"]\nusername = \"all\"\n\
         [credential.git.\"https://git.example/group\"]\nusername = \"group\"\n\
         [credential.git.\"https://work@git.example\"]\nusername = \"work\"\n",
    );
    for (input, expected) in [
        ("path=other/x.git\n", "all"),
        ("path=group/x.git\n", "group"),
        ("path=groups/x.git\n", "all"),
        ("username=work\n", "work"),
    ] {
        let text = get(&home, &format!("protocol=https\nhost=git.example\n{input}\n"));
        assert!(text.starts_with(&format!("username={expected}\n")), "{input}: {text}");
    }
}

/// git removes the encoding of a URL before it tells a helper.
#[test]
fn git_path_is_compared_without_its_encoding() {
    let home = planted_with(
        "[credential.git.\"https://git.example/org/My%20Pr%C3%A4sentation%3F\"]\nusername = \"path\"\n\
         [credential.git.\"https://git.example\"]\nusername = \"all\"\n",
    );
    for (path, expected) in [
        ("org/My Präsentation?/_git/x", "path"),
        ("org/My Präsentation?", "path"),
        ("org/My%20Pr%C3%A4sentation%3F", "all"),
        ("org/My", "all"),
        ("a b", "all"),
        ("a\\b\"<#>?^|{}`'@:", "all"),
    ] {
        let text = get(&home, &format!("protocol=https\nhost=git.example\npath={path}\n\n"));
        assert!(text.starts_with(&format!("username={expected}\n")), "{path}: {text}");
    }
    let url = "url=https://git.example/org/My%20Pr%c3%a4sentation%3f/x\n";
    assert!(get(&home, url).starts_with("username=path\n"));
    assert_eq!(get(&home, "protocol=https\nhost=git.example\npath=org/../x\n\n"), "");
}

#[test]
fn git_erase_renews_the_token_at_the_next_get() {
    let settings = "[credential.git.\"https://git.example\"]\nprofile = \"s\"\n";
    let (home, _sandbox) = logged_in_with(settings);
    let place = "protocol=https\nhost=git.example\n";
    let password = || {
        let text = get(&home, &format!("{place}\n"));
        let line = text.lines().find_map(|line| line.strip_prefix("password=")).map(str::to_owned);
        line.unwrap()
    };
    let erase = |input: &str| {
        let output = home.run_with(["credential", "git", "erase"], &format!("{place}{input}\n"));
        assert_eq!(output.ok().stdout, "");
    };
    let first = password();
    assert_eq!(password(), first);
    erase("password=another\n");
    assert_eq!(password(), first, "another password was refused");
    erase(&format!("username=oauth2\npassword={first}\n"));
    let second = password();
    assert_ne!(second, first);
    assert_eq!(password(), second, "renewed once");
    erase("");
    assert_ne!(password(), second);
    home.assert_private();
}
