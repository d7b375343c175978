//! The users of the sandbox.

/// A user.
pub(super) struct User {
    /// The user name, which is also the password.
    pub(super) username: &'static str,
    pub(super) subject: &'static str,
    pub(super) name: &'static str,
}

impl User {
    /// The email address.
    pub(super) fn email(&self) -> String {
        format!("{}@sandbox.example", self.username)
    }
}

/// All users.
pub(super) const USERS: &[User] = &[
    User { username: "ada", subject: "person-1", name: "Ada Quill" },
    User { username: "brook", subject: "person-2", name: "Brook Lindqvist" },
    User { username: "chen", subject: "person-3", name: "Chen Okafor" },
];

/// Finds a user by username, email address or subject.
pub(super) fn find(hint: &str) -> Option<&'static User> {
    USERS.iter().find(|p| p.username == hint || p.subject == hint || p.email() == hint)
}
