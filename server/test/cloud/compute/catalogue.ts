/** Technologies of confidential VMs that Confidential Space uses. */
export type ConfidentialType = 'SEV' | 'SEV_SNP' | 'TDX';

/** A family of machine types (cloud.google.com/confidential-computing/confidential-vm/docs/supported-configurations). */
interface MachineFamily {
  readonly confidential: readonly ConfidentialType[];
  /** Whether confidential machines with SEV may migrate. */
  readonly migrates: boolean;
  readonly memoryMbPerProcessor: number;
  readonly processors: readonly number[];
  readonly diskTypes: readonly string[];
}

const PERSISTENT_DISKS = ['pd-standard', 'pd-balanced', 'pd-ssd'];

const FAMILIES: Readonly<Record<string, MachineFamily>> = {
  'n2d-standard': {
    confidential: ['SEV', 'SEV_SNP'],
    migrates: true,
    memoryMbPerProcessor: 4096,
    processors: [2, 4, 8, 16, 32, 48, 64, 80, 96, 128, 224],
    diskTypes: PERSISTENT_DISKS
  },
  'n2d-highmem': {
    confidential: ['SEV', 'SEV_SNP'],
    migrates: true,
    memoryMbPerProcessor: 8192,
    processors: [2, 4, 8, 16, 32, 48, 64, 80, 96],
    diskTypes: PERSISTENT_DISKS
  },
  'c2d-standard': {
    confidential: ['SEV'],
    migrates: false,
    memoryMbPerProcessor: 4096,
    processors: [2, 4, 8, 16, 32, 56, 112],
    diskTypes: PERSISTENT_DISKS
  },
  'c3-standard': {
    confidential: ['TDX'],
    migrates: false,
    memoryMbPerProcessor: 4096,
    processors: [4, 8, 22, 44, 88, 176],
    diskTypes: ['pd-balanced', 'pd-ssd', 'hyperdisk-balanced']
  },
  'e2-standard': {
    confidential: [],
    migrates: true,
    memoryMbPerProcessor: 4096,
    processors: [2, 4, 8, 16, 32],
    diskTypes: PERSISTENT_DISKS
  }
};

/** A type of machine in a zone. */
export interface MachineType {
  readonly name: string;
  readonly family: MachineFamily;
  readonly processors: number;
  readonly memoryMb: number;
}

/** Returns a machine type by name, or undefined if there is none. */
function machineType(name: string): MachineType | undefined {
  const [, familyName = '', count = ''] = /^([a-z0-9]+-[a-z]+)-(\d+)$/.exec(name) ?? [];
  const family = FAMILIES[familyName];
  const processors = Number(count);
  if (family?.processors.includes(processors) !== true) return undefined;
  return { name, family, processors, memoryMb: processors * family.memoryMbPerProcessor };
}

/** The prefix of the quota metric of a machine type, such as `N2D_CPUS`. */
export function quotaMetric(type: MachineType): string {
  return `${(type.name.split('-')[0] ?? '').toUpperCase()}_CPUS`;
}

/** A boot image. */
export interface BootImage {
  readonly name: string;
  readonly family: string;
  readonly diskSizeGb: number;
  readonly guestOsFeatures: readonly string[];
}

/** The project of the Confidential Space images. */
export const IMAGE_PROJECT = 'confidential-space-images';

const GUEST_OS_FEATURES = [
  'UEFI_COMPATIBLE',
  'GVNIC',
  'SEV_CAPABLE',
  'TDX_CAPABLE',
  'VIRTIO_SCSI_MULTIQUEUE'
];

/** The images of Confidential Space; the last one of a family is the newest. */
const IMAGES: readonly BootImage[] = [
  {
    name: 'confidential-space-260700',
    family: 'confidential-space',
    diskSizeGb: 11,
    guestOsFeatures: GUEST_OS_FEATURES
  },
  {
    name: 'confidential-space-260800',
    family: 'confidential-space',
    diskSizeGb: 11,
    guestOsFeatures: GUEST_OS_FEATURES
  },
  {
    name: 'confidential-space-debug-260800',
    family: 'confidential-space-debug',
    diskSizeGb: 11,
    guestOsFeatures: GUEST_OS_FEATURES
  }
];

/** Returns an image of Confidential Space by its reference, or undefined if there is none. */
export function imageOf(reference: string): BootImage | undefined {
  const [, project, family, name] =
    /^(?:https:\/\/(?:www|compute)\.googleapis\.com\/compute\/v1\/)?projects\/([a-z0-9-]+)\/global\/images\/(?:family\/([a-z0-9-]+)|([a-z0-9-]+))$/.exec(
      reference
    ) ?? [];
  if (project !== IMAGE_PROJECT) return undefined;
  return IMAGES.findLast(image => (family === undefined ? image.name === name : image.family === family));
}

/** The zones of the fake cloud, with the families of machines that they have. */
export const ZONES: Readonly<Record<string, readonly string[]>> = {
  'europe-west4-a': ['n2d', 'c2d', 'c3', 'e2'],
  'europe-west4-b': ['n2d', 'c2d', 'c3', 'e2'],
  'europe-west4-c': ['n2d', 'c2d', 'c3', 'e2'],
  'us-central1-a': ['n2d', 'c2d', 'c3', 'e2'],
  'us-central1-f': ['n2d', 'e2']
};

/** Returns a machine type if a zone has it. */
export function machineTypeIn(zone: string, name: string): MachineType | undefined {
  return ZONES[zone]?.includes(name.split('-')[0] ?? '') === true ? machineType(name) : undefined;
}

/** Returns the region of a zone. */
export function regionOf(zone: string): string {
  return zone.slice(0, zone.lastIndexOf('-'));
}
