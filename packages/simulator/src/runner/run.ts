import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { LayoutStore } from '@clean-room/oci/layout';
import { asDigest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Container, type ContainerEnd } from '../container/container.js';
import { readImage, type LaunchImage } from '../container/image.js';
import { UnpackedLayers } from '../container/unpack.js';
import { openIdentity } from '../issuer/identity.js';
import { TokenIssuer, type Machine } from '../issuer/token-issuer.js';
import { planLaunch, type LaunchPlan } from '../launch-policy/launch.js';
import { SimulatedLauncher } from '../launcher/launcher.js';
import {
  AttemptFolder,
  type AttemptRequest,
  type AttemptState,
  type AttemptEndReason
} from './attempt-folder.js';
import { identityOf, ownIdentity } from './process-identity.js';

/** The part of the last state that depends on how the attempt ended. */
type AttemptEnd = Pick<AttemptState, 'reason' | 'exitCode' | 'message' | 'remedy'>;

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

/** Runs one attempt. */
class Runner {
  private container: Container | undefined;
  /** The reason for which the attempt was stopped, if it was. */
  private stopReason: AttemptEndReason | undefined;
  private readonly startedAt = new Date().toISOString();

  constructor(
    private readonly folder: AttemptFolder,
    private readonly request: AttemptRequest
  ) {}

  stop(reason: AttemptEndReason): void {
    this.stopReason ??= reason;
    this.container?.kill();
  }

  async run(): Promise<void> {
    const { startedAt } = this;
    await this.folder.setState({ phase: 'starting', startedAt });
    const end = await this.runImage().catch(endAfterError);
    await this.folder.removeTemporaryFiles();
    await this.folder.setState({ phase: 'ended', startedAt, endedAt: new Date().toISOString(), ...end });
  }

  private async runImage(): Promise<AttemptEnd> {
    const { folder, request } = this;
    const store = await LayoutStore.open(request.layout);
    const image = await readImage(store, asDigest(request.imageDigest));
    const machine = machineOf(request.attemptId);
    const { imageReference, env, logRedirect } = request;
    const plan = planLaunch(image.config, { imageReference, env, logRedirect }, machine.instanceName);
    const stack = await new UnpackedLayers(request.cacheDir).stack(store, image.layers);
    const launcher = await SimulatedLauncher.start(folder.launcher, await this.issuer(image, plan, machine));
    try {
      await mkdir(folder.scratch, { mode: 0o700 });
      const hostname = machine.instanceName;
      const options = { folder: folder.scratch, stack, launcherFolder: launcher.folder, hostname, plan };
      return await this.runContainer(await Container.prepare(options));
    } finally {
      await launcher.stop();
    }
  }

  private async runContainer(container: Container): Promise<AttemptEnd> {
    this.container = container;
    if (this.stopReason !== undefined) container.kill();
    const identity = identityOf(container.pid);
    const { startedAt } = this;
    // The container is recorded before the program starts, so that it can be found and killed after a crash.
    await this.folder.setState({
      phase: 'running',
      startedAt,
      ...(identity === undefined ? {} : { container: identity })
    });
    const limit = setTimeout(() => {
      this.stop('time-limit');
    }, this.request.limits.wallSeconds * 1000);
    try {
      return this.endOf(await container.run());
    } finally {
      clearTimeout(limit);
    }
  }

  private endOf({ exitCode }: ContainerEnd): AttemptEnd {
    if (this.stopReason !== undefined) return { reason: this.stopReason };
    if (exitCode !== undefined) return { reason: 'finished', exitCode };
    return { reason: 'failed', message: 'The container was killed by another program.' };
  }

  private async issuer(image: LaunchImage, plan: LaunchPlan, machine: Machine): Promise<TokenIssuer> {
    const { imageReference, identityDir } = this.request;
    const { args, env, envOverride, cmdOverride } = plan;
    return new TokenIssuer(await openIdentity(identityDir), {
      machine,
      container: {
        imageReference,
        imageDigest: image.digest,
        imageId: image.id,
        args,
        env,
        envOverride,
        cmdOverride
      }
    });
  }
}

/** Returns the simulated machine of an attempt. As in Confidential Space, each attempt has its own. */
function machineOf(attemptId: string): Machine {
  const hash = createHash('sha256').update(attemptId).digest();
  return {
    projectId: 'simulator',
    projectNumber: '0',
    zone: 'this-machine',
    instanceName: `simulated-${hash.toString('hex', 0, 6)}`,
    instanceId: hash.readBigUInt64BE(8).toString(),
    serviceAccounts: ['workload@simulator.invalid']
  };
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
