{
  description = "Gets OAuth 2.0 tokens, keeps them safe and fresh, and hands them to the programs that need them";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "aarch64-darwin"
        "aarch64-linux"
        "x86_64-darwin"
        "x86_64-linux"
      ];
      forAll = build: nixpkgs.lib.genAttrs systems (system: build nixpkgs.legacyPackages.${system});
      manifest = (builtins.fromTOML (builtins.readFile ./Cargo.toml)).workspace.package;
    in
    {
      packages = forAll (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = "oauthctl";
          inherit (manifest) version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          cargoBuildFlags = [
            "--package"
            "oauthctl"
          ];
          # The tests need keyrings, browsers and servers.
          doCheck = false;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          postInstall = ''
            "$out/bin/oauthctl" man --dir man
            installManPage man/*.1
            installShellCompletion --bash --name oauthctl completions/oauthctl.bash
            installShellCompletion --fish completions/oauthctl.fish
            installShellCompletion --zsh completions/_oauthctl
          '';
          meta = {
            description = "Command line for OAuth 2.0 tokens";
            homepage = manifest.homepage;
            license = with pkgs.lib.licenses; [
              asl20
              mit
            ];
            mainProgram = "oauthctl";
          };
        };
      });

      devShells = forAll (pkgs: {
        default = pkgs.mkShell {
          packages = with pkgs; [
            cargo
            clippy
            rustc
            rustfmt
          ];
        };
      });
    };
}
