import { ApiError, invalid } from '../http/api-error.js';
import {
  imageOf,
  machineTypeIn,
  regionOf,
  type BootImage,
  type ConfidentialType,
  type MachineType
} from './catalogue.js';
import { checkType } from './schema.js';

/** The fields of an instance resource that the fake cloud acts on. */
export interface InstanceBody {
  readonly name?: string;
  readonly machineType?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly metadata?: { readonly items?: readonly { readonly key?: string; readonly value?: string }[] };
  readonly confidentialInstanceConfig?: {
    readonly enableConfidentialCompute?: boolean;
    readonly confidentialInstanceType?: ConfidentialType;
  };
  readonly shieldedInstanceConfig?: Readonly<Record<string, boolean>>;
  readonly scheduling?: {
    readonly onHostMaintenance?: string;
    readonly automaticRestart?: boolean;
    readonly provisioningModel?: string;
    readonly maxRunDuration?: { readonly seconds?: string | number };
    readonly instanceTerminationAction?: 'DELETE' | 'STOP';
  };
  readonly disks?: readonly {
    readonly boot?: boolean;
    readonly autoDelete?: boolean;
    readonly initializeParams?: {
      readonly sourceImage?: string;
      readonly diskType?: string;
      readonly diskSizeGb?: string | number;
    };
  }[];
  readonly networkInterfaces?: readonly {
    readonly network?: string;
    readonly subnetwork?: string;
    readonly nicType?: string;
    readonly accessConfigs?: readonly object[];
  }[];
  readonly serviceAccounts?: readonly { readonly email?: string; readonly scopes?: readonly string[] }[];
  readonly deletionProtection?: boolean;
}

/** Resources that the rules of an insert refer to. */
export interface InsertContext {
  readonly project: string;
  readonly zone: string;
  readonly subnetworks: readonly string[];
  readonly accountExists: (email: string) => boolean;
}

/** Resources that a valid body refers to. */
export interface ResolvedInstance {
  readonly machineType: MachineType;
  readonly image: BootImage;
  readonly confidentialType: ConfidentialType | undefined;
  readonly diskSizeGb: number;
}

const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_KEY = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u;
const LABEL_VALUE = /^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u;

function checkLabels(labels: Readonly<Record<string, string>>): void {
  if (Object.keys(labels).length > 64) throw invalid('resource.labels', '', 'At most 64 labels are allowed.');
  for (const [key, value] of Object.entries(labels)) {
    if (!LABEL_KEY.test(key)) {
      throw invalid('resource.labels', '', `Label key '${key}' violates format constraints.`);
    }
    if (!LABEL_VALUE.test(value)) {
      throw invalid('resource.labels', '', `Label value '${value}' violates format constraints.`);
    }
  }
}

/** Checks the limits of metadata (cloud.google.com/compute/docs/metadata/setting-custom-metadata#limitations). */
function checkMetadata(items: readonly { readonly key?: string; readonly value?: string }[]): void {
  let total = 0;
  const keys = new Set<string>();
  for (const { key = '', value = '' } of items) {
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(key)) {
      throw invalid('resource.metadata.items.key', key, 'Must be a match of regex [a-zA-Z0-9-_]{1,128}');
    }
    if (keys.has(key)) throw invalid('resource.metadata.items.key', key, 'Metadata has duplicate key.');
    keys.add(key);
    if (Buffer.byteLength(value) > 256 * 1024) {
      throw invalid(
        `resource.metadata.items.value`,
        key,
        'Value is too large: maximum size 262144 character(s).'
      );
    }
    total += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (total > 512 * 1024) throw invalid('resource.metadata', '', 'Total metadata size exceeds 512 KB.');
}

function checkScheduling(body: InstanceBody, type: MachineType): void {
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

function checkConfidential(
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
