import type { protos } from '@google-cloud/compute';
import { PROJECT, WORKLOAD } from '../cloud.js';

/** The zone of the body's machine. */
export const ZONE = 'europe-west4-a';
/** An instance resource as Google's client takes it. */
export type InstanceResource = protos.google.cloud.compute.v1.IInstance;

/** Returns the body of an insert as the reference has it, for TDX. */
export function insertBody(name: string, changes: InstanceResource = {}): InstanceResource {
  return {
    name,
    machineType: `zones/${ZONE}/machineTypes/c3-standard-4`,
    confidentialInstanceConfig: { enableConfidentialCompute: true, confidentialInstanceType: 'TDX' },
    shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
    scheduling: {
      onHostMaintenance: 'TERMINATE',
      automaticRestart: false,
      provisioningModel: 'STANDARD',
      maxRunDuration: { seconds: '14400' },
      instanceTerminationAction: 'DELETE'
    },
    disks: [
      {
        boot: true,
        autoDelete: true,
        initializeParams: {
          diskSizeGb: '20',
          diskType: `zones/${ZONE}/diskTypes/pd-balanced`,
          sourceImage: 'projects/confidential-space-images/global/images/family/confidential-space'
        }
      }
    ],
    networkInterfaces: [
      { subnetwork: `projects/${PROJECT.id}/regions/europe-west4/subnetworks/clean-room`, nicType: 'GVNIC' }
    ],
    serviceAccounts: [{ email: WORKLOAD.email, scopes: ['https://www.googleapis.com/auth/cloud-platform'] }],
    metadata: {
      items: [
        {
          key: 'tee-image-reference',
          value: `europe-west4-docker.pkg.dev/p/runs/nb@sha256:${'1'.repeat(64)}`
        },
        { key: 'tee-env-CLEAN_ROOM_JOB', value: 'https://coordinator.example/v1/jobs/a' }
      ]
    },
    labels: { 'clean-room': 'main' },
    deletionProtection: false,
    ...changes
  };
}
