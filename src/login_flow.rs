//! Chooses how the user logs in on this machine: with a browser here, on another device, or by pasting.

use oauthctl_core::hook::hidden_variables;
use oauthctl_core::login::{Browser, is_headless};
use oauthctl_core::profile::{GrantType, LoginFlow, Profile};
use oauthctl_core::{Error, Result};

use crate::browser;
use crate::context::Context;

/// What the command line says about the flow.
#[derive(Debug, Clone, Copy, Default)]
pub struct FlowOptions<'a> {
    /// `--flow`.
    pub flow: Option<LoginFlow>,
    /// `--no-browser`.
    pub no_browser: bool,
    /// `--browser`.
    pub browser: Option<&'a str>,
}

/// The chosen flow.
#[derive(Debug)]
pub struct Chosen {
    /// The flow.
    pub flow: LoginFlow,
    /// The flow to continue with if the server has no device flow for this client.
    pub instead: Option<LoginFlow>,
    /// The browser to open, if any.
    pub browser: Option<Browser>,
}

/// Chooses the flow: of the flag, else the first one of the profile that works here. Says so where it is not
/// the first one.
///
/// # Errors
///
/// Returns `Usage` for a flow that the grant of the profile does not have, and for an invalid browser command.
pub fn choose(asked: FlowOptions<'_>, context: &Context, profile: &Profile) -> Result<Chosen> {
    let only_device = matches!(profile.grant, GrantType::DeviceCode | GrantType::Ciba);
    if let Some(flow) = asked.flow.filter(|flow| only_device && *flow != LoginFlow::Device) {
        let name = flow.as_str();
        let grant = profile.grant.as_str();
        return Err(Error::usage(format!(
            "the profile has `grant = \"{grant}\"`, which has no `{name}` flow"
        ))
        .hint("omit `--flow`, or set `grant = \"authorization_code\"` in the profile"));
    }
    let order: &[LoginFlow] = match (&asked.flow, only_device) {
        (Some(flow), _) => std::slice::from_ref(flow),
        (None, true) => &[LoginFlow::Device],
        (None, false) => &profile.flow,
    };
    let named = if asked.no_browser { None } else { browser::named(asked.browser)? };
    let headless = is_headless(&|name: &str| {
        std::env::var_os(name).and_then(|value| value.into_string().ok())
    });
    let opens = !asked.no_browser && (named.is_some() || headless.is_none());
    let (flow, instead) = first_that_works(order, opens || asked.no_browser);
    let browser = match named {
        _ if asked.no_browser => None,
        Some(browser) => Some(browser),
        // The server asks the user by itself.
        None if flow == LoginFlow::Paste || profile.grant == GrantType::Ciba => None,
        None => match headless {
            None => Some(desktop()),
            // Whoever asks for the device flow expects no browser.
            Some(_) if asked.flow == Some(LoginFlow::Device) => None,
            Some(reason) => {
                context.ui.say(not_opening(&reason.to_string(), flow, order));
                None
            }
        },
    };
    // A browser stays open and is used for all profiles.
    let hidden: Vec<String> =
        context.config()?.profiles.values().flat_map(hidden_variables).collect();
    Ok(Chosen { flow, instead, browser: browser.map(|browser| browser.hide(hidden)) })
}

/// Returns the first flow that works, and the one to continue with if the server refuses it. The browser flow
/// works without a browser too, where the user can open the URL elsewhere and paste the callback: that comes
/// after the device flow.
fn first_that_works(order: &[LoginFlow], opens: bool) -> (LoginFlow, Option<LoginFlow>) {
    let has = |flow: LoginFlow| order.contains(&flow);
    let interactive = match (has(LoginFlow::Browser), has(LoginFlow::Paste)) {
        (true, _) => Some(LoginFlow::Browser),
        (false, true) => Some(LoginFlow::Paste),
        (false, false) => None,
    };
    let works = |flow: &&LoginFlow| opens || **flow != LoginFlow::Browser;
    match order.iter().find(works).copied() {
        Some(LoginFlow::Device) => (LoginFlow::Device, interactive),
        Some(LoginFlow::Paste) if !opens => (interactive.unwrap_or(LoginFlow::Paste), None),
        Some(flow) => (flow, None),
        None => (LoginFlow::Browser, None),
    }
}

/// Says why no browser opens, and which flow was chosen because of that.
fn not_opening(reason: &str, flow: LoginFlow, order: &[LoginFlow]) -> String {
    let is_first = order.first() == Some(&flow);
    match flow {
        LoginFlow::Device if !is_first => format!(
            "Not opening a browser: {reason}. Using the device flow; for the browser flow, add \
             `--flow browser`."
        ),
        _ => format!("Not opening a browser: {reason}."),
    }
}

fn desktop() -> Browser {
    let lookup = |name: &str| std::env::var_os(name).and_then(|v| v.into_string().ok());
    Browser::desktop(&lookup, std::env::var_os("PATH").as_deref())
}

#[cfg(test)]
mod tests {
    use super::first_that_works;
    use oauthctl_core::profile::LoginFlow::{Browser, Device, Paste};

    #[test]
    fn first_flow_that_works_is_chosen() {
        for (order, opens, chosen) in [
            (&[Browser, Device, Paste][..], true, (Browser, None)),
            (&[Browser, Device, Paste], false, (Device, Some(Browser))),
            (&[Device, Browser], true, (Device, Some(Browser))),
            (&[Browser, Paste], false, (Browser, None)),
            (&[Paste, Browser], true, (Paste, None)),
            (&[Paste, Device], false, (Paste, None)),
            (&[Browser], false, (Browser, None)),
            (&[Device], false, (Device, None)),
            (&[Device, Paste], false, (Device, Some(Paste))),
        ] {
            assert_eq!(first_that_works(order, opens), chosen, "{order:?} {opens}");
        }
    }
}
