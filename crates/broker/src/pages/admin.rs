//! The operator's pages.

use askama::Template;

/// The page that asks for the admin key.
#[derive(Debug, Template)]
#[template(path = "admin/login.html")]
pub struct Login {
    /// Whether a wrong key was entered.
    pub is_wrong: bool,
}

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A valid token can be provided.
    Connected,
    /// The last refresh failed.
    Failing,
    /// Only a new login by the user helps.
    LoginRequired,
}

impl State {
    fn class(self) -> &'static str {
        match self {
            Self::Connected => "good",
            Self::Failing | Self::LoginRequired => "bad",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Failing => "failing",
            Self::LoginRequired => "login required",
        }
    }
}

/// A connection in a table.
#[derive(Debug)]
pub struct Row {
    /// The tenant.
    pub tenant: String,
    /// The provider.
    pub provider: String,
    /// The application's reference for the user.
    pub user: String,
    /// Its state.
    pub state: State,
    /// When the last refresh failed, and the word for why.
    pub error: String,
    /// When the token expires.
    pub expires_at: String,
    /// When the tokens were last replaced.
    pub refreshed_at: String,
}

/// A tenant in a table.
#[derive(Debug)]
pub struct TenantRow {
    /// Its name.
    pub name: String,
    /// The name of the application, as end users know it.
    pub title: String,
    /// Whether its requests are refused.
    pub is_disabled: bool,
    /// How many connections it has.
    pub connections: String,
    /// How many providers it has.
    pub providers: String,
    /// When it was created.
    pub created_at: String,
}

/// A record that cannot be read, in a table.
#[derive(Debug)]
pub struct UnreadableRow {
    /// The kind of record.
    pub kind: String,
    /// The number of its space.
    pub space: u8,
    /// The tenant.
    pub tenant: String,
    /// The id.
    pub id: String,
    /// When it was found.
    pub since: String,
}

/// The first page.
#[derive(Debug, Template)]
#[template(path = "admin/overview.html")]
pub struct Overview {
    /// The token that every form must send.
    pub csrf: String,
    /// The kind of store.
    pub store: &'static str,
    /// Whether it can be written to.
    pub is_ready: bool,
    /// The version of the program.
    pub version: &'static str,
    /// Tenants, by name.
    pub tenants: Vec<TenantRow>,
    /// The tenant after which the next page begins.
    pub next: Option<String>,
    /// Connections whose refresh is overdue.
    pub overdue: Vec<Row>,
    /// Whether there are more.
    pub overdue_is_cut: bool,
    /// Connections whose last refresh failed, the latest first.
    pub failing: Vec<Row>,
    /// Whether there may be more.
    pub failing_is_cut: bool,
    /// Records that this instance could not read.
    pub unreadable: Vec<UnreadableRow>,
}

/// The page of a tenant.
#[derive(Debug, Template)]
#[template(path = "admin/tenant.html")]
pub struct Tenant {
    /// The token that every form must send.
    pub csrf: String,
    /// The tenant.
    pub tenant: TenantRow,
    /// Its providers.
    pub providers: Vec<String>,
    /// URLs to which its users may be redirected.
    pub redirects: Vec<String>,
    /// Connections.
    pub rows: Vec<Row>,
    /// The cursor of the next page.
    pub next: Option<String>,
}
