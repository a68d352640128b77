import type { Scheduled } from '../clock.js';
import type { Guest } from '../guest.js';
import type { InstanceBody, ResolvedInstance } from './instance-body.js';
import { numericId, timestamp } from './operations.js';
import { SerialPort } from './serial-port.js';

/** The states of an instance (cloud.google.com/compute/docs/instances/instance-lifecycle). */
export type InstanceStatus = 'PROVISIONING' | 'STAGING' | 'RUNNING' | 'STOPPING' | 'TERMINATED';

/** A virtual machine. */
export class Instance {
  readonly id = numericId();
  readonly serialPort = new SerialPort();
  status: InstanceStatus = 'PROVISIONING';
  guest: Guest | undefined;
  /** Settles when the instance has left STOPPING. */
  stopping: Promise<void> | undefined;
  /** Ends the instance after its maximal run duration. */
  limit: Scheduled | undefined;
  started: number | undefined;
  stopped: number | undefined;
  deleted: number | undefined;

  constructor(
    readonly name: string,
    readonly zone: string,
    readonly body: InstanceBody,
    readonly resolved: ResolvedInstance,
    readonly created: number
  ) {}

  /** The instance's labels. */
  get labels(): Readonly<Record<string, string>> {
    return this.body.labels ?? {};
  }

  /** The instance's metadata. */
  get metadata(): Readonly<Record<string, string>> {
    const items = this.body.metadata?.items ?? [];
    return Object.fromEntries(items.map(({ key = '', value = '' }) => [key, value]));
  }

  /** Whether the machine is one that Google may take back. */
  get isSpot(): boolean {
    return this.body.scheduling?.provisioningModel === 'SPOT';
  }

  /** Returns the resource (cloud.google.com/compute/docs/reference/rest/v1/instances). */
  toResource(base: string): object {
    const { body, resolved } = this;
    const at = `${base}/zones/${this.zone}`;
    return {
      kind: 'compute#instance',
      ...body,
      id: this.id,
      creationTimestamp: timestamp(this.created),
      status: this.status,
      zone: at,
      machineType: `${at}/machineTypes/${resolved.machineType.name}`,
      selfLink: `${at}/instances/${this.name}`,
      scheduling: {
        onHostMaintenance: 'MIGRATE',
        automaticRestart: true,
        provisioningModel: 'STANDARD',
        preemptible: this.isSpot,
        ...body.scheduling
      },
      disks: (body.disks ?? []).map(({ initializeParams: _, ...disk }, index) => ({
        kind: 'compute#attachedDisk',
        ...disk,
        index,
        deviceName: `persistent-disk-${index}`,
        source: `${at}/disks/${this.name}`,
        diskSizeGb: String(resolved.diskSizeGb),
        guestOsFeatures: resolved.image.guestOsFeatures.map(type => ({ type }))
      })),
      ...(this.started === undefined ? {} : { lastStartTimestamp: timestamp(this.started) }),
      ...(this.stopped === undefined ? {} : { lastStopTimestamp: timestamp(this.stopped) })
    };
  }
}
