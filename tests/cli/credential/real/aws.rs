use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::super::planted_with;
use super::run;
use crate::support::tests_dir;

/// A stand-in for AWS that others wrote. It ends when this is dropped.
struct Moto {
    process: Child,
    url: String,
}

impl Moto {
    fn start() -> Self {
        let mut process = Command::new(tests_dir("servers/.venv-aws/bin/moto_server"))
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = std::io::BufReader::new(process.stderr.take().unwrap()).lines();
        let url = lines.find_map(|line| {
            let line = line.unwrap();
            line.split_once("Running on ").map(|(_, url)| url.trim().to_owned())
        });
        // Whatever else it says.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url: url.unwrap() }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn aws_command_line_assumes_the_role() {
    let moto = Moto::start();
    let mut home = planted_with(&format!(
        "[credential.aws.dev]\nprofile = \"p\"\nrole_arn = \"arn:aws:iam::123456789012:role/dev\"\n\
         role_session_name = \"ada\"\nendpoint = {:?}\n",
        moto.url
    ));
    home.run(["credential", "setup", "aws"]).ok();
    home.set("AWS_ENDPOINT_URL", &moto.url).set("AWS_PROFILE", "dev");
    home.set("AWS_DEFAULT_REGION", "eu-central-1");
    let aws = tests_dir("servers/.venv-aws/bin/aws");
    let said = run(&home, &[aws.to_str().unwrap(), "sts", "get-caller-identity"]).stdout;
    let said: Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(said["Arn"], "arn:aws:sts::123456789012:assumed-role/dev/ada");
}

/// Lists the profiles that botocore, the library of the AWS command line, finds in each file.
const PROFILES: &str = "import json, sys; from botocore.configloader import load_config; \
    print(json.dumps([list(load_config(file)['profiles']) for file in sys.argv[1:]]))";

/// A second section would replace the first one, and without any message.
#[test]
fn aws_setup_finds_the_profiles_that_the_tool_finds() {
    let home = planted_with("[credential.aws.dev]\nrole_arn = \"x\"\n");
    let path = home.path("home/.aws/config");
    let files = [
        "[profile dev]\n",
        "[profile  dev]\n",
        "[profile\tdev ]  # ours\n",
        "  [profile \"dev\"]\n",
        "[profile d'e'v]\nregion = x\n",
        "[a]\n[profile dev]]\n",
        "[ profile dev ]\n",
        "[Profile dev]\n",
        "[profile Dev]\n",
        "[profile dev two]\n",
        "[profile 'dev]\n",
        "[dev]\n[profiledev]\n",
        "# [profile dev]\n; [profile dev]\n",
        "[a]\nb = c\n  [profile dev]\n",
        "[a]\nb = c\n\n # c\n  [profile dev]\n",
        "[a]\n  b = c\n  [profile dev]\n",
        // The tool accepts each of the three ends of a line.
        "[a]\r[profile dev]\r",
        "[a]\r\nb = c\r\n[profile dev]\r\n",
        "[a]\nb = c\r[profile dev]",
        "[a]\r# c\r[dev]\r",
        "[a]\rb = c\r\n  [profile dev]\r",
    ];
    let mut names = Vec::new();
    for (at, file) in files.iter().enumerate() {
        let copy = home.path(&format!("copy-{at}"));
        home.write(&copy, file);
        names.push(copy.display().to_string());
    }
    let python = tests_dir("servers/.venv-aws/bin/python").display().to_string();
    let words: Vec<&str> = [python.as_str(), "-c", PROFILES]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    let found: Vec<Vec<String>> = serde_json::from_slice(&run(&home, &words).stdout).unwrap();
    for (file, found) in files.into_iter().zip(found) {
        home.write(&path, file);
        let is_refused = home.run(["credential", "setup", "aws"]).status == 3;
        assert_eq!(is_refused, found.contains(&"dev".to_owned()), "{file:?}: {found:?}");
        if !is_refused {
            home.run(["credential", "setup", "aws", "--undo"]).ok();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), file);
    }
}

#[test]
fn aws_profile_with_a_space_is_set_up() {
    for key in ["my dev", "it's", "a\"b"] {
        let home = planted_with(&format!("[credential.aws.{key:?}]\nrole_arn = \"x\"\n"));
        home.run(["credential", "setup", "aws"]).ok();
        let aws = tests_dir("servers/.venv-aws/bin/aws");
        let words = ["configure", "get", "credential_process", "--profile", key];
        let said = run(&home, &[&[aws.to_str().unwrap()], &words[..]].concat()).stdout;
        let said = String::from_utf8(said).unwrap();
        let process = shlex::split(&said).unwrap();
        assert_eq!(process[1..], ["credential", "aws", key], "{said}");
        home.run(["credential", "setup", "aws", "--undo"]).ok();
        assert!(!home.path("home/.aws/config").exists());
    }
}

/// The tool shows whether it runs the helper.
#[test]
fn aws_settings_that_take_precedence_are_named() {
    let mut home = planted_with(
        "[credential.aws.dev]\nprofile = \"p\"\nrole_arn = \"arn:aws:iam::1:role/dev\"\nendpoint = \"https://127.0.0.1:1\"\n",
    );
    home.set("AWS_CONFIG_FILE", "$HOME/aws/config");
    home.set("AWS_SHARED_CREDENTIALS_FILE", "~/aws/credentials");
    let credentials = home.path("home/aws/credentials");
    let aws = tests_dir("servers/.venv-aws/bin/aws");
    let keys = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n";
    let keys_with_colons = "AWS_ACCESS_KEY_ID:AKIAEXAMPLE\r\naws_secret_access_key=x";
    for (file, named) in [
        (format!("[dev]\n{keys}"), "It sets aws_access_key_id"),
        (
            format!("[a]\r\n[dev] # b\r\nregion=c\r\n{keys_with_colons}"),
            "It sets aws_access_key_id",
        ),
        ("[dev]\ncredential_process = echo CANARY\n".to_owned(), "It sets credential_process"),
        ("[dev]\nrole_arn = a\nsource_profile = b\n".to_owned(), "It sets role_arn"),
        ("[dev]\nweb_identity_token_file = a\n".to_owned(), "It sets web_identity_token_file"),
        (
            "[dev]\nsso_account_id = 1\nsso_role_name = a\n".to_owned(),
            "It sets sso_account_id, sso_role_name",
        ),
        (format!("[profile dev]\n{keys}"), ""),
        ("[dev]\nsso_region = a\nsource_profile = b\nrole_session_name = c\n".to_owned(), ""),
        (format!("[dev]\nregion = a\n[other]\n{keys}"), ""),
    ] {
        home.write(&credentials, &file);
        let setup = ["credential", "setup", "aws"];
        let first = home.run(setup).ok().stderr;
        let said = [
            home.run(setup).ok().stderr,
            home.run(setup.into_iter().chain(["--json"])).ok().stderr,
        ];
        for said in std::iter::once(&first).chain(&said) {
            let is_told = said.contains("because `[dev]` in");
            assert_eq!(is_told, !named.is_empty(), "{file}: {said}");
            assert!(said.contains(named) && !said.contains("CANARY"), "{file}: {said}");
        }
        let mut command = home.tool(aws.to_str().unwrap());
        let listed = command.args(["configure", "list", "--profile", "dev"]).output().unwrap();
        let listed = String::from_utf8([listed.stdout, listed.stderr].concat()).unwrap();
        let runs_helper = listed.contains("127.0.0.1:1");
        assert_eq!(runs_helper, named.is_empty(), "{file}: {listed}");
        home.run(["credential", "setup", "aws", "--undo"]).ok();
    }
}
