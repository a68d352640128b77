import { HARDWARE_ROOTS } from '@clean-room/protocol/attestation';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import type { TeeBackend, TeeStatus } from '../backend.js';
import { chooseShape } from '../choose-shape.js';
import { ComputeApi } from './compute.js';
import type { ComputeOptions } from './credentials.js';
import type { ListedInstance } from './instance-lists.js';
import { instanceOf } from './instance.js';
import { LauncherLog } from './launcher-log.js';
import { ATTEMPT_LABEL, attemptOf, DEPLOYMENT_LABEL, instanceName } from './names.js';
import type { ConfidentialSpaceSettings } from './settings.js';
import { shapesOf } from './shapes.js';
import { consoleEnd, eventEnd, insertEnd, stateOf } from './status.js';
import { orderZones } from './zones.js';

/** How many stopped attempts this process remembers, so that it does not start them. The database remembers all of them. */
const MOST_STOPPED = 10_000;
const PREEMPTED = 'compute.instances.preempted';

/** Machines on Google Confidential Space. Everything about them is read from Compute Engine; this object stores no truth. */
class ConfidentialSpace implements TeeBackend {
  readonly sealedFor = 'hardware';
  readonly roots = HARDWARE_ROOTS;
  readonly capabilities;
  readonly #stopped = new Set<string>();
  readonly #stockouts = new Map<string, number>();

  constructor(
    private readonly settings: ConfidentialSpaceSettings,
    private readonly compute: ComputeApi,
    private readonly launcherLog: LauncherLog
  ) {
    const { tees, dollarsPerHour } = settings;
    this.capabilities = { tees, shapes: shapesOf(tees, dollarsPerHour) };
  }

  async start(plan: Parameters<TeeBackend['start']>[0]): Promise<TeeStatus> {
    const { attempt } = plan;
    if (this.#stopped.has(attempt)) return { state: 'ended', reason: 'stopped' };
    const shape = chooseShape(this.capabilities.shapes, plan);
    const [existing] = await this.#find(attempt);
    if (existing !== undefined) return this.#statusOf(existing);
    const zones = orderZones(this.settings.zones, this.#stockouts, Date.now());
    let end: ReturnType<typeof insertEnd>;
    for (const zone of zones) {
      end = insertEnd(await this.compute.insert(zone, instanceOf(plan, this.settings, zone, shape)));
      if (end === undefined) return this.#started(attempt);
      if (end !== 'out-of-capacity' && end !== 'quota') return { state: 'ended', reason: end };
      this.#stockouts.set(zone, Date.now());
    }
    const detail = `Zones tried: ${zones.join(', ')}.`;
    return { state: 'ended', reason: end ?? 'out-of-capacity', detail };
  }

  /** Deletes a machine that was stopped while it was being created. */
  async #started(attempt: string): Promise<TeeStatus> {
    if (!this.#stopped.has(attempt)) return { state: 'starting' };
    await this.stop(attempt);
    return { state: 'ended', reason: 'stopped' };
  }

  async statuses(attempts: readonly string[]): Promise<ReadonlyMap<string, TeeStatus>> {
    if (attempts.length === 0) return new Map();
    const machines = new Map<string | undefined, ListedInstance>();
    const isMissing = (): boolean => attempts.some(attempt => !machines.has(attempt));
    const add = (found: readonly ListedInstance[]): void => {
      for (const machine of found) machines.set(attemptOf(machine.labels), machine);
    };
    for (const zone of this.settings.zones)
      add(await this.compute.listIn(zone, { [DEPLOYMENT_LABEL]: this.settings.deployment }));
    // The operator may have removed a zone from the settings while machines run in it.
    if (isMissing()) add(await this.#all());
    const preempted = isMissing() ? await this.#preempted() : new Set<string>();
    const statuses = new Map<string, TeeStatus>();
    for (const attempt of attempts) {
      const found = machines.get(attempt);
      if (found !== undefined) statuses.set(attempt, await this.#statusOf(found));
      else if (preempted.has(instanceName(attempt)))
        statuses.set(attempt, { state: 'ended', reason: 'preempted' });
      else statuses.set(attempt, { state: 'unknown' });
    }
    return statuses;
  }

  async #statusOf(machine: ListedInstance): Promise<TeeStatus> {
    const state = stateOf(machine.status);
    if (state !== 'ended') return { state };
    try {
      return await this.#endOf(machine);
    } catch (error) {
      // It has ended in any case. One machine about which nothing can be read must not hide the status of all others.
      if (isCleanRoomError(error, 'unavailable')) return { state: 'unknown' };
      if (!isCleanRoomError(error)) throw error;
      return { state: 'ended', reason: 'lost', detail: 'Google Compute Engine did not say why it ended.' };
    }
  }

  /** Returns why a machine has ended. */
  async #endOf({ zone, name, id }: ListedInstance): Promise<TeeStatus> {
    const operations = await this.compute.operations(zone, { instanceId: id });
    const reason = eventEnd(operations.map(({ type }) => type));
    if (reason !== undefined) return { state: 'ended', reason };
    // The guest switched the machine off.
    const contents = await this.compute.serialOutput(zone, name);
    return contents === undefined ? { state: 'unknown' } : consoleEnd(contents);
  }

  /** Returns the names of the machines that Compute Engine has taken back and deleted. */
  async #preempted(): Promise<Set<string>> {
    const lists = await Promise.all(
      this.settings.zones.map(zone => this.compute.operations(zone, { type: PREEMPTED }))
    );
    return new Set(lists.flat().map(({ target }) => target));
  }

  async stop(attempt: string): Promise<void> {
    this.#stopped.add(attempt);
    const [oldest] = this.#stopped;
    if (this.#stopped.size > MOST_STOPPED && oldest !== undefined) this.#stopped.delete(oldest);
    for (const { zone, name } of await this.#find(attempt)) await this.compute.delete(zone, name);
  }

  async list(): Promise<readonly string[]> {
    const attempts = (await this.#all()).flatMap(({ labels }) => attemptOf(labels) ?? []);
    return [...new Set(attempts)];
  }

  async machineOf(attempt: string) {
    const [found] = await this.#find(attempt);
    return {
      projectId: this.settings.project,
      ...(found === undefined ? {} : { zone: found.zone }),
      instanceName: instanceName(attempt)
    };
  }

  async console(attempt: string) {
    const [found] = await this.#find(attempt);
    const serial = found === undefined ? undefined : await this.compute.serialOutput(found.zone, found.name);
    return {
      ...(serial === undefined ? {} : { serial }),
      log: await this.launcherLog.read(instanceName(attempt))
    };
  }

  #all(): Promise<ListedInstance[]> {
    return this.compute.list({ [DEPLOYMENT_LABEL]: this.settings.deployment });
  }

  #find(attempt: string): Promise<ListedInstance[]> {
    return this.compute.list({
      [DEPLOYMENT_LABEL]: this.settings.deployment,
      [ATTEMPT_LABEL]: attempt
    });
  }
}

/**
 * Opens a backend that runs attempts on Google Confidential Space.
 *
 * @param options - options of Google's client of the Compute API; the coordinator's own service account is used by default
 * @param loggingUrl - the address of the Logging API, Google's by default
 */
export async function openConfidentialSpace(
  settings: ConfidentialSpaceSettings,
  options: ComputeOptions = {},
  loggingUrl?: string
): Promise<TeeBackend> {
  const { project } = settings;
  return new ConfidentialSpace(
    settings,
    await ComputeApi.open(project, options),
    new LauncherLog(project, options.authClient, loggingUrl)
  );
}
