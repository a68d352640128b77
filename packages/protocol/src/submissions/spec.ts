import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { AssetName, ByteCount, Closed, DigestField, Title } from '../documents/fields.js';
import { PublicKey, Recipient } from '../documents/keys.js';

/** A file of a workspace. */
const WorkspaceFile = Closed({
  /** The path relative to the workspace, with `/` between its parts. */
  path: Type.String({ minLength: 1, maxLength: 1024 }),
  digest: DigestField,
  bytes: ByteCount
});

/** An asset that a revision uses. */
export const SpecAsset = Closed({
  name: AssetName,
  /** Digest of the asset version's signed bytes. */
  version: DigestField,
  /** Digest of the policy's signed bytes. */
  policy: DigestField,
  /** The key of the custodian that must approve the revision and release the asset's key. */
  custodian: PublicKey
});
export type SpecAsset = Static<typeof SpecAsset>;

/** The machine that a run needs. */
export const Compute = Closed({
  /** The number of processors. */
  processors: Type.Integer({ minimum: 1, maximum: 1024 }),
  memoryBytes: Type.Integer({ minimum: 64 * 1024 ** 2, maximum: 16 * 1024 ** 4 }),
  accelerator: Type.Union([Type.Literal('none'), Type.Literal('gpu')])
});
export type Compute = Static<typeof Compute>;

/**
 * A complete revision. It refers to everything by digest and by public key. It is a file of the image, in canonical form, so
 * that the image digest covers it. It contains neither a time nor an id: equal inputs give equal bytes.
 */
export const Spec = defineDocument(
  'spec',
  1,
  Closed({
    format: Type.Literal('clean-room.spec/v1'),
    collaboration: DigestField,
    purpose: Title,
    kernelImage: DigestField,
    /** Sorted by the UTF-8 bytes of the path. */
    workspace: Type.Array(WorkspaceFile, { minItems: 1, maxItems: 10_000 }),
    /** The path of the notebook that runs. It is one of `workspace`. */
    notebook: Type.String({ minLength: 1, maxLength: 1024 }),
    /** A JSON object as text. */
    parameters: Type.String({ maxLength: 65_536 }),
    /** Sorted by name, without duplicates. */
    assets: Type.Array(SpecAsset, { maxItems: 64 }),
    submitter: PublicKey,
    /** The keys that can open the outputs. */
    recipients: Type.Array(Recipient, { minItems: 1, maxItems: 16 }),
    /** A further key that can open the outputs, for when the recipients' keys are lost. */
    recovery: Type.Optional(Recipient),
    compute: Compute
  })
);
export type Spec = Static<typeof Spec.schema>;

/** The path of the spec in the image. */
export const SPEC_PATH = 'clean-room/spec.json';

/** The path of the workspace's folder in the image. */
export const WORKSPACE_PATH = 'clean-room/workspace';
