//! Messages of `login` on stderr, while it runs and when it is done.

use std::io::IsTerminal;
use std::time::Duration;

use oauthctl_core::flow::DeviceAuthorization;
use oauthctl_core::grant::{GrantInfo, Identity};
use oauthctl_core::login::attempt::Progress;
use oauthctl_core::login::device::DeviceProgress;
use oauthctl_core::profile::Profile;
use oauthctl_core::text::one_line;
use oauthctl_core::{Timestamp, time};

use crate::callbacks;
use crate::context::Context;
use crate::ui::{self, Ui};
use crate::{qr, wrap};

/// What the messages of a login depend on.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Whether a listener receives the callback; otherwise, it must be pasted.
    pub listens: bool,
    /// Whether the device flow would work, as far as it is known.
    pub has_device: bool,
    /// Whether the user chose the flow.
    pub is_chosen: bool,
}

/// Reports one step of a login.
pub fn narrate(context: &Context, profile: &Profile, login: &mut Setting, progress: Progress<'_>) {
    let ui = &context.ui;
    match progress {
        Progress::Server(server) => {
            login.has_device &= server.endpoints.device_authorization.is_some();
            if !server.iss_parameter_supported {
                callbacks::tell(context, profile);
            }
            if !server.ignored_endpoints.is_empty() {
                ui.remark(format!(
                    "Ignoring invalid endpoints in the metadata: {}.",
                    server.ignored_endpoints.join(", ")
                ));
            }
        }
        Progress::Opening(url) => {
            ui.say(format!("Opening the browser. If it does not open, use this URL:\n\n  {url}\n"));
            say_what_to_paste(ui, *login, true);
        }
        Progress::Asking(url) => {
            ui.insist(format!("Press Enter to open this URL in the browser:\n\n  {url}\n"));
            say_what_to_paste(ui, *login, true);
        }
        Progress::Open(url) => {
            ui.insist(open_this(url));
            if !login.listens {
                say_what_to_paste(ui, *login, false);
            }
        }
        Progress::Listening(uri, left) => say_where(ui, *login, uri, left),
        Progress::BrowserFailed(url, why) => {
            ui.say(format!("Could not open a browser: {}.", one_line(&why)));
            ui.insist(open_this(url));
        }
        Progress::Unconfirmed(url) if ui.quiet => ui.insist(open_this(url)),
        Progress::Unconfirmed(_) => {}
        Progress::RejectedRequest(what) => ui.warn_always(&one_line(&what)),
        Progress::NotPasted(error) => ui.insist_on(&error),
        Progress::Waiting(left) => ui::status(&waiting(left)),
        Progress::Redeeming => ui.remark("The response is authentic. Redeeming the code …"),
    }
}

/// Reports one step of a login on another device.
pub fn narrate_device(ui: &Ui, draws: bool, progress: DeviceProgress<'_>) {
    match progress {
        DeviceProgress::Code { authorization, opens } => say_code(ui, authorization, opens, draws),
        DeviceProgress::Asked(authorization) => {
            let left = time::describe(authorization.expires_at.remaining(Timestamp::now()));
            ui.say(format!("Approve the login on your device. Waiting for {left} …"));
        }
        DeviceProgress::BrowserFailed(why) => {
            ui.say(format!("Could not open a browser: {}.", one_line(&why)));
        }
        DeviceProgress::Unanswered(why, wait) => {
            let wait = time::describe(wait);
            if !ui.quiet {
                ui::quote(&format!("{}; trying again in {wait}.", one_line(&why)));
            }
        }
        DeviceProgress::Waiting(left) => ui::status(&waiting(left)),
    }
}

/// Returns the line that shows how long is left.
fn waiting(left: Duration) -> String {
    format!("Waiting for you to log in: {} left", time::describe(left))
}

/// Shows the code and the page, even where a browser opens the page with the code (RFC 8628, section 3.3.1).
fn say_code(ui: &Ui, authorization: &DeviceAuthorization, opens: bool, draws: bool) {
    let (page, code) = (&authorization.verification_uri, &authorization.user_code);
    let how = match (opens, &authorization.verification_uri_complete) {
        (true, Some(_)) => {
            "Opening the browser. Check that the page shows this code, or open the page on any \
             device and enter the code:"
        }
        (true, None) => "Opening the browser. Enter the code there, or on any other device:",
        (false, _) => "Open this page in a browser on any device, and enter the code:",
    };
    // First: a low screen then shows what comes after it, the code above all.
    if draws {
        let url = authorization.verification_uri_complete.as_ref().unwrap_or(page);
        match qr::draw(url, wrap::width().unwrap_or(usize::MAX), ui.color) {
            Some(drawn) => ui::prompt(&format!("{drawn}\n")),
            None => ui.warn_always("the QR code does not fit in this terminal"),
        }
    }
    ui.insist(format!("{how}\n\n  {page}\n  {code}\n"));
    if let Some(complete) = &authorization.verification_uri_complete {
        ui.insist(format!("This link contains the code:\n\n  {complete}\n"));
    }
    let left = time::describe(authorization.expires_at.remaining(Timestamp::now()));
    ui.say(format!("Waiting for you to log in; the code is valid for {left} …"));
}

