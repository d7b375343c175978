//! The servers that use the built-in redirect path, stored as their common properties: checking whether a
//! server differs from any of them takes the same time however many they are.

use super::server::{Server, common, is_below};

/// Servers.
#[derive(Default)]
pub(super) struct Holders<'p> {
    named: Named<'p>,
    bare: Bare,
}

/// Servers with an issuer.
#[derive(Default)]
struct Named<'p> {
    issuers: Agreed<&'p str>,
    /// Servers whose places are not yet added below: only a server without issuer needs them.
    new: Vec<Server<'p>>,
    origins: Agreed<[Option<String>; 2]>,
    /// The longest path of an issuer, as long as all others are above it.
    path: Agreed<Vec<String>>,
}

/// Servers without an issuer.
#[derive(Default)]
struct Bare {
    endpoints: Agreed<[Option<String>; 2]>,
    origins: Agreed<[Option<String>; 2]>,
    /// The path that all endpoints are below.
    path: Option<Vec<String>>,
}

/// A value that all servers share, if they do.
#[derive(Default)]
enum Agreed<T> {
    #[default]
    Nothing,
    On(T),
    Disputed,
}

impl<T: PartialEq> Agreed<T> {
    fn add(&mut self, value: T) {
        *self = match std::mem::take(self) {
            Self::Nothing => Self::On(value),
            Self::On(known) if known == value => Self::On(known),
            _ => Self::Disputed,
        };
    }

    /// Returns whether there is one that differs.
    fn differs(&self, from: &T) -> bool {
        match self {
            Self::Nothing => false,
            Self::On(known) => known != from,
            Self::Disputed => true,
        }
    }
}

impl<'p> Holders<'p> {
    /// Adds a server.
    pub(super) fn add(&mut self, server: Server<'p>) {
        match server.issuer {
            Some(issuer) => {
                self.named.issuers.add(issuer);
                self.named.new.push(server);
            }
            None => self.bare.add(&server),
        }
    }

    /// Returns whether any of these is a different server.
    pub(super) fn differ(&mut self, server: &Server<'p>) -> bool {
        match server.issuer {
            Some(issuer) => {
                self.named.issuers.differs(&issuer) || self.bare.differ_from_named(server)
            }
            None => self.bare.differ(server) || self.named.differ_from_bare(server),
        }
    }
}

impl Named<'_> {
    fn differ_from_bare(&mut self, bare: &Server<'_>) -> bool {
        for server in std::mem::take(&mut self.new) {
            self.origins.add(server.origins());
            self.path = match (std::mem::take(&mut self.path), server.issuer_path()) {
                (Agreed::Nothing, Some(path)) => Agreed::On(path),
                (Agreed::On(known), Some(path)) if is_below(&known, &path) => Agreed::On(known),
                (Agreed::On(known), Some(path)) if is_below(&path, &known) => Agreed::On(path),
                _ => Agreed::Disputed,
            };
        }
        match &self.path {
            Agreed::Nothing => false,
            Agreed::On(issuer) => {
                let origins = bare.origins();
                self.origins.differs(&origins)
                    || origins.contains(&None)
                    || !bare.common_path().is_some_and(|path| is_below(&path, issuer))
            }
            Agreed::Disputed => true,
        }
    }
}

impl Bare {
    fn add(&mut self, server: &Server<'_>) {
        let path = server.common_path();
        self.path = match (&self.endpoints, self.path.take()) {
            (Agreed::Nothing, _) => path,
            (_, Some(known)) => path.map(|path| common(known, &path)),
            (_, None) => None,
        };
        self.endpoints.add(server.exact_endpoints());
        self.origins.add(server.origins());
    }

    fn differ(&self, bare: &Server<'_>) -> bool {
        let endpoints = bare.exact_endpoints();
        let is_known = !matches!(self.endpoints, Agreed::Nothing);
        is_known && (self.endpoints.differs(&endpoints) || endpoints.contains(&None))
    }

    fn differ_from_named(&self, named: &Server<'_>) -> bool {
        if matches!(self.endpoints, Agreed::Nothing) {
            return false;
        }
        let origins = named.origins();
        let is_above =
            |path: &Vec<String>| named.issuer_path().is_some_and(|issuer| is_below(path, &issuer));
        self.origins.differs(&origins)
            || origins.contains(&None)
            || !self.path.as_ref().is_some_and(is_above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every server that differs in some way that counts.
    fn servers() -> Vec<Server<'static>> {
        let issuers = [
            None,
            Some("https://a.example"),
            Some("https://a.example/t//"),
            Some("https://a.example/t/u"),
            Some("https://a.example/tx"),
            Some("https://b.example"),
            Some("no URL"),
        ];
        let endpoints = [
            None,
            Some("https://a.example/t/1?x=1"),
            Some("https://a.example/t/u/1"),
            Some("https://b.example/t/1"),
            Some("no URL"),
        ];
        let mut all = Vec::new();
        for issuer in issuers {
            for authorization in endpoints {
                all.extend(
                    endpoints.map(|token| Server { issuer, endpoints: [authorization, token] }),
                );
            }
        }
        all
    }

    #[test]
    fn many_servers_differ_where_one_of_them_does() {
        let all = servers();
        // Pairs and triples of a walk that meets every server, each against every server.
        for (step, first) in all.iter().enumerate() {
            for stride in [1, 26] {
                let at = |count: usize| all[(step + stride * count) % all.len()];
                for some in [&[*first][..], &[*first, at(1)], &[*first, at(1), at(2)]] {
                    let mut holders = Holders::default();
                    some.iter().for_each(|server| holders.add(*server));
                    for asked in &all {
                        let one_by_one = some.iter().any(|server| server.is_other(asked));
                        assert_eq!(holders.differ(asked), one_by_one, "{some:?} {asked:?}");
                    }
                }
            }
        }
        assert!(!Holders::default().differ(&all[0]));
    }
}
