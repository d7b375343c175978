//! Messages of `login` on stderr, while it runs and when it is done.

use std::io::IsTerminal;

use oauthctl_core::grant::{Grant, Identity};
use oauthctl_core::login::attempt::Progress;
use oauthctl_core::profile::Profile;
use oauthctl_core::text::one_line;
use oauthctl_core::{Timestamp, time};

use crate::callbacks;
use crate::context::Context;
use crate::ui::Ui;

/// Reports one step of a login. Without a listener (`listens`), the callback must be pasted.
pub fn narrate(context: &Context, profile: &Profile, listens: bool, progress: Progress<'_>) {
    let ui = &context.ui;
    match progress {
        Progress::Server(server) => {
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
            say_what_to_paste(ui, listens);
        }
        Progress::Open(url) => {
            ui.insist(open_this(url));
            say_what_to_paste(ui, listens);
        }
        Progress::BrowserFailed(url, why) => {
            ui.say(format!("Could not open a browser: {}.", one_line(&why)));
            ui.insist(open_this(url));
        }
        Progress::Unconfirmed(url) if ui.quiet => ui.insist(open_this(url)),
        Progress::Unconfirmed(_) => {}
        Progress::Noise(what) | Progress::NotPasted(what) => {
            ui.warn_always(&one_line(&what));
        }
        Progress::Redeeming => ui.remark("The response is authentic. Redeeming the code …"),
    }
}

fn open_this(url: &str) -> String {
    format!("Open this URL in a browser:\n\n  {url}\n")
}

fn say_what_to_paste(ui: &Ui, listens: bool) {
    if !listens {
        ui.insist(
            "After you log in, paste the URL from the browser's address bar here. \
             The page may fail to load: only its URL is needed.",
        );
    } else if std::io::stdin().is_terminal() {
        ui.say(
            "Waiting for you to log in. You can also paste the URL from the browser's address bar \
             here.",
        );
    } else {
        ui.say("Waiting for you to log in …");
    }
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

/// Returns one line about a successful login: who, where, with which scopes, until when.
pub fn summary(grant: &Grant, profile: &Profile, before: &Identity) -> String {
    let server = profile.issuer.as_deref().or(profile.endpoints.authorization.as_deref());
    let who = grant.identity.label().map_or_else(String::new, |l| format!(" as {}", one_line(l)));
    let scopes = if grant.tokens.scopes.is_empty() {
        "no scopes".to_owned()
    } else {
        format!("scopes {}", one_line(&grant.tokens.scopes.join(" ")))
    };
    let life = match grant.tokens.expires_at {
        Some(at) => format!("for {}", time::describe(at.remaining(Timestamp::now()))),
        None => "without a known expiry".to_owned(),
    };
    let renewal = if grant.tokens.refresh_token.is_some() {
        "it is refreshed when needed"
    } else if !profile.grant.needs_person() {
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
