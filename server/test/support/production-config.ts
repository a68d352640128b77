import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DEFAULT_LIMITS, type CoordinatorConfig } from '../../src/coordinator/start.js';
import { PROJECT, WORKLOAD } from '../cloud/cloud.js';

/** The backend of a production coordinator. */
export const CLOUD_BACKEND = {
  kind: 'confidential-space',
  project: PROJECT.id,
  deployment: 'test',
  zones: ['europe-west4-a', 'europe-west4-b'],
  subnetwork: 'clean-room',
  serviceAccount: WORKLOAD.email,
  tees: ['TDX'],
  spot: false,
  dollarsPerHour: {}
} satisfies CoordinatorConfig['backend'];

/** Returns the settings of images in a registry. */
export function registryImages(
  registry: string,
  credentials: 'docker' | 'google' = 'docker'
): CoordinatorConfig['images'] {
  return {
    kind: 'registry',
    repository: `${registry}/revisions`,
    kernelImages: `${registry}/kernel`,
    credentials
  };
}

/** Writes the secrets of a coordinator to a folder, and returns the settings that do not depend on its services. */
export async function commonConfig(
  folder: string
): Promise<Omit<CoordinatorConfig, 'mode' | 'database' | 'objects' | 'images' | 'backend'>> {
  const secret = async (name: string): Promise<string> => {
    const file = path.join(folder, name);
    await writeFile(file, randomBytes(32).toString('base64url'), { mode: 0o600 });
    return file;
  };
  return {
    listen: { host: '127.0.0.1', port: 0 },
    logLevel: 'warn',
    kernelImages: [],
    logKeyFile: await secret('log.key'),
    jobSecretFile: await secret('job.secret'),
    authentication: {
      kind: 'jupyterhub',
      api: 'http://127.0.0.1:1/hub/api',
      service: 'clean-room',
      groups: {}
    },
    custodians: [],
    limits: DEFAULT_LIMITS
  };
}
