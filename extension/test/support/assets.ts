import { AssetVersion } from '@clean-room/protocol/assets';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { Policy } from '@clean-room/protocol/policies';

const digest = (letter: string): `sha256:${string}` => `sha256:${letter.repeat(64)}`;
const key = generateSigningKey();
const other = generateSigningKey();

/** Returns a dataset as the coordinator lists it, signed by its provider's custodian or, if `forged`, by another key. */
export function publishedAsset(
  changes: {
    name?: string;
    purposes?: string[];
    wallSeconds?: number;
    memoryBytes?: number;
    review?: 'none' | 'person';
    forged?: boolean;
  } = {}
): { readonly name: string } {
  const {
    name = 'hospital/visits',
    purposes = ['Health research'],
    wallSeconds = 900,
    memoryBytes = 1024 ** 3,
    review = 'none'
  } = changes;
  const version = {
    format: 'clean-room.asset/v1' as const,
    name,
    version: 3,
    description: 'Visits to the doctor',
    table: { columns: [{ name: 'age', type: 'integer' as const, nullable: false }] },
    sealedFor: 'simulation' as const,
    sealed: { digest: digest('1'), bytes: 1000 },
    standIn: { kind: 'random' as const, digest: digest('2'), bytes: 100, rows: 1000 }
  };
  const policy = {
    format: 'clean-room.policy/v1' as const,
    asset: name,
    version: 1,
    collaboration: digest('7'),
    parties: [other.publicKey],
    purposes,
    validUntil: '2027-03-31T00:00:00Z',
    kernelImages: { digests: [digest('3')], signers: [other.publicKey] },
    tee: {
      rule: 'true',
      roots: [{ kind: 'simulated' as const, certificate: digest('4') }],
      sandboxProfiles: ['second-uid' as const]
    },
    run: { wallSeconds, memoryBytes, timeGridSeconds: 60, runs: 2, spareStarts: 0 },
    outputs: {
      mimeTypes: ['text/plain'],
      bytesPerOutput: 8000,
      bytesPerRun: 100_000,
      outputsPerRun: 50,
      review,
      valuesPerRow: 3
    },
    privacy: { rho: '0', epsilon: '0', delta: '0' },
    coHosted: true
  };
  const signer = changes.forged === true ? other : key;
  return {
    name,
    provider: name.split('/')[0],
    versionDigest: digest('5'),
    policyDigest: digest('6'),
    version: AssetVersion.sign(version, signer),
    policy: Policy.sign(policy, signer),
    custodian: {
      key: key.publicKey,
      recipient: 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
      origin: 'http://hospital.localhost:8788',
      hosting: 'co-hosted',
      demo: true
    },
    publishedAt: '2026-11-20T10:00:00.000Z'
  } as { readonly name: string };
}
