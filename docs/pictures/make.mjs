// Makes the pictures of the documentation from real runs: the terminal and the browser page of a login against the
// sandbox, and how the time of two commands grows with what is stored.
//
//   node docs/pictures/make.mjs [PROGRAM] [NAME...]
//
// PROGRAM is a release build (target/release/oauthctl without it). NAME is terminal, page or growth; all without it.
// `script` (util-linux) is needed for the terminal, and Chromium for the page.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HERE, '../..');
const COLUMNS = 100;

const args = process.argv.slice(2);
const program = resolve(args[0]?.includes('/') ? args.shift() : join(ROOT, 'target/release/oauthctl'));
const wanted = args.length ? args : ['terminal', 'page', 'growth'];

const scratch = mkdtempSync(join(tmpdir(), 'oauthctl-pictures-'));
const bin = join(scratch, 'bin');
mkdirSync(bin);
execFileSync('ln', ['-s', program, join(bin, 'oauthctl')]);

/** The environment of a user who has nothing yet. */
function home(name) {
  const base = join(scratch, name);
  mkdirSync(base);
  return {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: base,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    COLUMNS: String(COLUMNS),
    OAUTHCTL_STORE: 'file',
  };
}

function run(env, ...command) {
  return execFileSync('oauthctl', command, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs the sandbox while `work` does something with its issuer. */
async function withSandbox(env, work) {
  const server = spawn('oauthctl', ['sandbox', '--auto-consent'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const issuer = await new Promise((found) => server.stdout.once('data', (line) => found(String(line).trim())));
    return await work(issuer);
  } finally {
    server.kill();
  }
}

/** What the commands print on a terminal, each after its prompt. */
function transcript(env, commands) {
  return commands.map((command) => {
    const done = spawnSync('script', ['-qec', `stty cols ${COLUMNS}; ${command.run ?? command.shown}`, '/dev/null'], {
      env: { ...env, SHELL: '/bin/sh' }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'],
    });
    return `\u001b[32m$\u001b[0m ${command.shown}\n${done.stdout.replaceAll('\r\n', '\n')}`;
  }).join('\n');
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Lines of pieces: a text with the parameters of its color. */
function pieces(text) {
  const lines = [[]];
  let style = '';
  let column = 0;
  const put = (chunk) => {
    for (const character of chunk) {
      if (character === '\n') { lines.push([]); column = 0; continue; }
      if (character < ' ') continue;
      if (column === COLUMNS) { lines.push([]); column = 0; }
      const line = lines.at(-1);
      if (line.at(-1)?.style === style) line.at(-1).text += character;
      else line.push({ style, text: character });
      column += 1;
    }
  };
  for (const part of text.split(/(\u001b\[[0-9;?]*[A-Za-z])/)) {
    const code = /^\u001b\[([0-9;]*)m$/.exec(part);
    if (code) style = code[1] === '0' ? '' : code[1];
    else if (!part.startsWith('\u001b')) put(part);
  }
  while (lines.at(-1).length === 0) lines.pop();
  return lines;
}

const COLORS = { 31: '#f47067', 32: '#6bc46d', 33: '#daaa3f', 34: '#6cb6ff', 36: '#56d4dd' };

function terminalSvg(text) {
  const [size, step, left, top] = [14, 20, 20, 52];
  const lines = pieces(text);
  const width = Math.round(left * 2 + COLUMNS * size * 0.602);
  const height = top + lines.length * step + 10;
  const rows = lines.map((line, number) => {
    const spans = line.map(({ style, text: words }) => {
      const codes = style.split(';');
      const color = codes.map((code) => COLORS[code]).find(Boolean);
      const weight = codes.includes('1') ? ' font-weight="bold"' : '';
      return `<tspan${color ? ` fill="${color}"` : ''}${weight}>${escaped(words)}</tspan>`;
    });
    return `<text x="${left}" y="${top + number * step}" xml:space="preserve">${spans.join('')}</text>`;
  });
  const dots = ['#f47067', '#daaa3f', '#6bc46d'].map((fill, n) => `<circle cx="${20 + n * 20}" cy="20" r="6" fill="${fill}"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="A login on the terminal">
<rect width="${width}" height="${height}" rx="8" fill="#1c2128"/>
${dots.join('')}
<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="${size}" fill="#cdd9e5">
${rows.join('\n')}
</g>
</svg>
`;
}

async function terminal() {
  const env = home('terminal');
  const text = await withSandbox(env, async (issuer) => {
    const visit = "--browser 'curl -sSL -o /dev/null'";
    return transcript(env, [
      { shown: `oauthctl profile add demo --issuer ${issuer} --client-id demo --scope openid` },
      { shown: 'oauthctl login demo', run: `oauthctl login demo ${visit}` },
      { shown: 'oauthctl status' },
    ]);
  });
  writeFileSync(join(HERE, 'login.svg'), terminalSvg(text.replaceAll(env.HOME, '/home/ada')));
}

function chromium() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const found = names.find((name) => spawnSync('which', [name]).status === 0);
  if (!found) throw new Error('Chromium is needed for the page');
  return found;
}

async function page() {
  const env = home('page');
  await withSandbox(env, async (issuer) => {
    run(env, 'profile', 'add', 'demo', '--issuer', issuer, '--client-id', 'demo', '--scope', 'openid', '--scope', 'email');
    const picture = join(HERE, 'page.png');
    const browser = `${chromium()} --headless --no-sandbox --hide-scrollbars --window-size=900,560 `
      + `--virtual-time-budget=10000 --user-data-dir=${join(scratch, 'chromium')} --screenshot=${picture}`;
    run({ ...env, DISPLAY: ':0' }, 'login', 'demo', '--browser', browser);
    await new Promise((done) => setTimeout(done, 5000));
  });
}

/** The time of a command in milliseconds. */
function timed(env, command) {
  const begin = process.hrtime.bigint();
  spawnSync('oauthctl', command, { env, stdio: 'ignore' });
  return Number(process.hrtime.bigint() - begin) / 1e6;
}

/** Runs each command in turn, round by round, so that other load meets all of them; the lower quartile of each. */
function quartiles(cases, rounds) {
  const times = cases.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    cases.forEach(({ env, command }, number) => times[number].push(timed(env, command)));
  }
  return times.map((of) => of.sort((a, b) => a - b)[rounds >> 2]);
}

const SECTION = (name) => `[profiles.${name}]\nauthorization_endpoint = "https://as.example/authorize"\n`
  + 'token_endpoint = "https://as.example/token"\nclient_id = "c"\nredirect_uri = "http://127.0.0.1:8080/callback"\n\n';

/** A home with this many profiles, and a stored token of the first. */
function withProfiles(count) {
  const env = home(`token-${count}`);
  const config = join(env.HOME, '.config/oauthctl');
  mkdirSync(config, { recursive: true });
  const names = Array.from({ length: count }, (_, n) => `p${n}`);
  writeFileSync(join(config, 'config.toml'), names.map(SECTION).join(''), { mode: 0o600 });
  const grant = {
    version: 1, id: 'g_1', generation: 1, key: { profile: 'p0', account: 'default' },
    pin: { issuer: null, token_endpoint: 'https://as.example/token', client_id: 'c', client_auth: 'none' },
    grant_type: 'authorization_code',
    tokens: { access_token: 'a'.repeat(800), token_type: 'Bearer', expires_at: 4102444800, refresh_token: 'r', scopes: [] },
    obtained_at: 1700000000, refreshed_at: 1700000000,
  };
  const line = `oauthctl-1-plain.${Buffer.from(JSON.stringify(grant)).toString('base64url')}`;
  execFileSync('oauthctl', ['import'], { env, input: line, stdio: ['pipe', 'ignore', 'ignore'] });
  const command = ['token', '-p', 'p0'];
  // The first run reads the whole configuration.
  execFileSync('oauthctl', command, { env, stdio: 'ignore' });
  return { env, command };
}

/** A home with this many pending flows. */
function withPending(count) {
  const env = home(`start-${count}`);
  mkdirSync(join(env.HOME, '.config/oauthctl'), { recursive: true });
  writeFileSync(join(env.HOME, '.config/oauthctl/config.toml'), SECTION('p0'), { mode: 0o600 });
  const command = ['start', 'p0', '--ttl', '1h'];
  for (let pending = 0; pending < count; pending += 1) execFileSync('oauthctl', command, { env, stdio: 'ignore' });
  return { env, command };
}

function chart(title, axis, counts, times, color, at) {
  const [left, top, width, height] = [56 + at, 46, 300, 190];
  const most = Math.ceil(Math.max(...times) * 1.5);
  const x = (n) => left + (n / (counts.length - 1)) * width;
  const y = (time) => top + height - (time / most) * height;
  const apart = Math.max(1, Math.ceil(most / 6));
  const ticks = Array.from({ length: Math.floor(most / apart) + 1 }, (_, n) => n * apart);
  const grid = ticks.map((n) => `<path d="M${left} ${y(n)}h${width}" stroke="#d0d7de"/><text x="${left - 8}" y="${y(n) + 4}" text-anchor="end">${n}</text>`);
  const labels = counts.map((count, n) => `<text x="${x(n)}" y="${top + height + 18}" text-anchor="middle">${count.toLocaleString('en-US')}</text>`);
  const points = times.map((time, n) => `<circle cx="${x(n)}" cy="${y(time)}" r="4" fill="${color}"/><text x="${x(n)}" y="${y(time) - 10}" text-anchor="middle">${time.toFixed(1)}</text>`);
  const line = times.map((time, n) => `${n ? 'L' : 'M'}${x(n)} ${y(time)}`).join('');
  return `<text x="${left}" y="24" font-size="14" font-weight="bold">${escaped(title)}</text>
${grid.join('')}<path d="${line}" fill="none" stroke="${color}" stroke-width="2"/>${points.join('')}${labels.join('')}
<text x="${left + width / 2}" y="${top + height + 38}" text-anchor="middle">${axis}</text>`;
}

function growth() {
  const counts = [1, 10, 100, 1000, 10000];
  const tokens = quartiles(counts.map(withProfiles), 101);
  const starts = quartiles(counts.map(withPending), 101);
  const body = chart('oauthctl token, cached: milliseconds', 'profiles in the configuration', counts, tokens, '#0969da', 0)
    + chart('oauthctl start: milliseconds', 'pending flows', counts, starts, '#8250df', 400);
  writeFileSync(join(HERE, 'growth.svg'), `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 790 295" role="img" aria-label="Time of two commands by the number of profiles and of pending flows">
<rect width="790" height="295" fill="#ffffff"/>
<g font-family="system-ui,sans-serif" font-size="11" fill="#1f2328">
${body}
</g>
</svg>
`);
  console.log('token', counts, tokens, '\nstart', counts, starts);
}

try {
  for (const name of wanted) {
    await { terminal, page, growth }[name]();
    console.log(`made ${name}`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
