use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::planted_with;
use super::run;
use crate::fixture::TOKEN;
use crate::support::{Api, Asked, Home, Replied, await_some, program};

/// Debian's registry, on a Unix socket. It ends when this is dropped.
struct Registry(Child);

impl Registry {
    fn start(home: &Home) -> (Self, PathBuf) {
        let (socket, config) = (home.path("run/registry"), home.path("registry.yml"));
        let text = format!(
            "version: 0.1\nlog: {{accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {:?}}}}}\nhttp: {{net: unix, addr: {socket:?}}}\n",
            home.path("registry")
        );
        home.write(&config, &text);
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
        let registry = Self(command.spawn().unwrap());
        await_some("the registry", || UnixStream::connect(&socket).ok());
        (registry, socket)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Passes a request on to the registry.
fn forward(socket: &Path, asked: &Asked) -> Replied {
    let mut stream = UnixStream::connect(socket).unwrap();
    let of_connection = ["connection", "authorization", "transfer-encoding", "content-length"];
    let headers = asked.headers.iter().filter(|(name, _)| !of_connection.contains(&name.as_str()));
    let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{} {} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n",
        asked.method,
        asked.target,
        asked.body.len()
    );
    stream.write_all(&[head.as_bytes(), &asked.body].concat()).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    Replied::raw_bytes(reply)
}

/// An image of one layer, as skopeo reads it.
fn image(home: &Home) -> PathBuf {
    const MAKE: &str = r#"set -eu; mkdir -p "$1/blobs/sha256"; cd "$1"
        blob() { cat > blob; d=$(sha256sum blob | cut -d' ' -f1); n=$(wc -c < blob); mv blob blobs/sha256/$d; }
        member() { printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}' "$1" "$d" "$n"; }
        t=application/vnd.oci.image
        tar c -T /dev/null > tar; id=$(sha256sum tar | cut -d' ' -f1); gzip -n tar; blob < tar.gz
        layer=$(member $t.layer.v1.tar+gzip)
        printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' $id > json; blob < json
        config=$(member $t.config.v1+json)
        printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' "$config" "$layer" > json; blob < json
        printf '{"schemaVersion":2,"manifests":[%s]}' "$(member $t.manifest.v1+json)" > index.json
        echo '{"imageLayoutVersion":"1.0.0"}' > oci-layout"#;
    let path = home.path("image");
    run(home, &["sh", "-c", MAKE, "sh", path.to_str().unwrap()]);
    path
}

/// A registry behind a token service: who has the token of oauthctl as a password gets one for the registry.
#[test]
fn skopeo_pushes_and_inspects_by_the_link() {
    let mut home = planted_with("");
    let (_registry, socket) = Registry::start(&home);
    let basic = format!("Basic {}", STANDARD.encode(format!("oauth2:{TOKEN}")));
    let front = Api::start(move |asked| {
        let authorization = asked.header("authorization");
        let host = asked.header("host").unwrap();
        if asked.target.starts_with("/auth") {
            return match authorization == Some(&basic) {
                true => Replied::ok("{\"token\":\"for-the-registry\"}"),
                false => Replied::new(401, &[], ""),
            };
        }
        if authorization == Some("Bearer for-the-registry") {
            return forward(&socket, asked);
        }
        let challenge =
            format!("www-authenticate: Bearer realm=\"http://{host}/auth\",service=\"registry\"");
        Replied::new(401, &[&challenge], "")
    });
    let authority = front.origin.strip_prefix("http://").unwrap();
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    let tables = format!("[credential.docker.\"{authority}\"]\nprofile = \"p\"\n");
    home.config(&format!("{config}{tables}"));
    home.run(["credential", "setup", "docker"]).ok();
    let image = format!("oci:{}", image(&home).display());
    let place = format!("docker://{authority}/notes:1");
    let push = [
        "/usr/bin/skopeo",
        "copy",
        "-q",
        "--insecure-policy",
        "--dest-tls-verify=false",
        &image,
        &place,
    ];
    let inspect = ["/usr/bin/skopeo", "inspect", "--tls-verify=false", &place];
    // Without the link, skopeo finds no helper.
    assert!(!home.tool(push[0]).args(&push[1..]).output().unwrap().status.success());
    let links = home.path("links");
    std::fs::create_dir(&links).unwrap();
    std::os::unix::fs::symlink(program(), links.join("docker-credential-oauthctl")).unwrap();
    home.set("PATH", format!("{}:/usr/bin:/bin", links.display()));
    run(&home, &push);
    let seen = run(&home, &inspect).stdout;
    assert!(String::from_utf8(seen).unwrap().contains("\"Architecture\": \"amd64\""));
}
