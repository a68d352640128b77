import type { protos } from '@google-cloud/compute';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { JOB_VARIABLE } from '@clean-room/protocol/jobs';
import type { AttemptPlan, TeeShape } from '../backend.js';
import { ATTEMPT_LABEL, DEPLOYMENT_LABEL, instanceName } from './names.js';
import type { ConfidentialSpaceSettings } from './settings.js';

/** An instance as the Compute API takes and returns it. */
export type InstanceResource = protos.google.cloud.compute.v1.IInstance;

/** The newest production image. Policies check the support level that its tokens claim. */
const BOOT_IMAGE = 'projects/confidential-space-images/global/images/family/confidential-space';
const GIB = 1024 ** 3;
/** The boot image has this size. */
const LEAST_DISK_GIB = 12;
/** Limits of Compute Engine for the longest run of a machine, in seconds. */
const LEAST_DEADLINE = 30;
const LONGEST_DEADLINE = 120 * 24 * 3600;

/** Returns the region of a zone. */
function regionOf(zone: string): string {
  return zone.slice(0, zone.lastIndexOf('-'));
}

/** Returns the image's reference, which must name the approved digest: the launcher pulls what the reference says. */
function referenceOf({ image, imageReference }: AttemptPlan): string {
  if (imageReference?.endsWith(`@${image}`) === true) return imageReference;
  throw new CleanRoomError(
    'backend-unavailable',
    'The image was not published to a registry under its digest.',
    { remedy: 'Configure a registry that the machines can reach.' }
  );
}

/**
 * Returns the machine of an attempt, as the body of `instances.insert`. All settings that could weaken a run are set
 * explicitly, also those that are the default today.
 *
 * @throws CleanRoomError `backend-unavailable` when the plan cannot be met
 */
export function instanceOf(
  plan: AttemptPlan,
  settings: ConfidentialSpaceSettings,
  zone: string,
  shape: TeeShape
): InstanceResource {
  const { project, subnetwork, serviceAccount, spot, deployment } = settings;
  const deadline = Math.min(Math.max(Math.ceil(plan.deadlineSeconds), LEAST_DEADLINE), LONGEST_DEADLINE);
  const diskGib = Math.max(Math.ceil(plan.diskBytes / GIB), LEAST_DISK_GIB);
  return {
    name: instanceName(plan.attempt),
    machineType: `zones/${zone}/machineTypes/${shape.name}`,
    confidentialInstanceConfig: { enableConfidentialCompute: true, confidentialInstanceType: plan.tee },
    shieldedInstanceConfig: { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true },
    scheduling: {
      // A machine that migrates or restarts would run the notebook a second time.
      onHostMaintenance: 'TERMINATE',
      automaticRestart: false,
      provisioningModel: spot ? 'SPOT' : 'STANDARD',
      // Compute Engine deletes the machine even if this server does not exist any more.
      maxRunDuration: { seconds: String(deadline) },
      instanceTerminationAction: 'DELETE'
    },
    disks: [
      {
        boot: true,
        autoDelete: true,
        initializeParams: {
          diskSizeGb: String(diskGib),
          diskType: `zones/${zone}/diskTypes/pd-balanced`,
          sourceImage: BOOT_IMAGE
        }
      }
    ],
    // Without accessConfigs the machine has no external address.
    networkInterfaces: [
      {
        subnetwork: `projects/${project}/regions/${regionOf(zone)}/subnetworks/${subnetwork}`,
        nicType: 'GVNIC'
      }
    ],
    serviceAccounts: [{ email: serviceAccount, scopes: ['https://www.googleapis.com/auth/cloud-platform'] }],
    metadata: {
      items: [
        { key: 'tee-image-reference', value: referenceOf(plan) },
        { key: 'tee-restart-policy', value: 'Never' },
        { key: `tee-env-${JOB_VARIABLE}`, value: plan.job },
        // The notebook's output must not reach the operator's logs.
        { key: 'tee-container-log-redirect', value: 'false' }
      ]
    },
    labels: { ...plan.labels, [DEPLOYMENT_LABEL]: deployment, [ATTEMPT_LABEL]: plan.attempt },
    deletionProtection: false
  };
}
