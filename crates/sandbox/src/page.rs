//! Pages: self-contained, without scripts, under a strict Content-Security-Policy.

use url::{Host, Url};

use super::issuer::Issuer;
use super::keys::random;
use super::reply::Reply;
use super::scenario::scenarios;
use super::store::AuthorizationRequest;
use super::text::is_visible;
use super::users::{USERS, User};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#767680;--accent:#1f5fbf;--on:#fff}\
@media(prefers-color-scheme:dark){:root{--line:#8e8e99;--accent:#8ab4f8;--on:#10131a}}\
body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:2rem 1rem}\
h1{font-size:1.4rem}fieldset{border:1px solid var(--line);border-radius:.5rem;margin:1rem 0;padding:.5rem 1rem}\
label{display:block;padding:.35rem 0}input[type=text]{display:block;font:inherit;letter-spacing:.1em;padding:.4rem;width:12em}\
button{border:1px solid var(--accent);border-radius:.5rem;cursor:pointer;font:inherit;margin:0 .5rem 0 0;padding:.5rem 1.25rem}\
button[value=allow]{background:var(--accent);color:var(--on)}button[value=deny]{background:none;color:inherit}\
code{overflow-wrap:anywhere}dt{font-weight:600}dd{margin:0 0 .5rem}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}";

fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_visible(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

/// Renders a page. `title` and `body` are HTML; `form_to` is the allowed target of forms.
fn page(status: u16, title: &str, body: &str, form_to: &str) -> Reply {
    // Without random numbers the page has no style, and is still safe.
    let nonce = random("style").unwrap_or_default();
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style nonce=\"{nonce}\">{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n\
         {body}\n</main>\n</body>\n</html>\n"
    );
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action {form_to}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    Reply::bytes(status, "text/html; charset=utf-8", html)
        .header("content-security-policy", policy)
        .header("x-frame-options", "DENY")
}

/// Returns a page that describes a problem.
pub(super) fn failed(status: u16, problem: &str) -> Reply {
    page(status, "Something went wrong", &format!("<p>{}</p>", escape(problem)), "'none'")
}

/// Returns a page that describes a result.
pub(super) fn told(title: &str, text: &str) -> Reply {
    page(200, &escape(title), &format!("<p>{}</p>", escape(text)), "'none'")
}

fn users(chosen: &User) -> String {
    let choices: String = USERS
        .iter()
        .map(|p| {
            let checked = if p.username == chosen.username { " checked" } else { "" };
            format!(
                "<label><input type=\"radio\" name=\"person\" value=\"{}\"{checked}> {}</label>\n",
                p.username, p.name
            )
        })
        .collect();
    format!("<fieldset>\n<legend>Who are you?</legend>\n{choices}</fieldset>\n")
}

const BUTTONS: &str = "<button name=\"decision\" value=\"allow\">Allow</button>\n\
                       <button name=\"decision\" value=\"deny\">Deny</button>\n";

/// Returns the page that asks for consent.
pub(super) fn consent(
    issuer: &Issuer,
    transaction: &str,
    request: &AuthorizationRequest,
    chosen: &User,
) -> Reply {
    let scopes: String = request
        .scope
        .split(' ')
        .filter(|s| !s.is_empty())
        .map(|s| format!("<li><code>{}</code></li>", escape(s)))
        .collect();
    let scopes = if scopes.is_empty() {
        "<p>It requests no scopes.</p>".to_owned()
    } else {
        format!("<p>It requests:</p>\n<ul>{scopes}</ul>")
    };
    let body = format!(
        "<p>This is a sandbox for tests: the users are not real.</p>\n\
         <p>The application <code>{}</code> requests access to your account. {}</p>\n{scopes}\n\
         <form method=\"post\" action=\"{}\">\n\
         <input type=\"hidden\" name=\"transaction\" value=\"{transaction}\">\n{}{BUTTONS}</form>",
        escape(&request.client_id),
        format_args!("You will be sent to <code>{}</code>.", escape(&request.redirect_uri)),
        escape(&issuer.url("/consent")),
        users(chosen),
    );
    page(200, "Allow access?", &body, &format!("'self' {}", source(&request.redirect_uri)))
}

/// Browsers also check the redirect that follows a form against the policy.
fn source(redirect_uri: &str) -> String {
    match Url::parse(redirect_uri) {
        Ok(url) => match url.host() {
            // A CSP source cannot contain an IPv6 address.
            Some(Host::Ipv6(_)) | None => format!("{}:", url.scheme()),
            Some(_) => url.origin().ascii_serialization(),
        },
        Err(_) => String::new(),
    }
}

/// Returns the page on which the code of a device is entered.
pub(super) fn device(issuer: &Issuer, transaction: &str, user_code: &str) -> Reply {
    let body = format!(
        "<p>This is a sandbox for tests: the users are not real.</p>\n\
         <form method=\"post\" action=\"{}\">\n\
         <input type=\"hidden\" name=\"transaction\" value=\"{transaction}\">\n\
         <label for=\"user_code\">Code shown on the device</label>\n\
         <input type=\"text\" id=\"user_code\" name=\"user_code\" value=\"{}\" autocomplete=\"off\" \
         spellcheck=\"false\" required>\n{}{BUTTONS}</form>",
        escape(&issuer.url("/device")),
        escape(user_code),
        users(&USERS[0]),
    );
    page(200, "Connect a device", &body, "'self'")
}

/// Returns the page at the issuer, with an overview.
pub(super) fn index(issuer: &Issuer) -> Reply {
    let rows: String = scenarios()
        .iter()
        .map(|s| {
            let argument = s.argument.map(|a| format!(":{a}")).unwrap_or_default();
            format!("<dt><code>{}{argument}</code></dt><dd>{}</dd>\n", s.name, escape(s.about))
        })
        .collect();
    let body = format!(
        "<p>An authorization server for tests, with the issuer <code>{}</code>. \
         All data is lost when it stops.</p>\n\
         <p>Every <code>{}/s/NAME</code> is a separate issuer with these scenarios; separate several \
         scenarios with commas:</p>\n<dl>\n{rows}</dl>",
        escape(&issuer.identifier),
        escape(&issuer.shared.origin),
    );
    page(200, "Sandbox", &body, "'none'")
}
