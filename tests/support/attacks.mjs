// What hostile neighbours send to a loopback listener before the true callback comes. None of these may
// end the attempt, spend the code, or be answered with success. `c` describes the awaited callback:
// {host, path, query, state, code, iss}; an entry returns the raw bytes of one connection.

function request(target, { method = 'GET', host, headers = [], body = '', version = 'HTTP/1.1' }) {
  const lines = [`${method} ${target} ${version}`];
  if (host !== null) lines.push(`Host: ${host}`);
  lines.push(...headers);
  if (body) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  lines.push('Connection: close', '', '');
  return lines.join('\r\n') + body;
}

const get = (target) => (c) => request(target(c), { host: c.host });
const query = (text) => get((c) => `${c.path}?${text(c)}`);
const as = (method, more = {}) => (c) =>
  request(`${c.path}?${c.query}`, { method, host: c.host, ...more });
const host = (name) => (c) => request(`${c.path}?${c.query}`, { host: name(c) });
const port = (c) => c.host.replace(/^.*:/, '');
const state = (change) => query((c) => `code=stolen&state=${change(encodeURIComponent(c.state))}`);
const swapCase = (text) => text.replace(/[a-zA-Z]/, (l) => (l < 'a' ? l.toLowerCase() : l.toUpperCase()));
const value = (text) => query((c) => `code=${text}&state=${encodeURIComponent(c.state)}`);

