/**
 * Replaces the supervisor in the emulated container. It reads a request from standard input, runs it in the real
 * sandbox and writes a JSON response. It has secrets in its environment, its memory and a file, which no notebook may
 * read.
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { ImageDecoder } from '../../src/image/decoder.js';
import type { CellResult } from '../../src/notebook/results.js';
import { NOTEBOOK_COMMAND, notebookEnvironment } from '../../src/notebook/environment.js';
import { openSandbox } from '../../src/notebook/sandbox.js';
import { probeSandbox, requireProbe, type ProbeOptions } from '../../src/probe/probe.js';
import type { DriverResponse, DriverRequest } from './requests.js';

const OWN_FOLDER = '/usr/lib/clean-room';

async function runNotebook(request: Extract<DriverRequest, { action: 'notebook' }>): Promise<DriverResponse> {
  writeFileSync(request.secretFile.path, request.secretFile.content, { mode: 0o644 });
  for (const [path, content] of Object.entries(request.files)) {
    mkdirSync(dirname(`/jail${path}`), { recursive: true, mode: 0o755 });
    writeFileSync(`/jail${path}`, content, { mode: 0o644 });
  }
  const sandbox = await openSandbox({
    ...sandboxOptions(request),
    limits: request.limits,
    env: notebookEnvironment(2),
    command: NOTEBOOK_COMMAND
  });
  const cells: CellResult[] = [];
  if (request.killWardenAfterMs !== null) setTimeout(killWarden, request.killWardenAfterMs);
  for (const [index, source] of request.cells.entries()) {
    const cell = await sandbox.runCell(index, source);
    cells.push(cell);
    if (cell.status === 'ended') break;
  }
  const end = await sandbox.close();
  const before = sizes(request.watched);
  await pause(request.watched.length === 0 ? 0 : 400);
  return {
    cells,
    end,
    watched: sizes(request.watched).map((after, at) => ({ before: before[at] ?? -1, after }))
  };
}

function killWarden(): void {
  for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    const [, name, parent] = /^\d+ \((.*)\) . (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    if (name === 'warden' && Number(parent) === process.pid) process.kill(Number(pid), 'SIGKILL');
  }
}

function sizes(paths: readonly string[]): number[] {
  return paths.map(path => lstatSync(path, { throwIfNoEntry: false })?.size ?? -1);
}

async function runProbe(request: Extract<DriverRequest, { action: 'probe' }>): Promise<DriverResponse> {
  const options = { ...sandboxOptions(request), limits: request.limits, env: notebookEnvironment(2) };
  if (request.policy === null) return { probe: await probeSandbox(options), refusal: await refusal(options) };
  const policyPath = '/run/other-policy.bpf';
  writeFileSync(policyPath, Buffer.from(request.policy, 'base64'));
  const other = { ...options, policyPath };
  return { probe: await probeSandbox(other), refusal: await refusal(other) };
}

function refusal(options: ProbeOptions): Promise<string | null> {
  return requireProbe(options).then(
    () => null,
    (error: unknown) => (isCleanRoomError(error, 'sandbox-unsafe') ? error.message : 'another error')
  );
}

function sandboxOptions(request: DriverRequest) {
  return {
    jail: '/jail',
    mode: request.profile,
    wardenPath: `${OWN_FOLDER}/warden`,
    policyPath: `${OWN_FOLDER}/policy.bpf`,
    uid: request.uid,
    killerUid: request.uid + 1
  };
}

async function handle(request: DriverRequest): Promise<DriverResponse> {
  switch (request.action) {
    case 'notebook':
      return runNotebook(request);
    case 'probe':
      return runProbe(request);
    case 'decode': {
      const decoder = await ImageDecoder.open({
        ...sandboxOptions(request),
        maxPixels: request.maxPixels,
        secondsPerImage: 5
      });
      const images = [];
      for (const image of request.images) {
        images.push(
          await decoder.decode(Buffer.from(image, 'base64')).then(
            ({ width, height, rgba }) => ({ width, height, rgba: Buffer.from(rgba).toString('base64') }),
            (error: unknown) => ({ refused: isCleanRoomError(error) ? error.code : String(error) })
          )
        );
      }
      await decoder.close();
      return { images };
    }
  }
}

const request = JSON.parse(await text(process.stdin)) as DriverRequest;
// Keeps the secret in memory until the end of the run.
const secret = Buffer.from(process.env['SUPERVISOR_SECRET'] ?? '');
const result = await handle(request).catch((error: unknown) => ({
  error: isCleanRoomError(error)
    ? { code: error.code, message: error.message, details: error.details }
    : { code: 'internal', message: error instanceof Error ? String(error.stack) : String(error), details: {} }
}));
process.stdout.write(JSON.stringify({ ...result, secretBytes: secret.length }));
