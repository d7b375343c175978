//! The protocol of git's credential helpers (gitcredentials(7), git-credential(1)).

use std::fmt::Write;

use oauthctl_core::profile::Target;
use oauthctl_core::{Error, Result};
use zeroize::Zeroizing;

use super::Issued;

/// A request from git, with the values that this helper uses.
#[derive(Default)]
pub struct Request {
    protocol: String,
    host: String,
    /// The path, as in a URL.
    path: String,
    username: Option<String>,
    password: Option<Zeroizing<String>>,
    credential: Option<Zeroizing<String>>,
    /// Whether git understands `authtype`.
    pub takes_authtype: bool,
    challenges: Vec<String>,
}

/// Parses a request: lines `key=value`, up to an empty line or the end. Unknown keys are ignored, and the
/// last value of a key counts.
///
/// # Errors
///
/// Returns `Usage` for a line without `=`, and for a control character in what is used.
pub fn parse(input: &str) -> Result<Request> {
    let mut request = Request::default();
    for line in input.split('\n').take_while(|line| !line.is_empty()) {
        let Some((key, value)) = line.split_once('=') else {
            return Err(Error::usage("the request has a line without `=`"));
        };
        let plain = || match value.chars().any(char::is_control) {
            false => Ok(value.to_owned()),
            true => Err(Error::usage("the request contains control characters")),
        };
        match key {
            "protocol" => request.protocol = plain()?,
            "host" => request.host = plain()?,
            "path" => request.path = percent_encoded(&plain()?),
            "username" => request.username = Some(plain()?),
            "password" => request.password = Some(plain()?.into()),
            "credential" => request.credential = Some(plain()?.into()),
            "url" => request.set_url(&plain()?),
            "capability[]" if value.is_empty() => request.takes_authtype = false,
            "capability[]" => request.takes_authtype |= value == "authtype",
            "wwwauth[]" if value.is_empty() => request.challenges.clear(),
            "wwwauth[]" => request.challenges.push(value.to_ascii_lowercase()),
            _ => {}
        }
    }
    Ok(request)
}

impl Request {
    /// Sets all parts from a URL.
    fn set_url(&mut self, url: &str) {
        let (protocol, rest) = url.split_once("://").unwrap_or(("", url));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        protocol.clone_into(&mut self.protocol);
        host.clone_into(&mut self.host);
        path.clone_into(&mut self.path);
        self.username = user.map(str::to_owned);
    }

    /// Returns the place for which git requests a credential; `None` if no token may be handed out for it.
    pub fn target(&self) -> Option<Target> {
        if !matches!(self.protocol.as_str(), "https" | "http") || self.host.contains(['@', '/']) {
            return None;
        }
        let url = format!("{}://{}/{}", self.protocol, self.host, self.path);
        let target = Target::parse(&url).ok()?;
        Some(match &self.username {
            Some(user) => target.with_user(user),
            None => target,
        })
    }

    /// Returns the user name that git requests.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref().filter(|name| !name.is_empty())
    }

    /// Returns the password or token that git used.
    pub fn used(&self) -> Option<&str> {
        self.credential.as_ref().or(self.password.as_ref()).map(|used| used.as_str())
    }

    /// Returns whether the token can be sent as a bearer token: git must support that, and the server must not
    /// have asked only for a password.
    fn takes_bearer(&self) -> bool {
        let mut all = self.challenges.iter();
        let is_bearer = |challenge: &String| challenge.split([' ', ',']).next() == Some("bearer");
        self.takes_authtype && (self.challenges.is_empty() || all.any(is_bearer))
    }
}

/// Encodes a path, which git sends decoded: with the spaces of a project's name, for example.
fn percent_encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => encoded.push(byte.into()),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