export const ATTACKS = {
  'state-missing': query(() => 'code=stolen'),
  'state-empty': query(() => 'code=stolen&state='),
  'state-wrong': query(() => 'code=stolen&state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'),
  'state-truncated': state((s) => s.slice(0, -1)),
  'state-extended': state((s) => `${s}A`),
  'state-case-changed': state(swapCase),
  'state-with-space': state((s) => `${s}%20`),
  'state-with-nul': state((s) => `${s}%00`),
  'state-in-fragment': get((c) => `${c.path}?code=stolen#state=${c.state}`),
  'state-under-other-name': query((c) => `code=stolen&State=${encodeURIComponent(c.state)}`),
  'denied-without-state': query(() => 'error=access_denied'),
  'denied-with-wrong-state': query(() => 'error=access_denied&state=guess'),
  'error-with-markup': query(() => 'error=%3Cscript%3Ealert(1)%3C/script%3E&state=guess'),
  'error-with-escape': query(() => 'error=x&error_description=%1b%5B2J%0d%0aSet-Cookie:a&state=g'),

  'code-twice': query((c) => `code=a&code=a&state=${encodeURIComponent(c.state)}`),
  'code-twice-different': query((c) => `code=a&code=b&state=${encodeURIComponent(c.state)}`),
  'state-twice': query((c) => `code=a&state=${encodeURIComponent(c.state)}&state=${encodeURIComponent(c.state)}`),
  'state-twice-different': query((c) => `code=a&state=${encodeURIComponent(c.state)}&state=guess`),
  'iss-twice': query((c) => `code=a&state=${encodeURIComponent(c.state)}&iss=a&iss=a`),
  'error-twice': query((c) => `error=a&error=a&state=${encodeURIComponent(c.state)}`),
  'code-and-error': query((c) => `code=a&error=access_denied&state=${encodeURIComponent(c.state)}`),
  'neither-code-nor-error': query((c) => `state=${encodeURIComponent(c.state)}`),
  'token-instead-of-code': query((c) => `access_token=X&token_type=bearer&state=${encodeURIComponent(c.state)}`),

  'code-empty': value(''),
  'code-with-nul': value('a%00b'),
  'code-with-newline': value('a%0d%0ab'),
  'code-with-escape': value('a%1b%5D8;;b'),
  'code-not-utf8': value('a%ff%feb'),
  'code-over-8k': value('a'.repeat(9000)),
  'broken-percent': value('a%zz'),

  'path-root': get(() => '/'),
  'path-favicon': get(() => '/favicon.ico'),
  'path-other': get((c) => `/elsewhere?${c.query}`),
  'path-below': get((c) => `${c.path}/x?${c.query}`),
  'path-trailing-slash': get((c) => `${c.path}/?${c.query}`),
  'path-double-slash': get((c) => `/${c.path}?${c.query}`),
  'path-dot-segments': get((c) => `/x/..${c.path}?${c.query}`),
  'path-encoded': get((c) => `${c.path.replace('c', '%63')}?${c.query}`),
  'path-upper-case': get((c) => `${c.path.toUpperCase()}?${c.query}`),

  'method-head': as('HEAD'),
  'method-options': as('OPTIONS', {
    headers: ['Origin: https://evil.example', 'Access-Control-Request-Method: GET'],
  }),
  'method-preflight-private-network': as('OPTIONS', {
    headers: [
      'Origin: https://evil.example',
      'Access-Control-Request-Method: GET',
      'Access-Control-Request-Private-Network: true',
    ],
  }),
  'method-put': as('PUT', { body: 'x' }),
  'method-delete': as('DELETE'),
  'method-lower-case': as('get'),
  'method-override': as('POST', { headers: ['X-HTTP-Method-Override: GET'] }),
  'post-form': (c) => request(c.path, {
    method: 'POST',
    host: c.host,
    headers: ['Content-Type: application/x-www-form-urlencoded'],
    body: c.query,
  }),
  'post-json': (c) => request(c.path, {
    method: 'POST',
    host: c.host,
    headers: ['Content-Type: application/json'],
    body: JSON.stringify({ code: 'stolen', state: c.state }),
  }),
  'post-multipart': (c) => request(c.path, {
    method: 'POST',
    host: c.host,
    headers: ['Content-Type: multipart/form-data; boundary=b'],
    body: `--b\r\nContent-Disposition: form-data; name="state"\r\n\r\n${c.state}\r\n--b--\r\n`,
  }),
  'connect': (c) => request(c.host, { method: 'CONNECT', host: c.host }),

  'host-missing': host(() => null),
  'host-empty': host(() => ''),
  'host-other': host((c) => `evil.example:${port(c)}`),
  'host-rebinding': host((c) => `127.0.0.1.evil.example:${port(c)}`),
  'host-suffix': host((c) => `evil.127.0.0.1:${port(c)}`),
  'host-without-port': host((c) => c.host.replace(/:\d+$/, '')),
  'host-other-port': host((c) => c.host.replace(/\d+$/, '1')),
  'host-wildcard': host((c) => `0.0.0.0:${port(c)}`),
  'host-decimal': host((c) => `2130706433:${port(c)}`),
  'host-userinfo': host((c) => `evil@${c.host}`),
  'host-twice': (c) => request(`${c.path}?${c.query}`, { host: c.host, headers: ['Host: evil.example'] }),
  'host-in-target': (c) => request(`http://evil.example${c.path}?${c.query}`, { host: c.host }),

  'length-and-chunked': as('POST', {
    headers: ['Transfer-Encoding: chunked', 'Content-Length: 4'],
  }),
  'chunk-size-broken': as('POST', { headers: ['Transfer-Encoding: chunked'], body: 'zz\r\n' }),
  'encoding-unknown': as('POST', { headers: ['Transfer-Encoding: gzip'] }),
  'lengths-differ': as('POST', { headers: ['Content-Length: 1', 'Content-Length: 2'] }),
  'header-folded': as('GET', { headers: ['X-A: 1', ' folded'] }),
  'header-without-colon': as('GET', { headers: ['nonsense'] }),
  'header-not-utf8-name': as('GET', { headers: ['X-\xff: 1'] }),
  'headers-too-large': as('GET', { headers: [`X-A: ${'a'.repeat(70_000)}`] }),
  'headers-too-many': as('GET', { headers: Array.from({ length: 2000 }, (_, n) => `X-${n}: ${n}`) }),
  'target-too-long': get((c) => `${c.path}?${c.query}&pad=${'a'.repeat(40_000)}`),
  'version-unknown': as('GET', { version: 'HTTP/9.9' }),
  'version-missing': (c) => `GET ${c.path}?${c.query}\r\n\r\n`,
  'tls-hello': () => '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03',
  'http2-preface': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'noise': () => '\x00\x01\x02\xff\xfe\r\n\r\n',
  'pipelined-behind-a-bad-one': (c) =>
    `BAD\r\n\r\n${request(`${c.path}?${c.query}`, { host: c.host })}`,
};
