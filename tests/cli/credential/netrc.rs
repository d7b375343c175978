use std::fs;

use super::planted_with;
use crate::fixture::{TOKEN, grant, plant};

const SETTINGS: &str = "[credential.netrc.\"api.example\"]\nprofile = \"p\"\n\
    [credential.netrc.\"https://git.example\"]\nprofile = \"p\"\nusername = \"ada\"\n";

#[test]
fn netrc_has_a_line_for_each_host() {
    let home = planted_with(SETTINGS);
    let first = format!("machine api.example login oauth2 password {TOKEN}\n");
    let second = format!("machine git.example login ada password {TOKEN}\n");
    assert_eq!(home.run(["credential", "netrc"]).ok().stdout, format!("{first}{second}"));
    assert_eq!(home.run(["credential", "netrc", "api.example"]).ok().stdout, first);
    home.run(["credential", "netrc", "other.example"]).fails(3);
}

#[test]
fn netrc_token_stays_in_its_place() {
    let home = planted_with(SETTINGS);
    for token in ["a\"b", "a\\b", "a#b"] {
        plant(&home, &grant("default", token, |_| ()));
        assert_eq!(home.run(["credential", "netrc"]).fails(10).stdout, "");
    }
    let home = planted_with("[credential.netrc.\"a.example\"]\nusername = \"a password b\"\n");
    assert_eq!(home.run(["credential", "netrc"]).fails(3).stdout, "");
    for key in ["a.example:8443", "https://a.example/group"] {
        let home = planted_with(&format!("[credential.netrc.\"{key}\"]\nprofile = \"p\"\n"));
        assert_eq!(home.run(["credential", "netrc"]).fails(3).stdout, "", "{key}");
    }
}

#[test]
fn netrc_is_written_to_a_pipe_and_no_file() {
    let home = planted_with(SETTINGS);
    let (pipe, file) = (home.path("pipe"), home.path("file"));
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let writer = home.spawn(["credential", "netrc", "--pipe", pipe.to_str().unwrap()]);
    assert!(fs::read_to_string(&pipe).unwrap().contains(TOKEN));
    assert_eq!(writer.wait().ok().stdout, "");
    home.write(&file, "");
    for path in [&file, &home.path("missing"), &home.path("home")] {
        home.run(["credential", "netrc", "--pipe", path.to_str().unwrap()]).fails(2);
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "");
}

/// Its user is warned before the token is there.
#[test]
fn netrc_that_others_can_read_causes_a_warning() {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let home = planted_with(SETTINGS);
    assert_eq!(home.run(["credential", "netrc"]).ok().stderr, "");
    let (pipe, fifo) = (home.path("pipe"), rustix::fs::FileType::Fifo);
    let owner = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, owner, 0).unwrap();
    for (mode, is_exposed) in [(0o600, false), (0o640, true), (0o604, true), (0o622, false)] {
        let path = home.path(&format!("netrc-{mode:o}"));
        let file = fs::File::options().write(true).create_new(true).mode(0o600).open(&path);
        let permissions = || fs::Permissions::from_mode(mode);
        fs::set_permissions(&path, permissions()).unwrap();
        let output = home.command(["credential", "netrc"]).stdout(file.unwrap()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let warning = "warning: the token is written to a file that other users can read\nhint: ";
        assert_eq!(said.starts_with(warning), is_exposed, "{mode:o}: {said}");
        assert!(fs::read_to_string(&path).unwrap().contains(TOKEN) && !said.contains(TOKEN));
        fs::set_permissions(&pipe, permissions()).unwrap();
        let writer = home.spawn(["credential", "netrc", "--pipe", pipe.to_str().unwrap()]);
        assert!(fs::read_to_string(&pipe).unwrap().contains(TOKEN));
        let said = writer.wait().ok().stderr;
        assert_eq!(said.contains("a pipe that other users can read"), is_exposed, "{said}");
    }
}
