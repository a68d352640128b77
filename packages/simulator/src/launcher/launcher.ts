import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImageStore } from '@clean-room/oci';
import { type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { Container } from '../container/container.js';
import { readImage, type LaunchImage } from '../container/image.js';
import { removeTree } from '../container/remove-tree.js';
import type { UnpackedLayers } from '../container/unpack.js';
import type { Machine, TokenSource, TokenSubject } from '../issuer/token-issuer.js';
import type { LogRedirect } from '../launch-policy/labels.js';
import { planLaunch, type LaunchPlan } from '../launch-policy/launch.js';
import { readLaunchSpec, type InstanceMetadata, type LaunchSpec } from '../launch-policy/metadata.js';
import { describeSpec } from './describe-spec.js';
import type { LauncherLog } from './log.js';
import type { AttestationService } from './service.js';
import { TeeServer } from './tee-server.js';

/** An image in the store from which it is pulled. */
export interface StoredImage {
  readonly store: ImageStore;
  readonly digest: Digest;
}

/** The machine and the services that a launcher uses. */
export interface LauncherOptions {
  readonly machine: Machine;
  readonly metadata: InstanceMetadata;
  /** Whether the machine runs the production image, not the debug image. */
  readonly hardened: boolean;
  /** Returns where the image of a reference is. It is called again after a failure. */
  readonly findImage: (reference: string) => Promise<StoredImage>;
  /** Returns the issuer of tokens about the machine and its container. */
  readonly openIssuer: (subject: TokenSubject) => Promise<TokenSource>;
  readonly service: AttestationService;
  readonly layers: UnpackedLayers;
  /** A private folder on a local file system other than overlayfs. */
  readonly folder: string;
  readonly log: LauncherLog;
  /** Called when the container has been built, before its program starts. */
  readonly onContainer?: (container: Container, plan: LaunchPlan) => Promise<void>;
}

/** The action of the machine after the launcher has ended. */
export type MachineAction = 'power-off' | 'reboot' | 'hold';

/** How a launcher ended. */
export interface LauncherEnd {
  readonly action: MachineAction;
  /** Whether the program ran and returned 0. More about its end is not known outside. */
  readonly succeeded: boolean;
  /** The error for which the launcher or the program failed. */
  readonly error?: unknown;
}

/** Thrown when the program returned something other than 0, or was killed. */
export class WorkloadError extends Error {
  override readonly name = 'WorkloadError';

  /** @param wasKilled - whether something outside of the container killed it */
  constructor(readonly wasKilled: boolean) {
    super('workload finished with a non-zero return code');
  }
}

/** Thrown when the machine lost its power: nothing is logged after that. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

const PULL_RETRIES = 3;
const PULL_DELAY_MS = 500;

const EXITS: Readonly<Record<MachineAction, readonly [success: number, message: string]>> = {
  'power-off': [0, 'workload finished successfully, shutting down the VM'],
  reboot: [3, 'rebooting VM'],
  hold: [4, 'VM remains running']
};

const REDIRECTS: Readonly<Record<LogRedirect, string>> = {
  false: 'Container stdout/stderr will not be redirected.',
  true: 'Container stdout/stderr will be redirected to serial and Cloud Logging. This may result in performance issues due to slow serial console writes.',
  cloud_logging: 'Container stdout/stderr will be redirected to journald (JSON) for FluentBit scraping.',
  serial:
    'Container stdout/stderr will be redirected to serial logging. This may result in performance issues due to slow serial console writes.'
};

/** Returns the folder with the files that the program writes. The caller of `run` removes it. */
export function scratchFolder(folder: string): string {
  return join(folder, 'scratch');
}

/** Returns the folder with the launcher's socket, which is removed when `run` ends. */
export function socketFolder(folder: string): string {
  return join(folder, 'launcher');
}

/**
 * The launcher of Confidential Space, simulated: pulls the image that the metadata names, checks the operator's settings against
 * its labels, and runs its program once, with the launcher's socket. It follows go-tpm-tools (launcher/start.go,
 * container_runner.go, launcher/main.go) in its steps, texts and conditions.
 */
export class Launcher {
  readonly #options: LauncherOptions;
  #container: Container | undefined;
  #isPressed = false;
  #hasPower = true;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** Presses the machine's power button: the program gets SIGTERM. Nothing forces it to end. */
  pressPowerButton(): void {
    this.#isPressed = true;
    this.#container?.signal('SIGTERM');
  }

  /** Cuts the machine's power: everything ends at once. */
  cutPower(): void {
    this.#hasPower = false;
    this.#container?.kill();
  }

  /**
   * Runs the image once.
   *
   * @throws PowerCut after `cutPower`
   */
  async run(): Promise<LauncherEnd> {
    const { log, metadata, hardened } = this.#options;
    log.info('TEE container launcher initiating', { build_commit: 'simulator' });
    let spec: LaunchSpec;
    try {
      spec = readLaunchSpec(metadata);
    } catch (error) {
      log.error(launcherText(error));
      return this.#exit('power-off', error);
    }
    const began = performance.now();
    const error = await this.#launch(spec).then(
      () => undefined,
      (thrown: unknown) => thrown ?? new Error('unknown error')
    );
    this.#requirePower();
    if (error !== undefined) log.error(launcherText(error));
    log.info('Workload completed', {
      workload: spec.imageReference,
      workload_execution_sec: secondsSince(began)
    });
    return this.#exit(hardened ? actionAfter(spec, error) : 'hold', error);
  }

  #exit(action: MachineAction, error?: unknown): LauncherEnd {
    const [success, message] = EXITS[action];
    const failed = action === 'power-off' && error !== undefined;
    this.#options.log.info('TEE container launcher exiting', {
      exit_code: failed ? 1 : success,
      exit_msg: failed ? 'workload or launcher error, shutting down the VM' : message
    });
    const cause = error instanceof StepError ? error.cause : error;
    return { action, succeeded: cause === undefined, ...(cause === undefined ? {} : { error: cause }) };
  }

  #requirePower(): void {
    if (!this.#hasPower) throw new PowerCut();
  }

  async #launch(spec: LaunchSpec): Promise<void> {
    const { machine, hardened, log, service } = this.#options;
    log.info(`Launch Spec: ${describeSpec(spec, machine, hardened)}`);
    const { image, stack } = await this.#pull(spec.imageReference);
    this.#requirePower();
    log.info('Preparing Container Runner', {
      operator_input_image_ref: spec.imageReference,
      image_digest: image.digest,
      operator_override_env_vars: `[${Object.keys(spec.env)
        .map(name => `${name}=[REDACTED]`)
        .join(' ')}]`,
      operator_override_cmd: `[${spec.cmd.join(' ')}]`
    });
    const plan = planLaunch(image.config, spec, machine.instanceName, hardened);
    log.info('Retrieved image config', { image_id: image.id });
    const source = await this.#options.openIssuer(subjectOf(machine, spec, image, plan));
    log.info('Successfully measured memory monitoring event');
    const server = await TeeServer.start({
      folder: socketFolder(this.#options.folder),
      requestToken: contents => service.token(source, contents),
      log,
      withoutTokenFile: spec.withoutTokenFile
    }).catch((error: unknown) => {
      throw stepError(
        'failed to fetch and write OIDC token: failed to retrieve attestation service token',
        error
      );
    });
    try {
      await this.#runContainer(plan, stack);
    } finally {
      await server.stop();
      await removeTree(socketFolder(this.#options.folder));
    }
  }

  /** Pulls the image. Like the launcher, it repeats this three times after any failure. */
  async #pull(reference: string): Promise<{ image: LaunchImage; stack: readonly string[] }> {
    for (let retries = 0; ; retries++) {
      this.#requirePower();
      try {
        const { store, digest } = await this.#options.findImage(reference);
        const image = await readImage(store, digest);
        return { image, stack: await this.#options.layers.stack(store, image.layers) };
      } catch (error) {
        if (retries === PULL_RETRIES)
          throw stepError(
            'cannot pull the image: failed to pull image with retries, the last error is',
            error
          );
        await delay(PULL_DELAY_MS);
      }
    }
  }

  async #runContainer(plan: LaunchPlan, stack: readonly string[]): Promise<void> {
    const { log, machine, onContainer } = this.#options;
    log.info('EnableOnDemandAttestation is enabled: initializing TEE server.');
    if (!plan.memoryMonitoring) log.info('MemoryMonitoring is disabled by the VM operator');
    log.info(REDIRECTS[plan.logRedirect]);
    const began = performance.now();
    await mkdir(scratchFolder(this.#options.folder), { recursive: true, mode: 0o700 });
    try {
      const container = await Container.prepare({
        folder: scratchFolder(this.#options.folder),
        stack,
        launcherFolder: socketFolder(this.#options.folder),
        hostname: machine.instanceName,
        plan
      });
      this.#container = container;
      await onContainer?.(container, plan);
      if (!this.#hasPower) container.kill();
      else if (this.#isPressed) container.signal('SIGTERM');
      log.info('Workload setup completed', { setup_sec: secondsSince(began) });
      await this.#runProgram(container);
    } finally {
      this.#container = undefined;
    }
  }

  async #runProgram(container: Container): Promise<void> {
    const { log } = this.#options;
    const began = performance.now();
    log.info('workload task started');
    const { exitCode } = await container.run();
    this.#requirePower();
    const attributes = { workload_execution_sec: secondsSince(began) };
    if (exitCode !== 0) {
      log.error('workload task ended and returned non-zero', attributes);
      throw new WorkloadError(exitCode === undefined);
    }
    log.info('workload task ended and returned 0', attributes);
  }
}

function subjectOf(
  machine: Machine,
  { imageReference, impersonatedAccounts }: LaunchSpec,
  image: LaunchImage,
  { args, env, envOverride, cmdOverride, restartPolicy, memoryMonitoring }: LaunchPlan
): TokenSubject {
  return {
    machine: { ...machine, serviceAccounts: [...machine.serviceAccounts, ...impersonatedAccounts] },
    container: {
      imageReference,
      imageDigest: image.digest,
      imageId: image.id,
      args,
      env,
      envOverride,
      cmdOverride,
      restartPolicy,
      memoryMonitoring
    }
  };
}

/** Returns what the launcher's exit makes the production image do. Only failures that may pass by themselves cause a reboot. */
function actionAfter({ restartPolicy }: LaunchSpec, error: unknown): MachineAction {
  if (error === undefined) return restartPolicy === 'Always' ? 'reboot' : 'power-off';
  const mayPass = error instanceof WorkloadError || isCleanRoomError(error, 'backend-unavailable');
  return mayPass && restartPolicy !== 'Never' ? 'reboot' : 'power-off';
}

/** An error in a step of the launcher, with the text that the launcher writes to its log. */
class StepError extends Error {
  override readonly name = 'StepError';
}

function stepError(step: string, cause: unknown): StepError {
  return new StepError(`${step}: ${launcherText(cause)}`, { cause });
}

/** Returns the text of the launcher's log for an error. */
function launcherText(error: unknown): string {
  if (error instanceof CleanRoomError) {
    const text = error.details['launcher'];
    return typeof text === 'string' ? text : error.message;
  }
  return error instanceof Error ? error.message : 'unknown error';
}

function secondsSince(began: number): number {
  return (performance.now() - began) / 1000;
}
