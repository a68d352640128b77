/** The permissions of the roles that a deployment needs, as far as the fake cloud has methods for them (cloud.google.com/iam/docs/roles-permissions). */
const ROLES = {
  'roles/compute.instanceAdmin.v1': [
    'compute.instances.create',
    'compute.instances.delete',
    'compute.instances.get',
    'compute.instances.getSerialPortOutput',
    'compute.instances.list',
    'compute.instances.setLabels',
    'compute.instances.setMetadata',
    'compute.instances.setServiceAccount',
    'compute.instances.stop',
    'compute.disks.create',
    'compute.machineTypes.get',
    'compute.regions.get',
    'compute.subnetworks.use',
    'compute.zoneOperations.get',
    'compute.zoneOperations.list',
    'compute.zones.list'
  ],
  'roles/iam.serviceAccountUser': ['iam.serviceAccounts.actAs'],
  'roles/iam.serviceAccountTokenCreator': ['iam.serviceAccounts.signBlob'],
  'roles/logging.viewer': ['logging.logEntries.list'],
  'roles/logging.logWriter': ['logging.logEntries.create'],
  'roles/confidentialcomputing.workloadUser': ['confidentialcomputing.challenges.verify'],
  'roles/artifactregistry.reader': ['artifactregistry.repositories.downloadArtifacts'],
  'roles/artifactregistry.writer': [
    'artifactregistry.repositories.downloadArtifacts',
    'artifactregistry.repositories.uploadArtifacts'
  ],
  'roles/artifactregistry.repoAdmin': [
    'artifactregistry.repositories.downloadArtifacts',
    'artifactregistry.repositories.uploadArtifacts',
    'artifactregistry.repositories.deleteArtifacts',
    'artifactregistry.versions.delete'
  ],
  'roles/storage.objectViewer': ['storage.objects.get', 'storage.objects.list'],
  'roles/storage.objectUser': [
    'storage.objects.create',
    'storage.objects.delete',
    'storage.objects.get',
    'storage.objects.list'
  ],
  'roles/storage.legacyBucketReader': ['storage.buckets.get', 'storage.objects.list']
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The name of a role that the fake cloud knows. */
export type Role = keyof typeof ROLES;

/** Returns whether one of the roles has a permission. */
export function rolesAllow(roles: readonly Role[], permission: string): boolean {
  return roles.some(role => (ROLES[role] as readonly string[]).includes(permission));
}
