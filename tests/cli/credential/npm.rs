use super::planted_with;
use crate::fixture::TOKEN;

#[test]
fn npm_gets_the_value_of_the_header() {
    let home = planted_with("[credential.npm.\"https://npm.example\"]\nprofile = \"p\"\n");
    assert_eq!(home.run(["credential", "npm"]).ok().stdout, format!("Bearer {TOKEN}\n"));
    home.run(["credential", "npm", "https://npm.example"]).ok();
    assert_eq!(home.run(["credential", "npm", "https://npm.example.evil"]).fails(3).stdout, "");
}
