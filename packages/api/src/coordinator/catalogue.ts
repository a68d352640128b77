import { Type, type Static } from 'typebox';
import {
  AssetName,
  Base64,
  Closed,
  DigestField,
  Envelope,
  PartyName,
  Title
} from '@clean-room/protocol/documents';
import { Custodian } from '@clean-room/protocol/parties';
import { defineRoute } from '../route.js';
import { ApiTimestamp, PageOf, PageQuery } from './common.js';

/** The newest version of an asset, with its policy and its provider's custodian. */
export const PublishedAsset = Closed({
  name: AssetName,
  provider: PartyName,
  /** Digest of the signed asset version. A spec refers to the version by this digest. */
  versionDigest: DigestField,
  policyDigest: DigestField,
  version: Envelope,
  policy: Envelope,
  custodian: Custodian,
  publishedAt: ApiTimestamp
});
export type PublishedAsset = Static<typeof PublishedAsset>;

export const listAssets = defineRoute({
  method: 'GET',
  path: '/v1/assets',
  summary: 'List the newest version of each asset of my collaborations, with its policy and custodian',
  callers: ['person', 'custodian'],
  query: PageQuery,
  response: PageOf(PublishedAsset)
});

export const publishAsset = defineRoute({
  method: 'POST',
  path: '/v1/assets',
  summary: 'Publish an asset version with its policy. Upload the sealed bytes and the stand-in first',
  callers: ['person', 'custodian'],
  body: Closed({ version: Envelope, policy: Envelope }),
  response: Closed({ versionDigest: DigestField, policyDigest: DigestField }),
  status: 201,
  bodyLimit: 16_000_000
});

export const withdrawAsset = defineRoute({
  method: 'POST',
  path: '/v1/assets/:dataset/withdraw',
  summary: 'Stop offering a dataset of my party. Publishing a new version offers it again',
  callers: ['custodian'],
  params: Closed({ dataset: Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,62}$' }) }),
  status: 204
});

/** A kernel image that notebooks can be submitted with. */
const KernelImageListing = Closed({
  digest: DigestField,
  name: Title,
  /** The kernel image statement, signed by a release key. */
  statement: Envelope,
  manifest: Base64,
  config: Base64
});

export const listKernelImages = defineRoute({
  method: 'GET',
  path: '/v1/kernel-images',
  summary: 'List the kernel images that notebooks can be submitted with',
  callers: ['person', 'custodian'],
  response: Closed({ items: Type.Array(KernelImageListing) })
});

/** A machine size that runs can use. */
export const Machine = Closed({
  name: Type.String(),
  /** The kind of TEE. A `SIMULATED` one protects nothing. */
  tee: Type.Union([Type.Literal('TDX'), Type.Literal('SEV'), Type.Literal('SIMULATED')]),
  processors: Type.Integer({ minimum: 1 }),
  /** Memory that a notebook can ask for. */
  memoryBytes: Type.Integer({ minimum: 1 }),
  /** Approximate price of one hour in US dollars. Absent when the operator has not configured it. */
  dollarsPerHour: Type.Optional(Type.Number({ minimum: 0 }))
});
export type Machine = Static<typeof Machine>;

export const listMachines = defineRoute({
  method: 'GET',
  path: '/v1/machines',
  summary: 'List the machine sizes for runs on these assets, the smallest first',
  callers: ['person', 'custodian'],
  query: Closed({
    /** Names of assets, separated by commas. Their policies decide about the kind of TEE. */
    assets: Type.Optional(Type.String({ maxLength: 10_000 }))
  }),
  response: Closed({ items: Type.Array(Machine) })
});
