import { createServer, type AddressInfo, type Server } from 'node:net';
import path from 'node:path';
import { startJob, type JobLimits } from '../../src/provisioning/engine/run.js';
import type { Job, Message } from '../../src/provisioning/engine/messages.js';
import { inspectTable } from '../../src/provisioning/inspect.js';
import { TableFolder } from './support/tables.js';

const folder = new TableFolder();
let server: Server;
let socket: Server;
let key: string;

beforeAll(async () => {
  await folder.create();
  key = await folder.write('keys/signing.key', 'the secret key');
  server = createServer(connection => connection.end('hello'));
  socket = createServer(connection => connection.end('hello'));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  await new Promise<void>(resolve => socket.listen(path.join(folder.path, 'keys/agent.sock'), resolve));
});
afterAll(async () => {
  server.close();
  socket.close();
  await folder.remove();
});

const JOB: Job = {
  job: 'inspect',
  files: [{ name: 'table.csv', size: 4 }],
  dialect: {},
  conventions: {},
  readers: [],
  memory: '100MB'
};

/** Runs a program in the jail in place of the reader, as if an attacker had taken it over. */
async function runHostile(source: string, limits?: JobLimits): Promise<Message> {
  const program = await folder.write('hostile.mjs', source);
  const input = await folder.write('table.csv', 'a\n1\n');
  const job = await startJob(JOB, [input], limits, program);
  job.output.resume();
  job.input.end();
  return job.message;
}

/** Source of a program that tells the result of each attempt. */
const attempts = (list: Readonly<Record<string, string>>): string => `
import fs from 'node:fs';
import net from 'node:net';
import { execFileSync } from 'node:child_process';
const connect = options => new Promise((resolve, reject) => {
  const connection = net.connect(options, () => resolve('connected'));
  connection.on('error', reject);
});
const list = { ${Object.entries(list)
  .map(([name, code]) => `${JSON.stringify(name)}: async () => ${code}`)
  .join(', ')} };
const results = {};
for (const [name, attempt] of Object.entries(list)) {
  try { results[name] = String(await attempt()); } catch (error) { results[name] = 'failed: ' + error.code; }
}
fs.writeSync(3, JSON.stringify({ type: 'failed', message: JSON.stringify(results), remedy: '' }));
process.exit(1);
`;

async function resultsOf(list: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const message = await runHostile(attempts(list));
  if (message.type !== 'failed') throw new Error('The program did not tell its results.');
  return JSON.parse(message.message) as Record<string, string>;
}

describe('the jail of the reader', () => {
  it('shows the input and nothing else of this machine', async () => {
    const results = await resultsOf({
      input: "fs.readFileSync('/input/0', 'utf8')",
      key: `fs.readFileSync(${JSON.stringify(key)}, 'utf8')`,
      passwd: "fs.readFileSync('/etc/passwd', 'utf8')",
      home: "fs.readdirSync('/root')",
      processes: "fs.readdirSync('/proc')",
      system: "fs.readdirSync('/sys')",
      root: "fs.readdirSync('/').sort().join(' ')",
      environment: 'Object.keys(process.env).sort().join(" ")'
    });
    expect(results['input']).toBe('a\n1\n');
    for (const name of ['key', 'passwd', 'home', 'processes', 'system'])
      expect([name, results[name]]).toEqual([name, 'failed: ENOENT']);
    expect(results['root']).toMatch(/^dev input lib (lib32 )?(lib64 )?pipes program usr$/);
    // bubblewrap itself sets the current folder.
    expect(['', 'PWD']).toContain(results['environment']);
  });

  it('has no network and no sockets of this machine', async () => {
    const { port } = server.address() as AddressInfo;
    const results = await resultsOf({
      tcp: `connect({ host: '127.0.0.1', port: ${port} })`,
      unix: `connect({ path: ${JSON.stringify(path.join(folder.path, 'keys/agent.sock'))} })`,
      outside: "connect({ host: '192.0.2.1', port: 80 })"
    });
    expect(results['tcp']).toBe('failed: ECONNREFUSED');
    expect(results['unix']).toBe('failed: ENOENT');
    expect(results['outside']).toBe('failed: ENETUNREACH');
  });

  it('can change neither the input nor the program', async () => {
    const results = await resultsOf({
      input: "fs.writeFileSync('/input/0', 'x')",
      program: "fs.writeFileSync('/program/provisioning/engine/child/main.js', 'x')",
      shell: "execFileSync('/bin/sh', ['-c', 'true'])"
    });
    expect(results).toEqual({ input: 'failed: EROFS', program: 'failed: EROFS', shell: 'failed: ENOENT' });
  });
});

describe('a reader that does not end well', () => {
  it.each([
    ['crashes', 'process.abort();', /ended unexpectedly/],
    ['ends without a message', 'process.exit(0);', /ended unexpectedly/],
    [
      'sends a message that is not in the closed set',
      `import fs from 'node:fs'; fs.writeSync(3, '{"type":"inspected","facts":{"rows":1,"script":"x"}}'); process.exit(0);`,
      /answer that is not valid/
    ],
    [
      'fails after a good message',
      `import fs from 'node:fs'; fs.writeSync(3, '{"type":"done","rows":1}'); process.exit(3);`,
      /ended unexpectedly/
    ]
  ])('gives an error when it %s', async (_description, source, message) => {
    await expect(runHostile(source)).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });

  it('is killed above its memory, and after its time', async () => {
    const hungry = 'const all = []; setInterval(() => all.push(Buffer.alloc(50_000_000, 1)), 20);';
    await expect(runHostile(hungry, { memoryBytes: 300_000_000, seconds: 60 })).rejects.toMatchObject({
      code: 'too-large',
      message: expect.stringContaining('more memory')
    });
    await expect(
      runHostile('setInterval(() => {}, 1000);', { memoryBytes: 1e9, seconds: 0.5 })
    ).rejects.toMatchObject({ code: 'too-large', message: expect.stringContaining('longer than its limit') });
  });
});

it('reads nothing when bubblewrap is not installed, and says what to install', async () => {
  const before = process.env['PATH'];
  const file = await folder.write('plain.csv', 'a\n1\n');
  process.env['PATH'] = folder.path;
  try {
    await expect(inspectTable([file])).rejects.toMatchObject({
      code: 'sandbox-unsafe',
      remedy: expect.stringContaining('apt-get install bubblewrap')
    });
  } finally {
    process.env['PATH'] = before;
  }
});