/// Renders the response to `get`.
pub fn render(request: &Request, username: &str, token: &Issued) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    let value = token.value.expose();
    if request.takes_authtype {
        text.push_str("capability[]=authtype\n");
    }
    if request.takes_bearer() {
        let _ = writeln!(text, "authtype=Bearer\ncredential={value}");
    } else {
        let _ = writeln!(text, "username={username}\npassword={value}");
    }
    if request.takes_authtype {
        // Other helpers must not store the token, because they could not refresh it.
        text.push_str("ephemeral=1\n");
    }
    if let Some(at) = token.expires_at {
        let _ = writeln!(text, "password_expiry_utc={}", at.unix());
    }
    text
}

#[cfg(test)]
mod tests {
    use oauthctl_core::{Secret, Timestamp};

    use super::*;

    fn response(input: &str) -> String {
        let at = Some(Timestamp::from_unix(1_700_000_000));
        let token = Issued { value: Secret::new("t0k"), expires_at: at };
        render(&parse(input).unwrap(), "ada", &token).to_string()
    }

    #[test]
    fn bearer_is_used_where_both_sides_have_it() {
        let basic = "username=ada\npassword=t0k\n";
        let bearer = "authtype=Bearer\ncredential=t0k\n";
        let authtype = "capability[]=authtype\n";
        for (input, expected) in [
            ("", basic),
            ("capability[]=state\n", basic),
            ("wwwauth[]=Bearer\n", basic),
            ("capability[]=authtype\ncapability[]=\n", basic),
            (authtype, bearer),
            ("capability[]=authtype\nwwwauth[]=Basic realm=x\n", basic),
            ("capability[]=authtype\nwwwauth[]=Basic realm=x\nwwwauth[]=BEARER realm=x\n", bearer),
            ("capability[]=authtype\nwwwauth[]=Basic\nwwwauth[]=\n", bearer),
            ("capability[]=authtype\nwwwauth[]=Bearerish x\n", basic),
        ] {
            let text = response(input);
            let has_it = input.contains(authtype) && !input.contains("capability[]=\n");
            let (first, last) = if has_it { (authtype, "ephemeral=1\n") } else { ("", "") };
            let expiry = "password_expiry_utc=1700000000\n";
            assert_eq!(text, format!("{first}{expected}{last}{expiry}"), "{input}");
        }
    }

    #[test]
    fn request_ends_with_an_empty_line_or_without_one() {
        for input in
            ["protocol=https\nhost=a.example\n\nhost=b.example\n", "protocol=https\nhost=a.example"]
        {
            let request = parse(input).unwrap();
            assert_eq!(request.target().unwrap().host(), "a.example", "{input:?}");
        }
    }

    #[test]
    fn last_value_counts_and_unknown_keys_do_not() {
        let request =
            parse("host=a\nprotocol=https\nhost=b.example\nfoo=\u{1b}[m\nusername=u\n").unwrap();
        assert_eq!(
            (request.target().unwrap().authority(), request.username()),
            ("b.example".into(), Some("u"))
        );
        let request = parse("url=https://ada@git.example:8443/a/b\n").unwrap();
        assert_eq!(
            request.target().unwrap(),
            Target::parse("https://ada@git.example:8443/a/b").unwrap()
        );
    }

    #[test]
    fn hostile_requests_are_refused() {
        for input in
            ["host", "host=a\r\n", "host=a\u{0}b\n", "path=\u{1b}[m\n", "username=a\u{7f}\n"]
        {
            assert!(parse(input).is_err(), "{input:?}");
        }
        for input in [
            "",
            "protocol=https\n",
            "protocol=https\nhost=\n",
            "protocol=ftp\nhost=a.example\n",
            "protocol=https\nhost=a.example/b\n",
            "protocol=https\nhost=x@a.example\n",
            "protocol=https\nhost=a.example?x\n",
            "protocol=https\nhost=a example\n",
            "protocol=https://a.example\nhost=b.example\n",
        ] {
            assert!(parse(input).unwrap().target().is_none(), "{input:?}");
        }
    }
}
