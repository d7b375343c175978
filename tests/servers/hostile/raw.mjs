// Faults that need the socket: of the transport and of everything between, for any endpoint. Each gets the socket, the body
// that an honest server would have sent, and the parameters of the server. What HTTP can say belongs into the tests
// themselves, over the sandbox (tests/support/shapes.rs).

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';

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

/** The members of a JSON object as a form. */
const form = (body) => new URLSearchParams(JSON.parse(body)).toString();

export const RAW = {
  'black-hole': () => {},
  'reset-before': reset,
  'close-before': (socket) => socket.destroy(),
  'reset-in-headers': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Ty', () => reset(socket));
  },
  'close-after-headers': (socket) => end(socket, `${OK}Content-Length: 100\r\n\r\n`),
  'reset-in-body': (socket, body) => {
    const half = body.slice(0, body.length / 2);
    socket.write(`${OK}Content-Length: ${body.length}\r\n\r\n${half}`, () => reset(socket));
  },
  'half-body': (socket, body) =>
    end(socket, `${OK}Content-Length: ${body.length}\r\n\r\n${body.slice(0, body.length / 2)}`),
  'half-chunked': (socket, body) =>
    end(socket, `${OK}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`),
  'stall-in-headers': (socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Type: app'); },
  'stall-in-body': (socket, body) => {
    socket.write(`${OK}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`);
  },
  'drip-headers': (socket) => drip(socket, Buffer.from(`${OK}X-Slow: ${'a'.repeat(9999)}`)),
  'drip-body': (socket, body) => {
    socket.write(`${OK}Content-Length: 99999\r\n\r\n`);
    drip(socket, Buffer.from(body.padEnd(99_999)));
  },
  'drip-chunks': (socket) => {
    socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n`);
    drip(socket, Buffer.from('1\r\n \r\n'.repeat(9999)), 200);
  },
  'stall-then-answer': (socket, body, { stall_ms: pause }) => {
    const answer = `${OK}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
    setTimeout(() => end(socket, answer), pause).unref();
  },
  'endless-chunks': (socket) => {
    socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n`);
    flood(socket, Buffer.from(`4000\r\n${' '.repeat(0x4000)}\r\n`), 2 ** 32);
  },
  'body-1-gib': (socket) => {
    socket.write(`${OK}Content-Length: ${2 ** 30}\r\n\r\n`);
    flood(socket, Buffer.alloc(0x10000, ' '), 2 ** 30);
  },
  'headers-endless': (socket) => {
    socket.write(OK);
    flood(socket, Buffer.from(`X-Pad: ${'a'.repeat(4096)}\r\n`.repeat(16)), 2 ** 30);
  },
  'headers-10k': (socket, body) => {
    const pad = Array.from({ length: 10_000 }, (_, n) => `X-${n}: ${n}`).join('\r\n');
    end(socket, `${OK}${pad}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  },
  'header-200-kib': (socket, body) =>
    end(socket, `${OK}X-Pad: ${'a'.repeat(200_000)}\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  'length-short': (socket, body) =>
    end(socket, `${OK}Content-Length: ${body.length - 5}\r\n\r\n${body}`),
  'length-long': (socket, body) =>
    end(socket, `${OK}Content-Length: ${body.length + 50}\r\n\r\n${body}`),
  'length-twice': (socket, body) =>
    end(socket, `${OK}Content-Length: 3\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  'length-and-chunked': (socket, body) =>
    end(socket, `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`),
  'form-cut-by-close': (socket, body) => {
    const whole = form(body);
    const cut = whole.indexOf('refresh_token=') + 40;
    end(socket, `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${whole.slice(0, cut)}`);
  },
  'form-closed': (socket, body) => {
    const labelled = 'Content-Type: application/x-www-form-urlencoded\r\nConnection: close';
    end(socket, `HTTP/1.1 200 OK\r\n${labelled}\r\n\r\n${form(body)}`);
  },
  'not-http': (socket) => end(socket, '220 mail.example ESMTP ready\r\n'),
  'empty-answer': (socket) => end(socket, ''),
};

/** Responses that a client can accept: the transport is odd, the content is right. */
export const RAW_GOOD = {
  'continue-first': (socket, body) =>
    end(socket, `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: ${body.length}\r\n\r\n${body}`),
  'http-1-0': (socket, body) =>
    end(socket, `HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n${body}`),
  // Promises to keep the connection, and closes it at once.
  'close-race': (socket, body) => {
    const keep = `Connection: keep-alive\r\nContent-Length: ${body.length}\r\n\r\n`;
    end(socket, `${OK}${keep}${body}`);
  },
  'chunked-by-byte': (socket, body) => {
    const chunks = [...body].map((c) => `1\r\n${c}\r\n`).join('');
    end(socket, `${OK}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
  },
  'form-chunked': (socket, body) => {
    const whole = form(body);
    end(socket, `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${whole.length.toString(16)}\r\n${whole}\r\n0\r\n\r\n`);
  },
};
