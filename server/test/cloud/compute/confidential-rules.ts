import { invalid } from '../http/api-error.js';
import type { BootImage, ConfidentialType, MachineType } from './catalogue.js';
import type { InstanceBody } from './instance-body.js';

/** Checks maintenance, Spot and the maximal run duration, which confidential machines restrict. */
export function checkScheduling(body: InstanceBody, type: MachineType): void {
  const { confidentialInstanceConfig: config, scheduling = {} } = body;
  const spot = scheduling.provisioningModel === 'SPOT';
  const maintenance = scheduling.onHostMaintenance ?? (spot ? 'TERMINATE' : 'MIGRATE');
  const mayMigrate = type.family.migrates && (config?.confidentialInstanceType ?? 'SEV') === 'SEV';
  if (config?.enableConfidentialCompute === true && maintenance !== 'TERMINATE' && !mayMigrate) {
    throw invalid(
      'resource.scheduling.onHostMaintenance',
      maintenance,
      'Confidential instances of this type do not support live migration; use TERMINATE.'
    );
  }
  if (spot && (maintenance !== 'TERMINATE' || scheduling.automaticRestart === true)) {
    throw invalid(
      'resource.scheduling',
      'SPOT',
      'Spot instances need onHostMaintenance TERMINATE and automaticRestart false.'
    );
  }
  const seconds = scheduling.maxRunDuration?.seconds;
  if (seconds !== undefined && (Number(seconds) < 30 || Number(seconds) > 120 * 24 * 3600)) {
    throw invalid(
      'resource.scheduling.maxRunDuration',
      String(seconds),
      'Must be from 30 seconds to 120 days.'
    );
  }
  if (seconds !== undefined && scheduling.instanceTerminationAction === undefined) {
    throw invalid(
      'resource.scheduling.instanceTerminationAction',
      '',
      'An instance with maxRunDuration needs a termination action.'
    );
  }
  if (seconds === undefined && !spot && scheduling.instanceTerminationAction !== undefined) {
    throw invalid(
      'resource.scheduling.instanceTerminationAction',
      scheduling.instanceTerminationAction,
      'Only Spot instances and instances with maxRunDuration have a termination action.'
    );
  }
}

/** Checks that machine type and image support the confidential type. Returns the type, or undefined for an ordinary machine. */
export function checkConfidential(
  body: InstanceBody,
  type: MachineType,
  image: BootImage
): ConfidentialType | undefined {
  const config = body.confidentialInstanceConfig;
  if (config?.enableConfidentialCompute !== true) {
    if (config?.confidentialInstanceType === undefined) return undefined;
    throw invalid(
      'resource.confidentialInstanceConfig.enableConfidentialCompute',
      'false',
      'A confidential instance type needs confidential compute.'
    );
  }
  const wanted = config.confidentialInstanceType ?? 'SEV';
  if (!type.family.confidential.includes(wanted)) {
    throw invalid(
      'resource.machineType',
      type.name,
      `Confidential instance type ${wanted} is not supported by this machine type.`
    );
  }
  if (!image.guestOsFeatures.includes(`${wanted}_CAPABLE`)) {
    throw invalid(
      'resource.disks[0].initializeParams.sourceImage',
      image.name,
      `It is not ${wanted}_CAPABLE.`
    );
  }
  return wanted;
}
