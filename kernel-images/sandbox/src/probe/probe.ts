import { lstat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { FrameDecoder } from '../frames/pipe.js';
import { parseFrameJson } from '../frames/json.js';
import { probeCommand } from '../notebook/environment.js';
import type { SandboxProfile, WardenOptions } from '../warden/arguments.js';
import { WRITABLE_FOLDERS } from '../warden/limits.js';
import { WardenProcess } from '../warden/process.js';
import { openListeners, type Listeners } from './listeners.js';
import { requiredChecks } from './required.js';

/** The result of one check of the probe. */
export interface ProbeCheck {
  readonly name: string;
  /** True when the protection is in place. */
  readonly held: boolean;
  /** The answer of the kernel, for the log of the operator. */
  readonly detail: string;
}

/** The result of the probe. */
export interface ProbeReport {
  readonly profile: SandboxProfile;
  /** Every required check once, in the order of {@link requiredChecks}. */
  readonly checks: readonly ProbeCheck[];
}

/** The settings of the probe's sandbox, which must be exactly those of the notebook's sandbox. */
export type ProbeOptions = Omit<WardenOptions, 'command' | 'workdir' | 'writable'>;

/** The capabilities of a container in Confidential Space: the warden must not have more. */
const CONTAINER_CAPABILITIES = '00000000a80425fb';
const NO_CAPABILITIES = '0000000000000000';

const HEARTBEAT = 'tmp/clean-room-heartbeat';
const STILL_MS = 60;

/** Reads the report of the probe. A missing or malformed check is left out, so it counts as failed. */
function readChecks(frame: Buffer | undefined): ProbeCheck[] {
  if (frame === undefined) return [];
  const report = parseFrameJson(frame);
  if (typeof report !== 'object' || report === null || !('checks' in report) || !Array.isArray(report.checks))
    return [];
  return report.checks.flatMap((check: unknown) => {
    if (typeof check !== 'object' || check === null || !('name' in check) || !('held' in check)) return [];
    const detail = 'detail' in check ? String(check.detail) : '';
    return [{ name: String(check.name), held: check.held === true, detail }];
  });
}

async function runInside(options: ProbeOptions, listeners: Listeners): Promise<ProbeCheck[]> {
  const targets = {
    profile: options.mode,
    uid: options.uid,
    tcp: listeners.tcp,
    abstract: listeners.abstract
  };
  const warden = new WardenProcess({
    ...options,
    command: probeCommand(JSON.stringify(targets)),
    workdir: '/nb',
    writable: WRITABLE_FOLDERS
  });
  warden.stdout.resume();
  warden.stderr.resume();
  const decoder = new FrameDecoder();
  const frames: Buffer[] = [];
  warden.frames.on('data', (chunk: Buffer) => frames.push(...decoder.push(chunk)));
  const read = new Promise(resolve => warden.frames.once('close', resolve));
  const { capabilities } = await warden.started;
  const outcome = await warden.ended;
  await read;
  const allowed =
    options.mode === 'second-uid' ? [CONTAINER_CAPABILITIES] : [CONTAINER_CAPABILITIES, NO_CAPABILITIES];
  return [
    ...readChecks(outcome.type === 'end' && outcome.code === 0 ? frames[0] : undefined),
    { name: 'warden-capabilities', held: allowed.includes(capabilities), detail: capabilities },
    await heartbeatStopped(options.jail)
  ];
}

/** Checks that the daemon that the probe started, which writes to a file all the time, has ended. */
async function heartbeatStopped(jail: string): Promise<ProbeCheck> {
  const path = join(jail, HEARTBEAT);
  const size = async (): Promise<number> => (await lstat(path).catch(() => undefined))?.size ?? -1;
  const before = await size();
  await pause(STILL_MS);
  const after = await size();
  await unlink(path).catch(() => undefined);
  return {
    name: 'daemon-ended',
    held: before > 0 && before === after,
    detail: `${before} and ${after} beats`
  };
}

/**
 * Runs the probe in a sandbox with exactly these settings. It must run before any data or key is in memory.
 *
 * @throws CleanRoomError `sandbox-unsafe` when the sandbox could not be set up
 */
export async function probeSandbox(options: ProbeOptions): Promise<ProbeReport> {
  const listeners = await openListeners();
  try {
    const found = await runInside(options, listeners);
    const connections = listeners.connections();
    found.push({ name: 'no-connection', held: connections === 0, detail: `${connections} connections` });
    const checks = requiredChecks().map(
      name => found.find(check => check.name === name) ?? { name, held: false, detail: 'not reported' }
    );
    return { profile: options.mode, checks };
  } finally {
    await listeners.close();
  }
}

/**
 * Runs the probe and returns only when every protection is in place.
 *
 * @throws CleanRoomError `sandbox-unsafe`, with the names of the missing protections
 */
export async function requireProbe(options: ProbeOptions): Promise<ProbeReport> {
  const report = await probeSandbox(options);
  const missing = report.checks.filter(check => !check.held);
  if (missing.length === 0) return report;
  const names = missing.map(check => check.name).join(', ');
  throw new CleanRoomError(
    'sandbox-unsafe',
    `Protections of the sandbox are missing: ${names}. No data was read and no key was requested.`,
    {
      remedy:
        'Use a kernel and a container configuration that support these protections. See the details of each check.',
      details: Object.fromEntries(missing.map(check => [check.name, check.detail]))
    }
  );
}
