// FastMCP, an MCP server in Python that the project did not write, with the authorization server that it brings along.
//
//   node fastmcp.mjs
//
// One line of JSON on stdout: {"url"}; it ends when stdin closes.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { announce } from './lib/process.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const program = spawn(here('.venv-mcp/bin/python'), [here('fastmcp/server.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
process.on('exit', () => program.kill());
const [line] = await Promise.race([once(program.stdout, 'data'), once(program, 'exit').then(() => [''])]);
const url = String(line).trim();
if (!url) throw new Error('FastMCP does not come up');
announce({ url });
