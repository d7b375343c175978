// What the test servers share: options, the line that says where they are, and their end.

import { parseArgs } from 'node:util';

/** The options of the command line; every one is a string and has a default. */
export function options(defaults) {
  const declared = Object.fromEntries(
    Object.entries(defaults).map(([name, value]) => [name, { type: 'string', default: value }]),
  );
  return parseArgs({ options: declared }).values;
}

/** Listens on a port that the kernel picks, and resolves to it. */
export function listen(server, host = '127.0.0.1', port = 0) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(server.address().port);
    });
  });
}

/** Says on stdout where the server is, in one line of JSON, and ends with whoever started it. */
export function announce(where) {
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
  process.stdin.resume();
  process.stdout.write(`${JSON.stringify(where)}\n`);
}

/** Reads a whole request or response body. */
export async function bytes(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
