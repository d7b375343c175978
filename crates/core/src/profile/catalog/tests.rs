//! What is read by way of a catalog is what stands in the file.

use super::*;

/// Every way in which a profile can stand in a file.
fn text() -> String {
    let many: String = (0..1200)
        .map(|number| {
            format!("[profiles.many-{number}]\nissuer = \"https://as-{number}.example\"\nclient_id = \"c\"\n")
        })
        .collect();
    format!(
        r#"# A comment.
profiles.dotted.issuer = "https://dotted.example"
profiles.dotted.client_id = "c"
[profiles."quoted name"]
issuer = "https://quoted.example"
client_id = "c"
client_secret = "hunter2"
scopes = [
"a",
# [profiles.many-4]
"b", # ]
]
audience = """a\
[profiles.many-3]"""
{many}
[profiles.early.hooks]
pre_token = ["hook"]
[defaults]
profile = "late"
store = "file"
[profiles . early]
issuer = "https://early.example"
client_id = "c"
[profiles.late]
client_id = "c"
provider = "gitlab"
pkce = "off"
[profiles.shared] # On /callback too.
issuer = "https://shared.example"
client_id = "c"
redirect_uri = ["http://127.0.0.1/callback", "https://app.example/back"]
[profiles.elsewhere]
issuer = "https://elsewhere.example"
client_id = "c"
redirect_uri = "https://app.example/back"
[profiles.machine]
issuer = "https://machine.example"
client_id = "c"
client_secret = 'hunter3'
grant = "client_credentials"
"#
    )
}

fn file(text: &str) -> ConfigFile {
    ConfigFile::of_text(Path::new("/cfg/c.toml"), text)
}

#[test]
fn each_profile_is_what_it_is_in_the_whole_file() {
    let state = tempfile::tempdir().unwrap();
    let file = file(&text());
    assert!(Catalog::open(state.path(), &file).is_none());
    let whole = file.parse_and_catalog(state.path()).unwrap();
    let catalog = Catalog::open(state.path(), &file).unwrap();
    assert_eq!(catalog.default_profile(), Some("late"));
    assert_eq!(catalog.warnings(), whole.warnings);
    assert_eq!(whole.warnings.len(), 1);
    let is_like_others = |name: &str| name.starts_with("many-") && name != "many-3";
    for (name, profile) in whole.profiles.iter().filter(|(name, _)| !is_like_others(name)) {
        let narrowed = catalog.narrowed(name).unwrap();
        assert_eq!(narrowed.profiles.values().collect::<Vec<_>>(), [profile]);
        assert_eq!(narrowed.store_of(profile), Some("file"));
        let names = |some: Vec<&Profile>| some.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
        let others: Vec<&str> = catalog.of_other_servers(profile).collect();
        assert_eq!(others, names(whole.of_other_servers(profile)), "{name}");
        let sharing: Vec<&str> = catalog.sharing_a_callback(profile).collect();
        assert_eq!(sharing, names(whole.sharing_a_callback(profile)), "{name}");
    }
    let sharing: Vec<&str> = catalog.sharing_a_callback(&whole.profiles["shared"]).collect();
    assert_eq!(sharing, ["dotted", "elsewhere"]);
    assert!(catalog.narrowed("nobody").is_none());
}

#[test]
fn profile_is_read_without_the_text_of_the_others() {
    let text = text();
    let (document, _) = toml::de::DeTable::parse_recoverable(&text);
    let root = super::super::node::table(document.get_ref());
    let Value::Table(profiles) = &find(&root, "profiles").unwrap().node.value else { panic!() };
    let parts = Parts::of(&text, &root, profiles);
    let length = |ranges: &[Range<usize>]| ranges.iter().map(Range::len).sum::<usize>();
    assert!(length(&parts.common) < 1000, "{:?}", parts.common);
    let all = parts.own.iter().map(|own| length(own)).sum::<usize>() + length(&parts.common);
    assert_eq!(all, text.len());
}

#[test]
fn any_other_file_has_no_catalog() {
    let state = tempfile::tempdir().unwrap();
    let text = text();
    let original = file(&text);
    original.parse_and_catalog(state.path()).unwrap();
    assert!(Catalog::open(state.path(), &file(&format!("{text}# More.\n"))).is_none());
    let moved = ConfigFile::of_text(Path::new("/other/c.toml"), &text);
    assert!(Catalog::open(state.path(), &moved).is_none());
    let wrong = file(&text.replace("pkce = \"off\"", "pkce = \"of\""));
    assert!(wrong.parse_and_catalog(state.path()).is_err());
    assert!(Catalog::open(state.path(), &wrong).is_none());
    assert!(Catalog::open(state.path(), &original).is_some());
    let small = file("[profiles.p]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n");
    small.parse_and_catalog(state.path()).unwrap();
    assert!(Catalog::open(state.path(), &small).is_none(), "a small one needs none");
}

#[test]
fn catalog_holds_no_secret() {
    let state = tempfile::tempdir().unwrap();
    file(&text()).parse_and_catalog(state.path()).unwrap();
    let [kept] = &std::fs::read_dir(state.path().join("resolved")).unwrap().collect::<Vec<_>>()[..]
    else {
        panic!("one file")
    };
    let kept = std::fs::read_to_string(kept.as_ref().unwrap().path()).unwrap();
    assert!(kept.contains("machine") && !kept.contains("hunter"));
}
