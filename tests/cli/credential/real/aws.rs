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
