//! Test of the agent that the environment names.

use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind, Result};

use super::report::{Report, Status};
use crate::agent::client::Agent;

/// Tests the agent, or the broker in its place. Returns whether tokens come from one.
pub fn agent(is_offline: bool, report: &mut Report) -> bool {
    const NAME: &str = "agent";
    let agent = match Agent::named() {
        Ok(None) => return false,
        Ok(Some(agent)) => agent,
        Err(error) => {
            report.error(NAME, None, Status::Fail, &error);
            return true;
        }
    };
    match tested(&agent, is_offline) {
        Ok(what) => report.ok(NAME, None, &what),
        Err(error) if error.kind() == ErrorKind::AccessDenied && is_socket(&agent) => {
            report.error(NAME, None, Status::Warn, &error);
        }
        Err(error) => report.error(NAME, None, Status::Fail, &error),
    }
    true
}

fn is_socket(agent: &Agent) -> bool {
    matches!(agent, Agent::Socket(_))
}

fn tested(agent: &Agent, is_offline: bool) -> Result<String> {
    match agent {
        Agent::Broker(broker) if is_offline => {
            Ok(format!("{}: not tested: `--offline` is set", broker.url()))
        }
        Agent::Broker(broker) => {
            broker.check()?;
            Ok(format!("{} responds and accepts the API key", broker.url()))
        }
        Agent::Socket(path) => {
            let status = agent.ask(&serde_json::json!({ "op": "status" }))?;
            let path = one_line(&path.display().to_string());
            if status["locked"] == true {
                return Err(Error::new(
                    ErrorKind::AccessDenied,
                    format!("the agent at {path} is locked"),
                )
                .hint("run `oauthctl agent --unlock` where it runs"));
            }
            Ok(format!("process {} responds at {path}", status["pid"]))
        }
    }
}
