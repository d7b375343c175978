//! The people who live in the sandbox.

/// A person.
pub(super) struct Person {
    /// The name to log in with, and the password.
    pub(super) username: &'static str,
    pub(super) subject: &'static str,
    pub(super) name: &'static str,
}

impl Person {
    /// The e-mail address.
    pub(super) fn email(&self) -> String {
        format!("{}@sandbox.example", self.username)
    }
}

/// The three.
pub(super) const PEOPLE: &[Person] = &[
    Person { username: "ada", subject: "person-1", name: "Ada Quill" },
    Person { username: "brook", subject: "person-2", name: "Brook Lindqvist" },
    Person { username: "chen", subject: "person-3", name: "Chen Okafor" },
];

/// Finds a person by username, e-mail address or subject.
pub(super) fn find(hint: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|p| p.username == hint || p.subject == hint || p.email() == hint)
}
