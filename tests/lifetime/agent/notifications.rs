//! What the user is told about requests that need a login.

use super::Agent;
use crate::support::{Api, Home, await_some};

const NOTIFY: &str = "[defaults]\nnotify = [\"sh\", \"-c\", 'echo \"$1\" >> told', \"sh\"]";

#[test]
fn invented_accounts_cause_one_notification() {
    let (api, home) = (Api::echo(), Home::new());
    api.add(&home, "", NOTIFY, |grant| {
        grant["tokens"]["expires_at"] = 1_700_000_000.into();
        grant["tokens"].as_object_mut().unwrap().remove("refresh_token");
    });
    let agent = Agent::start(&home, &[]);
    let ask = |account: &str| {
        let request = format!("{{\"op\":\"token\",\"profile\":\"p\",\"account\":\"{account}\"}}\n");
        assert_eq!(agent.raw(request.as_bytes())["error"], "login_required", "{account}");
    };
    (0..20).for_each(|number| ask(&format!("invented-{number}")));
    // That of an account that exists is not held back by them.
    (0..3).for_each(|_| ask("default"));
    let mut told = await_some("two notifications", || {
        let told = std::fs::read_to_string(home.path("home/told")).unwrap_or_default();
        let told: Vec<_> = told.lines().map(str::to_owned).collect();
        (told.len() >= 2).then_some(told)
    });
    told.sort();
    let run = "A login is required. Run: oauthctl login p";
    assert_eq!(told, [run.to_owned(), format!("{run} --account invented-0")]);
    assert_eq!(std::fs::read_dir(home.state_dir().join("notified")).unwrap().count(), 2);
}
