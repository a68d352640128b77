import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { LayoutStore } from '@clean-room/oci/layout';
import { asDigest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Container, type ContainerEnd } from '../container/container.js';
import { readImage, type LaunchImage } from '../container/image.js';
import { UnpackedLayers } from '../container/unpack.js';
import type { Machine } from '../issuer/claims.js';
import { openIdentity } from '../issuer/identity.js';
import { TokenIssuer } from '../issuer/issuer.js';
import { planLaunch, type LaunchPlan } from '../launch-policy/launch.js';
import { SimulatedLauncher } from '../launcher/launcher.js';
import {
  AttemptFolder,
  type AttemptRequest,
  type AttemptState,
  type AttemptEndReason
} from './attempt-folder.js';
import { identityOf, ownIdentity } from './process-identity.js';

type End = Pick<AttemptState, 'reason' | 'exitCode' | 'message' | 'remedy'>;

/**
 * Runs one attempt from its folder to its end: the whole life of a runner process. Returns when another process has the
 * attempt, without touching anything.
 */
export async function runSimulatedAttempt(path: string): Promise<void> {
  const folder = new AttemptFolder(dirname(path), basename(path));
  const request = await folder.request();
  if (request === undefined || !(await folder.claim(ownIdentity()))) return;
  const runner = new Runner(folder, request);
  process.on('SIGTERM', () => runner.stop('stopped'));
  // Asked between the start of this process and the line above: nobody would have told it.
  if (await folder.isAskedToStop()) runner.stop('stopped');
  await runner.run();
}

class Runner {
  private container: Container | undefined;
  private stopped: AttemptEndReason | undefined;
  private readonly startedAt = new Date().toISOString();

  constructor(
    private readonly folder: AttemptFolder,
    private readonly request: AttemptRequest
  ) {}

  stop(reason: AttemptEndReason): void {
    this.stopped ??= reason;
    this.container?.kill();
  }

  async run(): Promise<void> {
    const { startedAt } = this;
    await this.folder.setState({ phase: 'starting', startedAt });
    const end = await this.attempt().catch(toEnd);
    await this.folder.removeLeftovers();
    await this.folder.setState({ phase: 'ended', startedAt, endedAt: new Date().toISOString(), ...end });
  }

  private async attempt(): Promise<End> {
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
      const order = { folder: folder.scratch, stack, launcherFolder: launcher.folder, hostname, plan };
      return await this.contain(await Container.prepare(order));
    } finally {
      await launcher.stop();
    }
  }

  private async contain(container: Container): Promise<End> {
    this.container = container;
    if (this.stopped !== undefined) container.kill();
    const identity = identityOf(container.pid);
    const { startedAt } = this;
    // Before the program starts: after any crash from here on, the container can be found and ended.
    await this.folder.setState({
      phase: 'running',
      startedAt,
      ...(identity === undefined ? {} : { container: identity })
    });
    const limit = setTimeout(() => this.stop('time-limit'), this.request.limits.wallSeconds * 1000);
    try {
      return this.endOf(await container.run());
    } finally {
      clearTimeout(limit);
    }
  }

  private endOf({ exitCode }: ContainerEnd): End {
    if (this.stopped !== undefined) return { reason: this.stopped };
    if (exitCode !== undefined) return { reason: 'finished', exitCode };
    return { reason: 'failed', message: 'The container was killed from outside.' };
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

/** A machine of Confidential Space is there for one attempt; so is this one. */
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

const REASONS: Readonly<Partial<Record<CleanRoomError['code'], AttemptEndReason>>> = {
  'policy-refused': 'launch-refused',
  'image-unknown': 'image-refused',
  'digest-mismatch': 'image-refused',
  malformed: 'image-refused',
  'too-large': 'image-refused',
  'backend-unavailable': 'backend-unavailable'
};

function toEnd(error: unknown): End {
  if (!(error instanceof CleanRoomError)) {
    return { reason: 'failed', message: error instanceof Error ? error.message : 'An unknown failure.' };
  }
  const { message, remedy } = error;
  return { reason: REASONS[error.code] ?? 'failed', message, ...(remedy === undefined ? {} : { remedy }) };
}
