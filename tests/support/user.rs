//! A user whose browser has cookies but no scripts: what a site may rely on, and no more. The tests of the broker
//! compile this file too.

use url::Url;

use super::http::{Reply, request};

/// The state of a browser.
#[derive(Default, Clone)]
pub struct User {
    cookies: Vec<Cookie>,
}

#[derive(Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    attributes: String,
}

/// A response, and where it came from.
#[derive(Debug, Clone)]
pub struct Page {
    pub url: Url,
    pub reply: Reply,
}

impl std::ops::Deref for Page {
    type Target = Reply;

    fn deref(&self) -> &Reply {
        &self.reply
    }
}

impl Page {
    /// The page, if it has this status.
    #[track_caller]
    pub fn with(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {:?}", self.url, self.reply);
        self
    }

    /// Where it redirects to.
    #[track_caller]
    pub fn redirect(&self) -> Option<Url> {
        let is_redirect = (300..400).contains(&self.status);
        let location = self.header("location").filter(|_| is_redirect)?;
        Some(self.url.join(location).unwrap())
    }
}

impl User {
    /// Goes to a URL, and on to wherever it leads.
    #[track_caller]
    pub fn open(&mut self, url: &str) -> Page {
        self.open_until(url, |_| false)
    }

    /// The same, but stops at the page that redirects to such a URL.
    #[track_caller]
    pub fn open_until(&mut self, url: &str, stop: impl Fn(&Url) -> bool) -> Page {
        let first = self.get(url);
        self.follow(first, stop)
    }

    /// Clicks a button of a form on the page at this URL, and goes to wherever that leads.
    #[track_caller]
    pub fn click(&mut self, at: &str, action: &str, form: &str) -> Page {
        let first = self.post(at, action, form);
        self.follow(first, |_| false)
    }

    /// The same, but stops before the site's callback, and gives its URL.
    #[track_caller]
    pub fn click_until_callback(&mut self, at: &str, action: &str, form: &str) -> String {
        let callback = Url::parse(at).unwrap().join("/callback").unwrap();
        let is_callback = |url: &Url| url.as_str().starts_with(callback.as_str());
        let first = self.post(at, action, form);
        let last = self.follow(first, is_callback);
        last.header("location").unwrap().to_owned()
    }

    /// What this browser has of a site's own, as a `Cookie` header.
    pub fn cookies_for(&self, path: &str) -> String {
        let sent = self.cookies.iter().filter(|cookie| path.starts_with(&cookie.path));
        let pairs: Vec<String> = sent.map(|c| format!("{}={}", c.name, c.value)).collect();
        pairs.join("; ")
    }

    /// The attributes of the cookies whose name begins so.
    pub fn attributes(&self, prefix: &str) -> Vec<&str> {
        let named = self.cookies.iter().filter(|cookie| cookie.name.starts_with(prefix));
        named.map(|cookie| cookie.attributes.as_str()).collect()
    }

    #[track_caller]
    fn follow(&mut self, mut page: Page, stop: impl Fn(&Url) -> bool) -> Page {
        for _ in 0..20 {
            let Some(next) = page.redirect() else { return page };
            if stop(&next) {
                return page;
            }
            page = self.get(next.as_str());
        }
        panic!("redirected for ever: {}", page.url);
    }

    #[track_caller]
    pub fn get(&mut self, url: &str) -> Page {
        self.send(url, "GET", "", "")
    }

    /// Sends a form from the page at this URL, as a browser does.
    #[track_caller]
    pub fn post(&mut self, at: &str, action: &str, form: &str) -> Page {
        let at = Url::parse(at).unwrap();
        let origin = format!("Origin: {}\r\n", at.origin().ascii_serialization());
        self.send(at.join(action).unwrap().as_str(), "POST", &origin, form)
    }

    /// Sends a request with these further headers.
    #[track_caller]
    pub fn send(&mut self, url: &str, method: &str, headers: &str, body: &str) -> Page {
        let url = Url::parse(url).unwrap();
        let mut lines = headers.to_owned();
        let cookies = self.cookies_for(url.path());
        if !cookies.is_empty() {
            lines.push_str(&format!("Cookie: {cookies}\r\n"));
        }
        if method != "GET" {
            lines.push_str("Content-Type: application/x-www-form-urlencoded\r\n");
        }
        let reply = request(method, url.as_str(), &lines, body);
        let reply = reply.unwrap_or_else(|| panic!("no response: {url}"));
        self.keep_cookies(&reply);
        Page { url, reply }
    }

    fn keep_cookies(&mut self, reply: &Reply) {
        for (_, line) in reply.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let attribute = |name: &str| {
                let mut all = attributes.split(';').filter_map(|a| a.trim().split_once('='));
                all.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            };
            let path = attribute("path").unwrap_or("/").to_owned();
            self.cookies.retain(|known| (&*known.name, &known.path) != (name, &path));
            let is_over = attribute("max-age") == Some("0")
                || attribute("expires").is_some_and(|date| date.contains("1970"));
            if !is_over {
                let (name, value) = (name.to_owned(), value.to_owned());
                self.cookies.push(Cookie { name, value, path, attributes: attributes.to_owned() });
            }
        }
    }
}
