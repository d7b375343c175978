// An API over TLS, with HTTP/2 and HTTP/1.1. Node alone; loopback only.
//
//   node secure.mjs --token TOKEN
//
// One line of JSON on stdout: {"base", "ca"}; it ends when stdin closes. It answers 401 without the token; else it says in
// JSON what it saw of the request and of the client's certificate, together with what an API server of Kubernetes says about
// its version. A body that it gets is counted.

import { createSecureServer } from 'node:http2';

import { announce, listen, options } from './lib/process.mjs';
import { certificates } from './hostile/x509.mjs';

const { token } = options({ token: '' });
const { ca, https } = certificates();

const server = createSecureServer(
  { key: https.key, cert: https.cert, allowHTTP1: true, requestCert: true, rejectUnauthorized: false },
  async (request, response) => {
    let received = 0;
    for await (const chunk of request) received += chunk.length;
    if (request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401);
      response.end();
      return;
    }
    const socket = request.stream?.session?.socket ?? request.socket;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({
      version: request.httpVersion,
      path: request.url,
      certificate: socket.getPeerCertificate()?.subject?.CN ?? null,
      received,
      major: '1',
      minor: '30',
      gitVersion: 'v1.30.0-notes',
      gitCommit: '',
      gitTreeState: '',
      buildDate: '',
      goVersion: '',
      compiler: '',
      platform: '',
    }));
  },
);
const port = await listen(server);
announce({ base: `https://127.0.0.1:${port}`, ca });
