import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { digestOf, toBase64Url, type Digest } from '@clean-room/protocol/bytes';
import { generateAttemptKey, type AttemptKeyPair } from '@clean-room/protocol/key-release';
import type { JobDocument } from '@clean-room/protocol/jobs';
import type { SandboxProfile } from '@clean-room/protocol/policies';
import {
  NOTEBOOK_COMMAND,
  notebookEnvironment,
  requireProbe,
  type SandboxLimits,
  type SandboxOptions
} from '@clean-room/sandbox';
import { launcherAt, type Launcher } from '../launcher/index.js';
import { readMeasured, type Measured } from '../spec/index.js';
import { TokenClock } from '../time/index.js';
import { judgeJob, readOwnToken, type Facts, type TrustedJob } from '../trust/index.js';
import type { Places } from './places.js';
import { KILLER_UID, SANDBOX_UID, possibleProfile } from './profile.js';
import { limitsOf } from './limits.js';

/** Tokens ordered only to learn the time and the own image; nobody else accepts this audience. */
const OWN_AUDIENCE = 'clean-room:supervisor:v1';

/** What an attempt knows before it asks anybody for anything. */
export interface Attempt {
  readonly places: Places;
  readonly measured: Measured;
  readonly profile: SandboxProfile;
  readonly launcher: Launcher;
  readonly clock: TokenClock;
  readonly key: AttemptKeyPair;
  /** SHA-256 of the system call filter. */
  readonly filter: Digest;
}

/** Orders a token that only this program can have asked for now, and sets the clock by it. */
export async function observeTime({ launcher, clock }: Pick<Attempt, 'launcher' | 'clock'>) {
  const order = { audience: OWN_AUDIENCE, nonce: toBase64Url(randomBytes(32)) };
  const own = readOwnToken(await launcher.token(order), order);
  clock.observe(own.issuedAt);
  return own;
}

export function sandboxOptions(
  places: Places,
  profile: SandboxProfile,
  limits: SandboxLimits
): SandboxOptions {
  return {
    jail: places.jail,
    mode: profile,
    wardenPath: places.warden,
    policyPath: places.policy,
    uid: SANDBOX_UID,
    killerUid: KILLER_UID,
    limits,
    env: notebookEnvironment(availableParallelism()),
    command: NOTEBOOK_COMMAND
  };
}

/** Reads the measured image and makes the attempt's key. Touches no data and no network. */
export async function beginAttempt(places: Places): Promise<Attempt> {
  const measured = await readMeasured(places.root);
  return {
    places,
    measured,
    profile: await possibleProfile(),
    launcher: launcherAt(places.launcherSocket),
    clock: new TokenClock(),
    key: await generateAttemptKey(),
    filter: digestOf(await readFile(places.policy))
  };
}

/** The job, judged, and the limits that follow from it. The sandbox has then been probed with these very limits. */
export interface Cleared {
  readonly facts: Facts;
  readonly job: TrustedJob;
  readonly limits: SandboxLimits;
}

/**
 * Judges the job by what the spec pins, then proves that the sandbox holds: both before any key is asked for.
 * @throws CleanRoomError with the code of the first check that fails
 */
export async function clearJob(attempt: Attempt, document: JobDocument): Promise<Cleared> {
  const own = await observeTime(attempt);
  const { measured, profile, places, clock } = attempt;
  const facts: Facts = { spec: measured.spec, own, profile, at: clock.now() };
  const job = await judgeJob(document, facts);
  const limits = limitsOf(measured.spec.value.compute, job.terms);
  await requireProbe(sandboxOptions(places, profile, limits));
  return { facts, job, limits };
}