fn open_this(url: &str) -> String {
    format!("Open this URL in a browser:\n\n  {url}\n")
}

/// Says how the login goes on. A browser on another machine cannot load the page that this one serves.
fn say_what_to_paste(ui: &Ui, login: Setting, opens_here: bool) {
    const ONLY_URL: &str = "The page may fail to load: only its URL is needed.";
    if !login.listens {
        ui.insist(format!(
            "After you log in, paste the URL from the browser's address bar here. {ONLY_URL}"
        ));
    } else if !std::io::stdin().is_terminal() {
        ui.say("Waiting for you to log in …");
    } else {
        let paste = "Waiting for you to log in. You can also paste the URL from the browser's \
                     address bar here.";
        ui.say(if opens_here { paste.to_owned() } else { format!("{paste} {ONLY_URL}") });
    }
    if login.has_device && !login.is_chosen && !opens_here {
        ui.say("If you prefer to enter a code on another device, log in with `--flow device`.");
    }
}

/// Says where the response is awaited. Without a terminal, no callback can be pasted.
fn say_where(ui: &Ui, login: Setting, uri: &str, left: Duration) {
    if std::io::stdin().is_terminal() {
        return say_what_to_paste(ui, login, false);
    }
    let device = if login.has_device { ", or with `--flow device`" } else { "" };
    ui.say(format!(
        "Waiting {} for the response at {}. Only a browser on this machine reaches this address. If yours \
         is on another one, log in at a terminal, where the callback URL can be pasted{device}.",
        time::describe(left),
        one_line(uri)
    ));
}

/// Returns whether these are two different users, as far as both are known.
fn is_another(one: &Identity, other: &Identity) -> bool {
    match (&one.sub, &other.sub) {
        (Some(one), Some(other)) => one != other,
        _ => match (one.label(), other.label()) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        },
    }
}

/// Returns how long a new token is valid. Some of a second has always passed: an hour is not shown as 59 min 59 s.
pub fn new_lifetime(expires_at: Timestamp) -> String {
    let left = expires_at.remaining(Timestamp::now());
    let to_minutes = Duration::from_secs((left.as_secs() + 30) / 60 * 60);
    time::describe(if to_minutes < Duration::from_secs(300) { left } else { to_minutes })
}

/// Returns one line about a successful login: who, where, with which scopes, until when.
pub fn summary(grant: &GrantInfo, profile: &Profile, before: &Identity) -> String {
    let server = profile.issuer.as_deref().or(profile.endpoints.authorization.as_deref());
    let who = grant.identity.label().map_or_else(String::new, |l| format!(" as {}", one_line(l)));
    let scopes = if grant.scopes.is_empty() {
        "no scopes".to_owned()
    } else {
        format!("scopes {}", one_line(&grant.scopes.join(" ")))
    };
    let life = match grant.expires_at {
        Some(at) => format!("for {}", new_lifetime(at)),
        None => "without a known expiry".to_owned(),
    };
    let renewal = if grant.has_refresh_token {
        "it is refreshed when needed"
    } else if !profile.grant.needs_user() {
        "a new one is requested when needed"
    } else {
        "it cannot be refreshed"
    };
    let replaced = match before.label().filter(|_| is_another(before, &grant.identity)) {
        Some(label) => format!(" This replaces the login of {}.", one_line(label)),
        None => String::new(),
    };
    format!(
        "Logged in to {}{} at {}, with {scopes}. The token is valid {life}; {renewal}.{replaced}",
        grant.key,
        who,
        one_line(server.unwrap_or("its server")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn life_of_a_new_token_is_in_whole_minutes() {
        let now = Timestamp::now();
        for (seconds, shown) in [(3599, "1 h"), (3600, "1 h"), (7195, "2 h"), (1_000, "17 min")] {
            assert_eq!(new_lifetime(now.plus(Duration::from_secs(seconds))), shown);
        }
        assert!(new_lifetime(now.plus(Duration::from_secs(95))).starts_with("1 min 3"));
    }
}
