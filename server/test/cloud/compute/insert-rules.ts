import { ApiError, invalid } from '../http/api-error.js';
import { imageOf, machineTypeIn, regionOf, type BootImage, type MachineType } from './catalogue.js';
import { checkConfidential, checkScheduling } from './confidential-rules.js';
import type { InsertContext, InstanceBody, ResolvedInstance } from './instance-body.js';
import { checkLabels, checkMetadata } from './label-rules.js';
import { checkType } from './schema.js';

const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
function checkDisk(
  body: InstanceBody,
  zone: string,
  type: MachineType
): { image: BootImage; diskSizeGb: number } {
  const disks = body.disks ?? [];
  const [disk] = disks;
  if (disk?.boot !== true || disks.filter(({ boot }) => boot === true).length !== 1) {
    throw new ApiError(400, 'invalid', 'Boot disk must be the first disk attached to the instance.');
  }
  const {
    sourceImage = '',
    diskType = `zones/${zone}/diskTypes/pd-standard`,
    diskSizeGb
  } = disk.initializeParams ?? {};
  const at = 'resource.disks[0].initializeParams';
  const image = imageOf(sourceImage);
  if (image === undefined) {
    throw invalid(`${at}.sourceImage`, sourceImage, 'The referenced image resource cannot be found.');
  }
  const [, diskZone, diskName = ''] = /zones\/([a-z0-9-]+)\/diskTypes\/([a-z-]+)$/.exec(diskType) ?? [];
  if (diskZone !== zone)
    throw invalid(`${at}.diskType`, diskType, 'The referenced resource is not in this zone.');
  if (!type.family.diskTypes.includes(diskName)) {
    throw new ApiError(
      400,
      'badRequest',
      `[${diskName}] features and [instance_type: ${type.name}] features are not compatible for creating instance.`
    );
  }
  const size = Number(diskSizeGb ?? image.diskSizeGb);
  if (size < image.diskSizeGb) {
    throw invalid(
      `${at}.diskSizeGb`,
      String(size),
      `Requested disk size cannot be smaller than the image size (${image.diskSizeGb} GB).`
    );
  }
  return { image, diskSizeGb: size };
}

function checkNetwork(body: InstanceBody, context: InsertContext): void {
  const [nic, ...others] = body.networkInterfaces ?? [];
  if (nic === undefined || others.length > 0) {
    throw invalid('resource.networkInterfaces', '', 'The instance needs one network interface.');
  }
  const at = 'resource.networkInterfaces[0].subnetwork';
  const { subnetwork } = nic;
  if (subnetwork === undefined) return;
  const [, region, name] =
    /^(?:https:\/\/(?:www|compute)\.googleapis\.com\/compute\/v1\/)?projects\/[a-z0-9-]+\/regions\/([a-z0-9-]+)\/subnetworks\/([a-z0-9-]+)$/.exec(
      subnetwork
    ) ?? [];
  if (region === undefined) throw invalid(at, subnetwork, 'The URL is malformed.');
  if (region !== regionOf(context.zone)) {
    throw invalid(at, subnetwork, 'The subnetwork is in another region than the instance.');
  }
  if (!context.subnetworks.includes(`${region}/${name}`)) {
    throw invalid(at, subnetwork, 'The referenced subnetwork resource cannot be found.');
  }
}

function checkServiceAccounts(body: InstanceBody, context: InsertContext): void {
  const accounts = body.serviceAccounts ?? [];
  if (accounts.length > 1) {
    throw invalid('resource.serviceAccounts', '', 'An instance has at most one service account.');
  }
  for (const { email = '', scopes = [] } of accounts) {
    if (!context.accountExists(email)) {
      throw new ApiError(404, 'notFound', `The resource '${email}' of type 'serviceAccount' was not found.`);
    }
    for (const scope of scopes) {
      if (scope.startsWith('https://www.googleapis.com/auth/')) continue;
      throw invalid('resource.serviceAccounts[0].scopes', scope, 'It is not an OAuth scope.');
    }
  }
}

/**
 * Checks the body of an insert as Google does.
 *
 * @throws ApiError 400 or 404 with the field that is wrong
 */
export function checkInsert(value: unknown, context: InsertContext): ResolvedInstance {
  checkType('Instance', value);
  const body = value as InstanceBody;
  const { name = '', machineType: reference = '' } = body;
  if (!NAME.test(name)) {
    throw invalid('resource.name', name, "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'");
  }
  checkLabels(body.labels ?? {});
  checkMetadata(body.metadata?.items ?? []);
  const [, typeZone, typeName = ''] =
    /zones\/([a-z0-9-]+)\/machineTypes\/([a-z0-9-]+)$/.exec(reference) ?? [];
  if (typeZone !== context.zone) throw invalid('resource.machineType', reference, 'The URL is malformed.');
  const type = machineTypeIn(context.zone, typeName);
  if (type === undefined) {
    throw invalid(
      'resource.machineType',
      reference,
      `Machine type with name '${typeName}' does not exist in zone '${context.zone}'.`
    );
  }
  const { image, diskSizeGb } = checkDisk(body, context.zone, type);
  const confidentialType = checkConfidential(body, type, image);
  checkScheduling(body, type);
  checkNetwork(body, context);
  checkServiceAccounts(body, context);
  return { machineType: type, image, confidentialType, diskSizeGb };
}
