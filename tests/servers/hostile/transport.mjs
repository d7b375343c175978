// Faults of the transport and of everything between, for any endpoint: `token.reset-in-body`,
// `discovery.redirect-302`, `jwks.stall`. Each takes the request's context and the body that an honest server
// would have sent; most write to the socket themselves.

import { constants, deflateRawSync, gzipSync } from 'node:zlib';

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

/** Takes the connection away from the HTTP library. */
function take(x) {
  const { socket } = x.res;
  x.res.detachSocket(socket);
  socket.on('error', () => {});
  return socket;
}

function end(socket, bytes) {
  socket.end(bytes);
}

function reset(socket) {
  // Below TLS, where there is any.
  (socket._parent ?? socket).resetAndDestroy();
}

/** Writes a byte at a time, for ever or until `bytes` runs out; the client's deadline ends it. */
function drip(socket, bytes, everyMs = 1000) {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= bytes.length) clearInterval(timer);
    else socket.write(bytes.subarray(at, at += 1));
  }, everyMs);
  socket.on('close', () => clearInterval(timer));
}

/** Writes `chunk` as long as anybody reads, up to `limit` bytes. */
function flood(socket, chunk, limit) {
  let sent = 0;
  const more = () => {
    while (!socket.destroyed && sent < limit) {
      sent += chunk.length;
      if (!socket.write(chunk)) {
        socket.once('drain', more);
        return;
      }
    }
    if (!socket.destroyed) socket.end();
  };
  more();
}

const html = '<!doctype html><title>Gateway</title><h1>It did not work</h1>';

/** An answer that is a status and a body; `headers` may be a function of the context. */
function status(code, headers = {}, body = html) {
  return (x) => x.reply(
    code,
    { 'content-type': 'text/html', ...(typeof headers === 'function' ? headers(x) : headers) },
    body,
  );
}

/** A GiB of zeros in a MiB of gzip: the same whole block again and again. Nobody gets as far as the check sum. */
function bomb() {
  const mib = deflateRawSync(Buffer.alloc(2 ** 20), { finishFlush: constants.Z_FULL_FLUSH });
  const head = Buffer.from('1f8b08000000000000ff', 'hex');
  const tail = Buffer.from('03000000000000000040', 'hex');
  return Buffer.concat([head, ...Array(1024).fill(mib), tail]);
}

function redirect(code, where) {
  return status(code, (x) => ({ location: where(x) }), '');
}

const canary = (x) => `${x.world.bases.canary}/redirected${x.path}`;
const later = (x, seconds) => new Date((x.world.now() + seconds) * 1000).toUTCString();

