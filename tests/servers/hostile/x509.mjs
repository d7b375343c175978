// Throw-away certificates, right and wrong. Node makes keys but no certificates, so this writes the few DER
// structures of RFC 5280 that a test needs.

import { X509Certificate, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

function tlv(tag, ...contents) {
  const body = Buffer.concat(contents);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const size = body.length < 0x100 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const sequence = (...parts) => tlv(0x30, ...parts);
const hex = (text) => Buffer.from(text, 'hex');
const oid = (encoded) => tlv(0x06, hex(encoded));
const octets = (...parts) => tlv(0x04, ...parts);
const explicit = (n, ...parts) => tlv(0xa0 + n, ...parts);
const TRUE = tlv(0x01, hex('ff'));
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));

const name = (common) => sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(common)))));
const extension = (id, value, critical = false) =>
  sequence(oid(id), ...(critical ? [TRUE] : []), octets(value));

/** Times as GeneralizedTime, which is right for any year here. */
function time(date) {
  return tlv(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`));
}

function names(hosts) {
  return sequence(...hosts.map((host) => {
    if (/^[\d.]+$/.test(host)) return tlv(0x87, Buffer.from(host.split('.').map(Number)));
    if (host === '::1') return tlv(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])]));
    return tlv(0x82, Buffer.from(host));
  }));
}

/** A certificate: `{key, cert}` in PEM, signed by `by`, or by itself. */
function certificate(common, { by, hosts = [], ca = false, from, until }) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [extension('551d13', sequence(...(ca ? [TRUE] : [])), true)];
  if (ca) extensions.push(extension('551d0f', tlv(0x03, hex('0106')), true));
  if (hosts.length) extensions.push(extension('551d11', names(hosts)));
  if (!ca) extensions.push(extension('551d25', sequence(oid('2b06010505070301'))));
  const body = sequence(
    explicit(0, tlv(0x02, hex('02'))),
    tlv(0x02, Buffer.concat([hex('01'), randomBytes(15)])),
    ECDSA_SHA256,
    name(by?.common ?? common),
    sequence(time(from), time(until)),
    name(common),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, by?.privateKey ?? privateKey);
  const der = sequence(body, ECDSA_SHA256, tlv(0x03, hex('00'), signature));
  return {
    common,
    privateKey,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: new X509Certificate(der).toString(),
  };
}

/** A host that only a proxy finds: no resolver knows its domain (RFC 6761, section 6.2). */
export const NAMED_HOST = 'as.test';

/** The authority to trust, and a certificate for every listener: only `https` and `named` are right. */
export function certificates() {
  const day = 86_400_000;
  const now = Date.now();
  const span = (from, until) => ({ from: new Date(now + from * day), until: new Date(now + until * day) });
  const hosts = ['127.0.0.1', '::1', 'localhost'];
  const valid = span(-1, 30);
  const ca = certificate('Test authority', { ca: true, ...valid });
  const unknown = certificate('Unknown authority', { ca: true, ...valid });
  return {
    ca: ca.cert,
    https: certificate('right', { by: ca, hosts, ...valid }),
    named: certificate('named', { by: ca, hosts: [NAMED_HOST], ...valid }),
    'self-signed': certificate('alone', { hosts, ...valid }),
    'wrong-host': certificate('other', { by: ca, hosts: ['as.example'], ...valid }),
    expired: certificate('old', { by: ca, hosts, ...span(-30, -1) }),
    'not-yet-valid': certificate('early', { by: ca, hosts, ...span(1, 30) }),
    'unknown-ca': certificate('foreign', { by: unknown, hosts, ...valid }),
  };
}
