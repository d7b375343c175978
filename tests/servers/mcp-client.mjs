// A small MCP client that leaves all of OAuth to `oauthctl`: the client that the conformance suite tests.
//
//   node mcp-client.mjs PROGRAM URL        MCP_TOOL='{"name":"test-tool","arguments":{}}'
//
// It calls a tool of the server at the URL, over the wire of MCP_CONFORMANCE_PROTOCOL_VERSION. A 401 makes it log
// in, a 401 or 403 with a token makes it ask for a better one. The servers of the suite let everybody in at once: the
// browser only has to follow redirects.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [program, url] = process.argv.slice(2);
const version = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? '2026-07-28';
const given = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT || '{}');
const isStateless = version >= '2026-07-28';
// Every scenario is a machine of its own.
const home = mkdtempSync(join(tmpdir(), 'oauthctl-mcp-'));
const config = join(home, 'config.toml');
writeFileSync(
  config,
  '[defaults]\nstore = "file"\nclient_id_metadata_url = "https://conformance-test.local/client-metadata.json"\n',
  { mode: 0o600 },
);

const environment = {
  PATH: process.env.PATH,
  HOME: home,
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_DATA_HOME: join(home, 'data'),
  OAUTHCTL_CONFIG: config,
  OAUTHCTL_STATE_DIR: join(home, 'state'),
  BROWSER: 'curl -sSL -o /dev/null %s',
};

function oauthctl(words, input = '') {
  return new Promise((resolve, reject) => {
    const child = execFile(program, words, { env: environment }, (error, stdout, stderr) => {
      if (error) reject(new Error(`oauthctl ${words[0]} ended with ${error.code}: ${stderr}`));
      else resolve(stdout);
    });
    // A program that reads no input may have ended already.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

let headers = {};

async function useToken(words = []) {
  headers = JSON.parse(await oauthctl(['token', '-p', url, '--format', 'headers', ...words]));
}

/** Gets a token for this challenge. */
async function authorize(challenge) {
  if (headers.Authorization) return useToken(['--challenge', challenge]);
  const client = given.client_id ? ['--client-id', given.client_id] : [];
  if (given.client_secret) client.push('--client-secret-stdin');
  await oauthctl(['login', url, '--challenge', challenge, ...client], given.client_secret);
  return useToken();
}

let session;
let nextId = 1;

function send(method, params) {
  const isNotification = method.startsWith('notifications/');
  const meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': { name: 'oauthctl-test', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const message = {
    jsonrpc: '2.0',
    ...(isNotification ? {} : { id: nextId++ }),
    method,
    params: isStateless ? { ...params, _meta: meta } : params,
  };
  return fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': version,
      ...(isStateless ? { 'Mcp-Method': method } : {}),
      ...(isStateless && params?.name ? { 'Mcp-Name': params.name } : {}),
      ...(session ? { 'Mcp-Session-Id': session } : {}),
      ...headers,
    },
    body: JSON.stringify(message),
  });
}

/** Sends a request until it is accepted. The program says when to give up. */
async function call(method, params) {
  for (;;) {
    const response = await send(method, params);
    const text = await response.text();
    if (response.ok) {
      session = response.headers.get('mcp-session-id') ?? session;
      return text;
    }
    if (response.status !== 401 && response.status !== 403) {
      throw new Error(`${method}: ${response.status} ${text}`);
    }
    const challenge = response.headers.get('www-authenticate');
    if (challenge) await authorize(challenge);
    else {
      await oauthctl(['login', url]);
      await useToken();
    }
  }
}

try {
  if (!isStateless) {
    const clientInfo = { name: 'oauthctl-test', version: '1.0.0' };
    await call('initialize', { protocolVersion: version, capabilities: {}, clientInfo });
    await call('notifications/initialized', {});
  }
  await call('tools/list', {});
  const tool = JSON.parse(process.env.MCP_TOOL || '{"name":"test-tool","arguments":{}}');
  const said = await call('tools/call', tool);
  console.log(said);
  console.log('called');
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
