//! What is kept of metadata, and for how long.

use super::*;

#[test]
fn metadata_is_kept_for_a_bounded_time() {
    let day = 24 * 3_600;
    for (cache_control, kept) in [
        (None, day),
        (Some("public, max-age=3600"), 3_600),
        (Some("max-age=999999999"), day),
        (Some("max-age=0"), 300),
        (Some("no-store"), 300),
        (Some("max-age=nonsense"), day),
    ] {
        let cache = tempfile::tempdir().unwrap();
        let mut web = Web::default().page(OIDC, 200, &metadata(&[]));
        if let Some(value) = cache_control {
            web = web.header(OIDC, "cache-control", value);
        }
        let fetches = |now| {
            run_at(&profile(), &web, Some(cache.path()), now, Purpose::Token).unwrap();
            web.asked().len()
        };
        assert_eq!(fetches(10_000), 1);
        assert_eq!(fetches(10_000 + kept - 1), 1, "{cache_control:?}: still good");
        assert_eq!(fetches(10_000 + kept), 2, "{cache_control:?}: no longer good");
        assert_eq!(fetches(9_999), 3, "from the future: the clock was set back");
    }
}

#[test]
fn damaged_cached_metadata_is_ignored() {
    let cache = tempfile::tempdir().unwrap();
    let web = Web::default().page(OIDC, 200, &metadata(&[]));
    let go = || run_at(&profile(), &web, Some(cache.path()), 5_000, Purpose::Token).unwrap();
    let first = go();
    assert_eq!(go(), first);
    assert_eq!(web.asked().len(), 1);
    let path = kept::path(cache.path(), ISSUER);
    let good = std::fs::read_to_string(&path).unwrap();
    for damaged in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        good.replace("https://as.example/token", "http://as.example/token"),
        good.replace("\"version\":3", "\"version\":2"),
        good.replace("\"good_until\":91400", "\"good_until\":9999999999"),
    ] {
        assert_ne!(damaged, good);
        std::fs::write(&path, damaged).unwrap();
        let before = web.asked().len();
        assert_eq!(go(), first);
        assert_eq!(web.asked().len(), before + 1, "fetched again");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), good, "and repaired");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn refused_metadata_is_not_cached() {
    let cache = tempfile::tempdir().unwrap();
    let web =
        Web::default().page(OIDC, 200, &metadata(&[("issuer", "https://evil.example".into())]));
    assert!(run_at(&profile(), &web, Some(cache.path()), 5_000, Purpose::Login).is_err());
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
}
