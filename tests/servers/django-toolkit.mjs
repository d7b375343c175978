// django-oauth-toolkit, an authorization server in Python that the project did not write, on loopback with its
// database in a directory. It rotates refresh tokens and revokes the family when one is used twice; it promises
// `iss` (RFC 9207) and sends none with errors.
//
//   node django-toolkit.mjs --dir DIRECTORY [--ttl SECONDS]
//
// One line of JSON on stdout says where it is; it ends when stdin closes. The public clients are `cli`, and
// `device` for the device flow; the user is `alice` with the password that the line names.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { Front, child } from './lib/front.mjs';
import { announce, options } from './lib/process.mjs';

const given = options({ dir: '', ttl: '3600' });
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const password = randomBytes(12).toString('hex');

const front = new Front(['/o/token/', '/o/revoke_token/']);
const issuer = `${await front.open()}/o`;
const program = child(here('.venv/bin/python'), [
  here('django/toolkit.py'), given.dir, issuer, given.ttl, password,
], { stdio: ['pipe', 'pipe', 'inherit'] });
// It says its port once it listens.
const [line] = await Promise.race([once(program.stdout, 'data'), once(program, 'exit').then(() => [''])]);
front.port = Number(line);
if (!front.port) throw new Error('django-oauth-toolkit does not come up');
const obey = async (line) => {
  program.stdin.write(`${line}\n`);
  await once(program.stdout, 'data');
};
const more = {
  'POST /ttl': ({ seconds }) => obey(seconds),
  // The device codes so far have expired. The pages notice it when one of them is entered.
  'POST /expire': () => obey('expire'),
};
announce({ issuer, control: await front.control(more), password });
