import { lstat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { FrameDecoder } from '../frames/decoder.js';
import { parseFrameJson } from '../frames/json.js';
import { probeCommand } from '../notebook/environment.js';
import type { SandboxProfile, WardenOptions } from '../warden/arguments.js';
import { WRITABLE_FOLDERS } from '../warden/limits.js';
import { WardenProcess } from '../warden/process.js';
import { openListeners, type Listeners } from './listeners.js';
import { requiredChecks } from './required.js';

export interface ProbeCheck {
  readonly name: string;
  readonly held: boolean;
  /** For the operator's log: what the kernel answered. */
  readonly detail: string;
}

export interface ProbeReport {
  readonly profile: SandboxProfile;
  /** Every required check once, in the order of the list. */
  readonly checks: readonly ProbeCheck[];
}

/** Just what the notebook's sandbox will be opened with. */
export type ProbeOptions = Omit<WardenOptions, 'command' | 'workdir' | 'writable'>;

/** What Confidential Space gives a container, and so the most that the warden may hold. */
const CONTAINER_CAPABILITIES = '00000000a80425fb';
const NO_CAPABILITIES = '0000000000000000';

const HEARTBEAT = 'tmp/clean-room-heartbeat';
const STILL_MS = 60;

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

/** The daemon that the probe left behind wrote to a file all the time: does it still? */
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
 * Runs the probe in a sandbox of exactly these settings, before any data or key is near.
 *
 * @throws CleanRoomError `sandbox-unsafe` when the sandbox could not even be set up
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
 * The probe as a gate: returns only when every protection holds.
 *
 * @throws CleanRoomError `sandbox-unsafe`, naming the protections that are missing
 */
export async function requireProbe(options: ProbeOptions): Promise<ProbeReport> {
  const report = await probeSandbox(options);
  const missing = report.checks.filter(check => !check.held);
  if (missing.length === 0) return report;
  const names = missing.map(check => check.name).join(', ');
  throw new CleanRoomError(
    'sandbox-unsafe',
    `The sandbox does not hold here: ${names}. No data was touched and no key was asked for.`,
    {
      remedy:
        'Run on a kernel and container configuration that gives these protections; see the details of each check.',
      details: Object.fromEntries(missing.map(check => [check.name, check.detail]))
    }
  );
}
