#!/usr/bin/env bash
# Downloads a release of oauthctl, verifies its checksum, and adds the program to the PATH of the job.
#
# VERSION    0.1.0, v0.1.0 or latest
# RELEASES   https://HOST/OWNER/NAME/releases
set -euo pipefail

fail() { echo "::error::$*"; exit 1; }

case "$RUNNER_OS-$RUNNER_ARCH" in
    Linux-X64) target=x86_64-unknown-linux-gnu ;;
    Linux-ARM64) target=aarch64-unknown-linux-gnu ;;
    macOS-X64) target=x86_64-apple-darwin ;;
    macOS-ARM64) target=aarch64-apple-darwin ;;
    Windows-X64) target=x86_64-pc-windows-msvc ;;
    *) fail "there is no release of oauthctl for $RUNNER_OS on $RUNNER_ARCH" ;;
esac
case "$target" in
    *windows*) archive=oauthctl-$target.zip ;;
    *) archive=oauthctl-$target.tar.xz ;;
esac
case "$VERSION" in
    latest) from=$RELEASES/latest/download ;;
    [0-9]*) from=$RELEASES/download/v$VERSION ;;
    v[0-9]*) from=$RELEASES/download/$VERSION ;;
    *) fail "invalid version '$VERSION' (expected a version such as 0.1.0, or latest)" ;;
esac

directory=$(mktemp -d "$RUNNER_TEMP/oauthctl.XXXXXX")
cd "$directory"
for file in "$archive" "$archive.sha256"; do
    curl -fsSL --proto-redir '=https' --retry 3 -o "$file" "$from/$file" || fail "cannot download $from/$file"
done
if command -v sha256sum >/dev/null; then
    sha256sum --check "$archive.sha256"
else
    shasum -a 256 --check "$archive.sha256"
fi
mkdir bin
case "$archive" in
    *.zip) 7z x -y -obin "$archive" >/dev/null ;;
    # The archive has one directory at its top.
    *) tar -xJf "$archive" --strip-components=1 -C bin ;;
esac

echo "$directory/bin" >>"$GITHUB_PATH"
installed=$("$directory/bin/oauthctl" version)
echo "version=${installed#oauthctl }" >>"$GITHUB_OUTPUT"
echo "Installed $installed"
