import { RegistryStore } from '@clean-room/oci';
import type { Digest } from '@clean-room/protocol/bytes';
import { AttestationService, bootGuest, regionOf, type StoredImage } from '@clean-room/simulator/guest';
import { mkdtempSync } from 'node:fs';
import path from 'node:path';
import type { Guest, GuestMachine, GuestSpec, GuestSystem } from '../guest.js';
import { AttestationAuthority } from './attestation-authority.js';

/** Settings of guests that run their images. */
export interface LaunchedGuestsOptions {
  /** A private folder on a local file system other than overlayfs. */
  readonly folder: string;
  /** The folder of unpacked layers, which may be kept between tests. */
  readonly cacheDir: string;
  readonly authority?: AttestationAuthority;
  /** The time between the end of the launcher and power-off; by default the two minutes of Confidential Space. */
  readonly shutdownMilliseconds?: number;
}

/** The launcher repeats a pull itself, so its registry client does not. */
const ONE_ATTEMPT = { attempts: 1, firstDelayMs: 1, longestDelayMs: 1 };

/** Returns an image that a reference with a digest names, in the registry from which the machine may pull. */
async function findImage(reference: string, accessToken: () => string): Promise<StoredImage> {
  const [, repository = '', digest] = /^([^@]+?)(?::[\w.-]+)?@(sha256:[0-9a-f]{64})$/.exec(reference) ?? [];
  if (digest === undefined) throw new Error(`the image reference ${reference} has no digest`);
  const store = RegistryStore.open(`http://${repository}`, {
    credentials: async () => ({ username: 'oauth2accesstoken', password: accessToken() }),
    retryPolicy: ONE_ATTEMPT
  });
  return { store, digest: digest as Digest };
}

/**
 * Guests that run the image of their metadata as the launcher of Confidential Space does: pulled by digest from the registry of the
 * cloud, under the policy of the image's labels, with tokens of a test authority.
 */
export class LaunchedGuests implements GuestSystem {
  readonly authority: AttestationAuthority;
  readonly #services = new Map<string, AttestationService>();

  constructor(private readonly options: LaunchedGuestsOptions) {
    this.authority = options.authority ?? new AttestationAuthority();
  }

  /** Returns the attestation service of a region, which can be made slow or let fail. */
  service(region: string): AttestationService {
    let service = this.#services.get(region);
    if (service === undefined) {
      service = new AttestationService({ region });
      this.#services.set(region, service);
    }
    return service;
  }

  boot(spec: GuestSpec, machine: GuestMachine): Guest {
    const { name, id, zone, projectId, projectNumber } = spec.instance;
    const { folder, cacheDir, shutdownMilliseconds } = this.options;
    return bootGuest({
      machine: {
        projectId,
        projectNumber,
        zone,
        instanceName: name,
        instanceId: id,
        serviceAccounts: spec.serviceAccount === undefined ? [] : [spec.serviceAccount]
      },
      hardened: !spec.bootImage.includes('debug'),
      metadata: () => spec.metadata,
      findImage: reference => findImage(reference, spec.accessToken),
      openIssuer: async subject => this.authority.sourceFor(subject, spec),
      service: this.service(regionOf(zone)),
      folder: mkdtempSync(path.join(folder, 'guest-')),
      cacheDir,
      log: entry => machine.log(entry),
      serial: line => machine.serial(line),
      waitForShutdown: milliseconds => machine.sleep(shutdownMilliseconds ?? milliseconds)
    });
  }
}