export const TRANSPORT = {
  'black-hole': (x) => { take(x); },
  'reset-before': (x) => reset(take(x)),
  'close-before': (x) => take(x).destroy(),
  'reset-in-headers': (x) => {
    const socket = take(x);
    socket.write('HTTP/1.1 200 OK\r\nContent-Ty', () => reset(socket));
  },
  'close-after-headers': (x) => end(take(x), `${OK}Content-Length: 100\r\n\r\n`),
  'reset-in-body': (x, body) => {
    const socket = take(x);
    const half = body.slice(0, body.length / 2);
    socket.write(`${OK}Content-Length: ${body.length}\r\n\r\n${half}`, () => reset(socket));
  },
  'half-body': (x, body) =>
    end(take(x), `${OK}Content-Length: ${body.length}\r\n\r\n${body.slice(0, body.length / 2)}`),
  'half-chunked': (x, body) =>
    end(take(x), `${OK}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`),
  'stall-in-headers': (x) => { take(x).write('HTTP/1.1 200 OK\r\nContent-Type: app'); },
  'stall-in-body': (x, body) => {
    take(x).write(`${OK}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`);
  },
  'drip-headers': (x) => drip(take(x), Buffer.from(`${OK}X-Slow: ${'a'.repeat(9999)}`)),
  'drip-body': (x, body) => {
    const socket = take(x);
    socket.write(`${OK}Content-Length: 99999\r\n\r\n`);
    drip(socket, Buffer.from(body.padEnd(99_999)));
  },
  'drip-chunks': (x) => {
    const socket = take(x);
    socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n`);
    drip(socket, Buffer.from('1\r\n \r\n'.repeat(9999)), 200);
  },
  'stall-then-answer': (x, body) => {
    setTimeout(() => {
      if (!x.res.destroyed) x.json(200, body);
    }, x.world.params.stall_ms).unref();
  },
  'endless-chunks': (x) => {
    const socket = take(x);
    socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n`);
    flood(socket, Buffer.from(`4000\r\n${' '.repeat(0x4000)}\r\n`), 2 ** 32);
  },
  'body-1-gib': (x) => {
    const socket = take(x);
    socket.write(`${OK}Content-Length: ${2 ** 30}\r\n\r\n`);
    flood(socket, Buffer.alloc(0x10000, ' '), 2 ** 30);
  },
  'headers-endless': (x) => {
    const socket = take(x);
    socket.write(OK);
    flood(socket, Buffer.from(`X-Pad: ${'a'.repeat(4096)}\r\n`.repeat(16)), 2 ** 30);
  },
  'headers-10k': (x, body) => {
    const pad = Array.from({ length: 10_000 }, (_, n) => `X-${n}: ${n}`).join('\r\n');
    end(take(x), `${OK}${pad}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  },
  'header-200-kib': (x, body) =>
    end(take(x), `${OK}X-Pad: ${'a'.repeat(200_000)}\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  'gzip-bomb': (x) => {
    x.reply(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }, bomb());
  },
  'gzip-broken': (x) => x.reply(
    200,
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    Buffer.from('1f8b08000000000000ff', 'hex'),
  ),
  'length-short': (x, body) =>
    end(take(x), `${OK}Content-Length: ${body.length - 5}\r\n\r\n${body}`),
  'length-long': (x, body) =>
    end(take(x), `${OK}Content-Length: ${body.length + 50}\r\n\r\n${body}`),
  'length-twice': (x, body) =>
    end(take(x), `${OK}Content-Length: 3\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  'length-and-chunked': (x, body) =>
    end(take(x), `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`),
  'form-cut-by-close': (x, body) => {
    const form = new URLSearchParams(JSON.parse(body)).toString();
    const cut = form.indexOf('refresh_token=') + 40;
    end(take(x), `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${form.slice(0, cut)}`);
  },
  'form-closed': (x, body) => {
    const form = new URLSearchParams(JSON.parse(body)).toString();
    const labelled = 'Content-Type: application/x-www-form-urlencoded\r\nConnection: close';
    end(take(x), `HTTP/1.1 200 OK\r\n${labelled}\r\n\r\n${form}`);
  },
  'not-http': (x) => end(take(x), '220 mail.example ESMTP ready\r\n'),
  'empty-answer': (x) => end(take(x), ''),
  'redirect-N': (x, _body, code) => redirect(code, canary)(x),
  'redirect-same-origin-N': (x, _body, code) =>
    redirect(code, (y) => `${y.base}/s/${y.name}-elsewhere${y.path}`)(x),
  'redirect-loop': (x) => redirect(307, (y) => y.target)(x),
  'redirect-without-location': status(302, {}, ''),
  'basic-challenge': status(401, { 'www-authenticate': 'Basic realm="x"' }),
  'proxy-challenge': status(407, { 'proxy-authenticate': 'Basic realm="x"' }),
  'status-N': (x, _body, code) => status(code)(x),
  'busy-retry-after-N': (x, _body, s) => status(503, { 'retry-after': String(s) })(x),
  'busy-retry-after-date': status(503, (x) => ({ 'retry-after': later(x, 2) })),
  'busy-retry-after-past': status(503, (x) => ({ 'retry-after': later(x, -3600) })),
  'busy-retry-after-negative': status(503, { 'retry-after': '-1' }),
  'busy-retry-after-junk': status(503, { 'retry-after': 'soon\u00e9' }),
  'limit-retry-after-N': (x, _body, s) => status(429, { 'retry-after': String(s) })(x),
  'limit': status(429),
};

/** Answers that a client can accept: the transport is odd, the content is right. */
export const TRANSPORT_GOOD = {
  'continue-first': (x, body) =>
    end(take(x), `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: ${body.length}\r\n\r\n${body}`),
  'http-1-0': (x, body) =>
    end(take(x), `HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n${body}`),
  // Promises to keep the connection, and closes it at once.
  'close-race': (x, body) => {
    const keep = `Connection: keep-alive\r\nContent-Length: ${body.length}\r\n\r\n`;
    end(take(x), `${OK}${keep}${body}`);
  },
  'chunked-by-byte': (x, body) => {
    const chunks = [...body].map((c) => `1\r\n${c}\r\n`).join('');
    end(take(x), `${OK}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
  },
  'gzip': (x, body) => x.reply(
    200,
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    gzipSync(body),
  ),
  'form-gzip': (x, body) => x.reply(
    200,
    { 'content-type': 'application/x-www-form-urlencoded', 'content-encoding': 'gzip', 'connection': 'close' },
    gzipSync(new URLSearchParams(JSON.parse(body)).toString()),
  ),
  'form-chunked': (x, body) => {
    const form = new URLSearchParams(JSON.parse(body)).toString();
    end(take(x), `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${form.length.toString(16)}\r\n${form}\r\n0\r\n\r\n`);
  },
};
