// The example server of the MCP TypeScript SDK, which the project did not write, with its own authorization server.
// On loopback, on ports that the kernel picks.
//
//   node mcp-sdk.mjs
//
// One line of JSON on stdout: {"url"}; it ends when stdin closes.

import { createServer, Server } from 'node:net';

import { announce, listen as bind } from './lib/process.mjs';

/** Returns a port that is free now. */
async function free() {
  const server = createServer();
  const port = await bind(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const [port, other] = [await free(), await free()];
process.env.MCP_PORT = String(port);
process.env.MCP_AUTH_PORT = String(other);
process.argv.push('--oauth', '--oauth-strict');
// The example listens on every interface, and says so on stdout.
const listen = Server.prototype.listen;
let left = 2;
const up = new Promise((resolve) => {
  Server.prototype.listen = function (where, ...more) {
    this.once('listening', () => (left -= 1) || resolve());
    return listen.call(this, { port: Number(where), host: '127.0.0.1' }, more.find((one) => typeof one === 'function'));
  };
});
console.log = () => {};
await import(new URL('node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js', import.meta.url));
await up;
announce({ url: `http://localhost:${port}/mcp` });
