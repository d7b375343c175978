//! A row of the table.

use super::effect::Effect;

/// A named behavior.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// The name.
    pub name: &'static str,
    /// What the server then does, in one sentence.
    pub about: &'static str,
    /// The argument that must follow the name after a colon, as in `slow:3`.
    pub argument: Option<&'static str>,
    pub(super) effects: &'static [Effect],
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scenario({})", self.name)
    }
}

pub(super) const fn row(
    name: &'static str,
    about: &'static str,
    effects: &'static [Effect],
) -> Scenario {
    Scenario { name, about, argument: None, effects }
}
