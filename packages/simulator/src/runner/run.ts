import { basename, dirname } from 'node:path';
import { LayoutStore } from '@clean-room/oci/layout';
import { asDigest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Container } from '../container/container.js';
import { UnpackedLayers } from '../container/unpack.js';
import { openIdentity } from '../issuer/identity.js';
import { TokenIssuer } from '../issuer/token-issuer.js';
import { Launcher, PowerCut, WorkloadError } from '../launcher/launcher.js';
import { LauncherLog } from '../launcher/log.js';
import { AttestationService, regionOf } from '../launcher/service.js';
import {
  AttemptFolder,
  type AttemptEndReason,
  type AttemptRequest,
  type AttemptState
} from './attempt-folder.js';
import { machineOf } from './machine.js';
import { identityOf, ownIdentity } from './process-identity.js';

/** The part of the last state that depends on how the attempt ended. */
type AttemptEnd = Pick<AttemptState, 'reason' | 'succeeded' | 'message' | 'remedy'>;

/** Time from the power button until the machine loses its power. Clouds give half a minute or more. */
const STOP_GRACE_MS = 5000;

/**
 * Runs the attempt in a folder to its end. This is the only task of a runner process. If another process owns the attempt,
 * nothing is done.
 *
 * @param path - the attempt's folder
 */
export async function runSimulatedAttempt(path: string): Promise<void> {
  const folder = new AttemptFolder(dirname(path), basename(path));
  const request = await folder.request();
  if (request === undefined || !(await folder.claim(ownIdentity()))) return;
  const runner = new Runner(folder, request);
  process.on('SIGTERM', () => {
    runner.stop('stopped');
  });
  // A stop that was requested before the line above did not send a signal to this process.
  if (await folder.isStopRequested()) runner.stop('stopped');
  await runner.run();
}

/** Runs one attempt on a simulated machine, which has no power any more as soon as its launcher has ended. */
class Runner {
  private readonly launcher: Launcher;
  /** The reason for which the attempt was stopped, if it was. */
  private stopReason: AttemptEndReason | undefined;
  private isRunning = false;
  private grace: NodeJS.Timeout | undefined;
  private limit: NodeJS.Timeout | undefined;
  private readonly startedAt = new Date().toISOString();

  constructor(
    private readonly folder: AttemptFolder,
    private readonly request: AttemptRequest
  ) {
    const { attemptId, layout, imageDigest, imageReference, env, logRedirect, identityDir, cacheDir } =
      request;
    const machine = machineOf(attemptId);
    this.launcher = new Launcher({
      machine,
      metadata: {
        'tee-image-reference': imageReference,
        'tee-container-log-redirect': String(logRedirect),
        ...Object.fromEntries(Object.entries(env).map(([name, value]) => [`tee-env-${name}`, value]))
      },
      hardened: true,
      findImage: async () => ({ store: await LayoutStore.open(layout), digest: asDigest(imageDigest) }),
      openIssuer: async subject => new TokenIssuer(await openIdentity(identityDir), subject),
      service: new AttestationService({ region: regionOf(machine.zone) }),
      layers: new UnpackedLayers(cacheDir),
      folder: folder.path,
      // A simulated machine has no console. The state of the attempt says how it ended.
      log: new LauncherLog(() => undefined),
      onContainer: container => this.recordContainer(container)
    });
  }

  /** Stops the attempt: a running program may end in an orderly way. Signals that it missed are repeated. */
  stop(reason: AttemptEndReason): void {
    this.stopReason ??= reason;
    if (!this.isRunning) this.launcher.cutPower();
    this.launcher.pressPowerButton();
    this.grace ??= setTimeout(() => this.launcher.cutPower(), STOP_GRACE_MS);
  }

  async run(): Promise<void> {
    const { startedAt } = this;
    await this.folder.setState({ phase: 'starting', startedAt });
    const end = await this.runLauncher();
    clearTimeout(this.limit);
    clearTimeout(this.grace);
    await this.folder.removeTemporaryFiles();
    await this.folder.setState({ phase: 'ended', startedAt, endedAt: new Date().toISOString(), ...end });
  }

  private async runLauncher(): Promise<AttemptEnd> {
    try {
      const { succeeded, error } = await this.launcher.run();
      if (this.stopReason !== undefined) return { reason: this.stopReason };
      if (error instanceof WorkloadError && error.wasKilled)
        return { reason: 'failed', message: 'The container was killed by another program.' };
      if (succeeded || error instanceof WorkloadError) return { reason: 'finished', succeeded };
      return endAfterError(error);
    } catch (error) {
      if (error instanceof PowerCut) return { reason: this.stopReason ?? 'failed' };
      return endAfterError(error);
    }
  }

  /** Records the container before its program starts, so that it can be found and killed after a crash. */
  private async recordContainer(container: Container): Promise<void> {
    const identity = identityOf(container.pid);
    const { startedAt } = this;
    await this.folder.setState({
      phase: 'running',
      startedAt,
      ...(identity === undefined ? {} : { container: identity })
    });
    this.isRunning = true;
    this.limit = setTimeout(() => this.stop('time-limit'), this.request.limits.wallSeconds * 1000);
  }
}

/** End reasons by error code. Other errors end an attempt as `failed`. */
const REASONS: Readonly<Partial<Record<CleanRoomError['code'], AttemptEndReason>>> = {
  'policy-refused': 'launch-refused',
  'image-unknown': 'image-refused',
  'digest-mismatch': 'image-refused',
  malformed: 'image-refused',
  'too-large': 'image-refused',
  'backend-unavailable': 'backend-unavailable'
};

function endAfterError(error: unknown): AttemptEnd {
  if (!(error instanceof CleanRoomError)) {
    return {
      reason: 'failed',
      message: error instanceof Error ? error.message : 'An unknown error occurred.'
    };
  }
  const { message, remedy } = error;
  return { reason: REASONS[error.code] ?? 'failed', message, ...(remedy === undefined ? {} : { remedy }) };
}
