// Lists the functions that the shortest runs call, for the linker.
//
//   CARGO_PROFILE_RELEASE_STRIP=none cargo build --release --package oauthctl
//   node benches/startup-order.mjs [PROGRAM]
//
// A run that prints a stored token calls some 500 of the program's functions. The linker scatters them over all of its
// code, and each first use of a page costs a page fault. `packaging/startup.ld`, which this script writes, has the
// linker put them side by side. The list may be out of date: a function that it does not name is placed as usual, and
// a name that nothing has any more is ignored.
//
// PROGRAM is target/release/oauthctl without it. `valgrind` (callgrind) and `nm` are needed. Run it on Linux, where the
// kernel keyring is the cache.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const SCRIPT = join(ROOT, 'packaging/startup.ld');
const program = resolve(process.argv[2] ?? join(ROOT, 'target/release/oauthctl'));

const home = mkdtempSync(join(tmpdir(), 'oauthctl-order-'));
const config = join(home, 'config.toml');
const env = { PATH: process.env.PATH, HOME: home, LANG: 'C.UTF-8', OAUTHCTL_CONFIG: config, OAUTHCTL_STORE: 'file' };
const run = (args, options = {}) => execFileSync(program, args, { env, ...options });

/** Every function that a run calls. */
function called(args, options = {}) {
  const out = mkdtempSync(join(home, 'calls-'));
  const valgrind = ['-q', '--tool=callgrind', '--demangle=no', `--callgrind-out-file=${out}/%p`, program, ...args];
  execFileSync('valgrind', valgrind, { env: { ...env, ...options.env }, input: options.input ?? '' });
  const found = new Set();
  for (const file of readdirSync(out)) {
    for (const [, name] of readFileSync(join(out, file), 'utf8').matchAll(/^c?fn=\(\d+\) (.*)$/gm)) {
      found.add(name.replace(/'\d+$/, ''));
    }
  }
  return found;
}

/**
 * The section of a function. What changes with the compiler, the directory of the build or a dependency's version is
 * left open: the number that tells crates of the same name apart has 11 digits or fewer.
 */
function section(name) {
  const open = name.replace(/Cs[0-9A-Za-z]{6,12}_/g, 'Cs*_').replace(/^aws_lc_\d+_\d+_\d+_/, 'aws_lc_*_');
  // Functions that are marked as cold have a section of another name, and so have constructors and destructors in C.
  const kinds = name.startsWith('_R') ? ['', 'unlikely.'] : ['', 'unlikely.', 'startup.', 'exit.'];
  return `*(${kinds.map((kind) => `.text.${kind}${open}`).join(' ')})`;
}

/** AWS-LC's code in assembly, which has no sections for its functions: SHA-256, ChaCha20-Poly1305. */
const ASSEMBLY = ['*sha256-x86_64.o(.text)', '*chacha20_poly1305_x86_64.o(.text)'];

try {
  const profile = '[profiles.p]\nissuer = "ISSUER"\nclient_id = "cli"\nscopes = ["openid", "offline_access"]\n';
  const credential = '[credential.git."https://git.example"]\nprofile = "p"\n';
  const server = spawn(program, ['sandbox', '--auto-consent'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const issuer = await new Promise((done) => server.stdout.once('data', (line) => done(String(line).trim())));
  writeFileSync(config, profile.replace('ISSUER', issuer) + credential);
  run(['login', 'p'], { env: { ...env, BROWSER: 'curl -sL -o /dev/null %s' }, stdio: 'ignore' });
  run(['token', '-p', 'p']);

  const groups = [called(['token', '-p', 'p'])];
  groups.push(called(['credential', 'git', 'get'], { input: 'protocol=https\nhost=git.example\n\n' }));
  const agent = spawn(program, ['agent', '--foreground'], { env, stdio: 'ignore' });
  const socket = join(home, '.local/state/oauthctl/agent.sock');
  while (!existsSync(socket)) await sleep(10);
  groups.push(called(['token', '-p', 'p'], { env: { OAUTHCTL_AGENT: `unix:${socket}` } }));
  agent.kill();
  writeFileSync(config, `${readFileSync(config, 'utf8')}[defaults]\ncache = "kernel"\n`);
  run(['token', '-p', 'p']);
  groups.push(called(['token', '-p', 'p']));
  server.kill();

  const own = new Set(execFileSync('nm', ['--defined-only', program], { encoding: 'utf8', maxBuffer: 1 << 28 })
    .split('\n').map((line) => line.split(' ')).filter(([, kind]) => kind === 't' || kind === 'T').map((line) => line[2]));
  const lines = new Set(ASSEMBLY.map((line) => `    ${line}`));
  for (const group of groups) {
    for (const name of [...group].filter((name) => own.has(name)).sort()) lines.add(`    ${section(name)}`);
  }
  mkdirSync(dirname(SCRIPT), { recursive: true });
  writeFileSync(SCRIPT, `/* Made by benches/startup-order.mjs. */
SECTIONS
{
  .text.startup_order :
  {
${[...lines].join('\n')}
  }
}
INSERT BEFORE .text;
`);
  console.log(`${lines.size} functions in ${SCRIPT}`);
} finally {
  rmSync(home, { recursive: true, force: true });
}
